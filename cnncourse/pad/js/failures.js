// Where does a network fail? The drawing shifted by every few pixels, and with thinner and thicker strokes.
(function (cnncourse) {
  "use strict";

  const { make, percent, nextTurn, drawImage, invitation } = cnncourse.parts;
  const SHIFTS = 6; // pixels, in every direction
  const FACTORS = [0.3, 0.5, 1, 1.5, 2, 2.5, 3, 4]; // that the width of the strokes is multiplied by
  const SLICE = 12; // milliseconds of work until the page gets its turn

  /** All shifts (dx, dy) of up to `most` pixels, the smallest first. */
  function shiftsByLength(most) {
    const steps = Array.from({ length: 2 * most + 1 }, (_, i) => i - most);
    const shifts = steps.flatMap((dy) => steps.map((dx) => ({ dx, dy })));
    return shifts.toSorted((a, b) => Math.hypot(a.dx, a.dy) - Math.hypot(b.dx, b.dy));
  }

  /** "3 pixels to the left and 1 pixel up" */
  function inWords({ dx, dy }) {
    const part = (amount, less, more) => {
      const pixels = Math.abs(amount);
      return `${pixels} ${pixels === 1 ? "pixel" : "pixels"} ${amount < 0 ? less : more}`;
    };
    const parts = [part(dx, "to the left", "to the right"), part(dy, "up", "down")];
    return parts.filter((_, i) => [dx, dy][i] !== 0).join(" and ");
  }

  /**
   * The section that finds where the network fails. current() returns {network, image, strokes}, image null for an
   * empty drawing; ask(network, image) returns a Promise of {answer, probability}, answer the number of a class.
   * Returns {element, reset()}: reset stops the search and takes its tables away.
   */
  function makeFailures(heading, current, ask, say) {
    let search = 0; // counts up, so that a search sees that it is out of date
    const text = "How far can your drawing move, and how thin or thick can its strokes be, before the answer changes?";
    const button = make("button", { type: "button", onclick: start }, "Find where it fails");
    const progress = make("p", { class: "sentence" });
    const tables = make("div", { class: "tables" });
    const element = make("section", {}, heading, make("p", {}, text), button, progress, tables);

    function reset() {
      search++;
      progress.textContent = "";
      tables.replaceChildren();
    }

    function tell(sentence) {
      progress.textContent = sentence;
      say(sentence);
    }

    async function start() {
      reset();
      const mine = search;
      const drawing = current();
      if (!drawing.network || !drawing.image) return tell(invitation(drawing.network));
      try {
        const sentence = await find(drawing, () => search === mine);
        if (search === mine) tell(sentence);
      } catch (error) {
        if (search === mine) progress.textContent = `${drawing.network.name} can't answer: ${error.message}`;
      }
    }

    /** Fill both tables, and say in words what they show; give up as soon as wanted() is false. */
    async function find({ network, image, strokes }, wanted) {
      let began = performance.now();

      async function answerTo(changed) {
        const result = await ask(network, changed);
        if (performance.now() - began > SLICE) {
          await nextTurn();
          began = performance.now();
        }
        return result;
      }

      const { answer } = await answerTo(image);
      if (!wanted()) return;
      const label = (number) => network.classes[number];
      // The cells of the shifts are too narrow for a long name: the class's number stands there.
      const numbered = network.classes.some((name) => name.length > 2);
      const short = (number) => (numbered ? String(number) : label(number));
      const shifts = shiftTable(label(answer), numbered ? network.classes : []);
      const widths = widthTable(label(answer));
      tables.append(shifts.element, widths.element);
      const fill = (cell, result, name) => {
        cell.textContent = name(result.answer);
        cell.title = label(result.answer);
        cell.classList.add(result.answer === answer ? "same" : "other");
      };

      const otherWidths = [];
      for (const factor of FACTORS) {
        const drawn = cnncourse.digitImage(cnncourse.thinned(strokes, factor));
        const result = await answerTo(drawn);
        if (!wanted()) return;
        const cells = widths.cells.get(factor);
        drawImage(cells.picture, drawn, [1, 28, 28]);
        fill(cells.answer, result, label);
        cells.probability.textContent = percent(result.probability);
        if (result.answer !== answer) otherWidths.push({ factor, ...result });
      }

      const otherShifts = [];
      const all = shiftsByLength(SHIFTS);
      for (const [i, shift] of all.entries()) {
        const result = await answerTo(cnncourse.shifted(image, shift.dx, shift.dy));
        if (!wanted()) return;
        progress.textContent = `${i + 1} of ${all.length} shifts`;
        fill(shifts.cells.get(`${shift.dx} ${shift.dy}`), result, short);
        if (result.answer !== answer) otherShifts.push({ ...shift, ...result });
      }
      return `${shiftSentence(otherShifts, all.length, label)} ${widthSentence(otherWidths, label)}`;
    }

    return { element, reset };
  }

  function shiftSentence(others, count, label) {
    if (others.length === 0) return `No shift by up to ${SHIFTS} pixels changes the answer.`;
    const [first] = others; // the shortest
    const all = `${others.length} of ${count} shifts change the answer.`;
    return `${all} The shortest is by ${inWords(first)}: then it looks like ${label(first.answer)}.`;
  }

  function widthSentence(others, label) {
    const nearest = [others.findLast(({ factor }) => factor < 1), others.find(({ factor }) => factor > 1)];
    const sentence = ({ factor, answer }) => `With strokes ${factor} times as wide it looks like ${label(answer)}.`;
    return nearest.filter(Boolean).map(sentence).join(" ") || "No width of the strokes changes it.";
  }

  /** A table with a cell for each shift: {element, cells}, cells by "dx dy"; with the names of numbered classes. */
  function shiftTable(answer, names) {
    const steps = Array.from({ length: 2 * SHIFTS + 1 }, (_, i) => i - SHIFTS);
    const signed = (step) => (step > 0 ? `+${step}` : `${step}`.replace("-", "−"));
    const cells = new Map();
    const rows = steps.map((dy) => {
      const row = make("tr", {}, make("th", { scope: "row" }, signed(dy)));
      for (const dx of steps) {
        const cell = make("td", dx === 0 && dy === 0 ? { class: "here" } : {});
        cells.set(`${dx} ${dy}`, cell);
        row.append(cell);
      }
      return row;
    });
    const head = make("tr", {}, make("td"), ...steps.map((dx) => make("th", { scope: "col" }, signed(dx))));
    const words = "The answer when the image moves by so many pixels to the right (columns) and down (rows).";
    const caption = make("caption", {}, `${words} In bold: not ${answer}.`);
    const list = names.map((name, i) => `${i} ${name}`).join(", ");
    if (list) caption.append(make("br"), `${list}.`);
    const element = make("table", { class: "shifts" }, caption, make("thead", {}, head), make("tbody", {}, ...rows));
    return { element, cells };
  }

  /** A table with a row for each width of the strokes: {element, cells}, cells by factor. */
  function widthTable(answer) {
    const cells = new Map();
    const rows = FACTORS.map((factor) => {
      const text = `The image with strokes ${factor} times as wide`;
      const picture = make("canvas", { class: "image", role: "img", "aria-label": text, width: 28, height: 28 });
      const row = { picture, answer: make("td"), probability: make("td") };
      cells.set(factor, row);
      const head = make("th", { scope: "row" }, `× ${factor}`);
      return make("tr", {}, head, make("td", {}, picture), row.answer, row.probability);
    });
    const names = ["Width", "Image", "Answer", "Probability"].map((name) => make("th", { scope: "col" }, name));
    const head = make("thead", {}, make("tr", {}, ...names));
    const caption = make("caption", {}, `The answer when the strokes are thinner or thicker. In bold: not ${answer}.`);
    const element = make("table", { class: "widths" }, caption, head, make("tbody", {}, ...rows));
    return { element, cells };
  }

  Object.assign(cnncourse.parts, { makeFailures });
})((globalThis.cnncourse ??= {}));
