// The board of the drawing pad: strokes by mouse, touch, pen or keyboard, and back again.
(function (cnncourse) {
  "use strict";

  const { make, setSize, drawStrokes } = cnncourse.parts;
  const RADII = { min: 4, max: 22, value: 10 }; // of the brush, in units of the pad
  const STEP = { small: 7, big: 28 }; // of the arrow keys, in units of the pad

  /**
   * A square canvas on which strokes are drawn by mouse, touch, pen or keyboard.
   * changed(event) is called after each change, say(text) with what a screen reader should say.
   * Strokes are never changed in place once they are finished, so a former list of them is all that undo needs.
   */
  function makeBoard(helpId, changed, say) {
    const size = cnncourse.PAD_SIZE;
    const cursor = { x: size / 2, y: size / 2, shown: false };
    const past = [];
    let strokes = [];
    let stroke = null; // the one that is being drawn
    let pointer = null; // the id of the mouse, finger or pen that draws it; null for the keyboard

    const canvas = make("canvas", {
      class: "board",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "drawing board",
      "aria-label": "Draw a digit",
      "aria-describedby": helpId,
      onpointerdown: pressed,
      onpointermove: moved,
      onpointerup: released,
      onpointercancel: cancelled,
      onlostpointercapture: released,
      onkeydown: typed,
      onblur: (event) => lift(event),
    });
    const board = { canvas, radius: RADII.value, replace, undo, clear, draw, get strokes() { return strokes; } };

    const inside = (value, radius) => Math.min(size - radius, Math.max(radius, Math.round(10 * value) / 10));

    /** The strokes become others, and undo leads back. */
    function replace(others, event) {
      past.push(strokes);
      strokes = others;
      stroke = pointer = null;
      changed(event);
    }

    function clear(event) {
      if (strokes.length > 0) replace([], event);
      say("Cleared.");
    }

    function undo(event) {
      if (past.length === 0) return say("There is nothing to undo.");
      strokes = past.pop();
      stroke = pointer = null;
      say("Undone.");
      changed(event);
    }

    function begin(x, y, event) {
      const radius = board.radius;
      const begun = { radius, points: [[inside(x, radius), inside(y, radius)]] };
      replace([...strokes, begun], event);
      stroke = begun;
    }

    function extend(x, y) {
      const [lastX, lastY] = stroke.points.at(-1);
      const point = [inside(x, stroke.radius), inside(y, stroke.radius)];
      if (point[0] !== lastX || point[1] !== lastY) stroke.points.push(point);
    }

    function place(event) {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * size) / box.width, ((event.clientY - box.top) * size) / box.height];
    }

    function pressed(event) {
      if (event.button !== 0 || !event.isPrimary || pointer !== null) return;
      canvas.setPointerCapture(event.pointerId);
      cursor.shown = false;
      begin(...place(event), event);
      pointer = event.pointerId;
    }

    function moved(event) {
      if (event.pointerId !== pointer) return;
      const between = event.getCoalescedEvents?.() ?? [];
      for (const each of between.length > 0 ? between : [event]) extend(...place(each));
      [cursor.x, cursor.y] = stroke.points.at(-1);
      changed(event);
    }

    function released(event) {
      if (event.pointerId === pointer) stroke = pointer = null;
    }

    /** The system took the pointer away, for example because a palm rested on the screen: no stroke was meant. */
    function cancelled(event) {
      if (event.pointerId === pointer) undo(event);
    }

    function lift(event) {
      const wasDown = stroke !== null && pointer === null;
      if (wasDown) stroke = null;
      cursor.shown &&= event.type !== "blur";
      if (wasDown) say("Pen up.");
      draw();
    }

    /** The keyboard's pen goes down, or up. */
    function toggle(event) {
      cursor.shown = true;
      if (stroke) return lift(event);
      begin(cursor.x, cursor.y, event);
      const [across, down] = [cursor.x, cursor.y].map((units) => `${Math.round((100 * units) / size)} %`);
      say(`Pen down at ${across} from the left, ${down} from the top.`);
    }

    function typed(event) {
      const { key } = event;
      const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
      const command = event.ctrlKey || event.metaKey;
      if (pointer !== null || event.altKey) return;
      if (command && (key.toLowerCase() !== "z" || event.shiftKey)) return; // Ctrl+Shift+Z would be redo
      if (arrow) {
        const step = event.shiftKey ? STEP.big : STEP.small;
        cursor.shown = true;
        cursor.x = inside(cursor.x + step * arrow[0], board.radius);
        cursor.y = inside(cursor.y + step * arrow[1], board.radius);
        if (stroke) {
          extend(cursor.x, cursor.y);
          changed(event);
        }
      } else if (key === " " || key === "Enter") {
        if (!event.repeat) toggle(event);
      } else if (key === "Escape" && stroke) lift(event);
      else if (key === "Delete") clear(event);
      else if (command) undo(event);
      else return;
      event.preventDefault(); // no scrolling
      event.stopPropagation(); // and no shortcut of a notebook
      draw();
    }

    /** Draw the strokes, and the keyboard's cursor: a cross, with the brush round it. */
    function draw() {
      const pixels = Math.round(canvas.clientWidth * devicePixelRatio) || size; // the screen's, so that lines are sharp
      setSize(canvas, pixels, pixels);
      const context = drawStrokes(canvas, strokes);
      if (!cursor.shown) return;
      const { x, y } = cursor;
      context.save();
      for (const [style, width] of [["#0f1c2e", 5], ["#ffb454", 2.5]]) {
        context.strokeStyle = style;
        context.lineWidth = width;
        context.stroke(new Path2D(`M ${x - 6} ${y} h 12 M ${x} ${y - 6} v 12`));
        context.setLineDash(stroke ? [] : [5, 4]);
        context.beginPath();
        context.arc(x, y, Math.max(board.radius, 8) + 3, 0, 2 * Math.PI);
        context.stroke();
        context.setLineDash([]);
      }
      context.restore();
    }

    return board;
  }

  Object.assign(cnncourse.parts, { RADII, makeBoard });
})((globalThis.cnncourse ??= {}));
