// What the network is given: strokes on the board, or a picture from a file.
(function (cnncourse) {
  "use strict";

  const { make, copied, drawStrokes, readsStrokes, readsDigits } = cnncourse.parts;
  const { RADII, makeBoard, makeFrame, openPicture, pixelsOf, listen } = cnncourse.parts;

  /**
   * The board with its tools, what opens pictures, and the samples to start from.
   * changed(event) is called after each change, say(text) with what a screen reader should say, refuse(text) where a
   * picture can't be opened, refuse("") where it is tried again.
   *
   * Returns {element, samples, given(), setNetwork(network), setStrokes(strokes), open(file), draw(), reading(),
   * strokes, destroy()}. given() is null while there is nothing to read, else {image, pixels, strokes or picture}:
   * pixels are what the network gets, Uint8; image is the same, but of a drawing the 28·28 before it was resized.
   * reading() says whether a picture is read, or would be.
   */
  function makeInput(changed, say, refuse) {
    const helpId = `cnncourse-pad-${Math.random().toString(36).slice(2)}`;
    const board = makeBoard(helpId, changed, say);
    const frame = makeFrame(open, () => setPicture(null));
    const opened = { strokes: null, pictures: null }; // the picture that is open for networks of each kind
    let network = null;
    let pixels = null; // of the open picture
    const kind = () => (network && !readsStrokes(network) ? "pictures" : "strokes");
    const reading = () => kind() === "pictures" || opened.strokes !== null;

    const brush = make("input", { type: "range", ...RADII, autocomplete: "off", oninput: () => {
      board.radius = Number(brush.value);
      board.draw();
    } });
    const tools = make("div", { class: "tools" },
      make("button", { type: "button", onclick: (event) => board.undo(event) }, "Undo"),
      make("button", { type: "button", onclick: (event) => board.clear(event) }, "Clear"),
      make("label", {}, make("span", {}, "Brush"), brush));
    const help = make("p", { class: "hint keys", id: helpId },
      "By keyboard: the arrow keys move the pen, with Shift further. Space or Enter puts it down and lifts it. ",
      "Ctrl+Z undoes, Delete clears.");
    const element = make("div", { class: "drawing" }, board.canvas, frame.frame, tools, help, frame.opener);
    const digits = cnncourse.SAMPLES.map(digitButton);
    const buttons = make("div", { class: "samples" }, ...digits);
    const samples = make("div", { role: "group", "aria-label": "Start from a sample" },
      make("span", { class: "label", "aria-hidden": "true" }, "Start from a sample"), buttons);
    const deafen = listen(element, open);
    arrange();

    function digitButton({ digit, strokes }) {
      const picture = make("canvas", { width: 80, height: 80 });
      drawStrokes(picture, strokes);
      const onclick = (event) => setStrokes(strokes, event);
      return make("button", { type: "button", "aria-label": `Sample ${digit}`, onclick }, picture);
    }

    function pictureButton({ name, address }) {
      const onclick = async () => open(new File([await (await fetch(address)).blob()], name));
      return make("button", { type: "button", "aria-label": `Sample: ${name}`, onclick }, make("img", { src: address, alt: "" }));
    }

    /** Show what belongs to the network and to what it is given. */
    function arrange() {
      const picture = opened[kind()];
      for (const part of [board.canvas, tools, help]) part.hidden = reading();
      board.canvas.setAttribute("aria-label", network && !readsDigits(network) ? "Draw something" : "Draw a digit");
      frame.show(picture, network, !reading());
      pixels = picture && network && pixelsOf(picture, network.inputShape);
      board.draw();
    }

    function setNetwork(chosen) {
      network = chosen;
      const pictures = network.pictures ?? [];
      buttons.replaceChildren(...(readsDigits(network) ? digits : pictures.map(pictureButton)));
      samples.hidden = buttons.childElementCount === 0;
      arrange();
    }

    function setPicture(picture) {
      opened[kind()] = picture;
      arrange();
      changed();
    }

    function setStrokes(strokes, event) {
      opened.strokes = null;
      arrange();
      board.replace(copied(strokes), event);
    }

    let opening = 0; // counts up, so that only the newest picture is kept

    async function open(file) {
      const mine = ++opening;
      refuse("");
      try {
        const picture = await openPicture(file);
        if (mine === opening) setPicture(picture);
      } catch (error) {
        if (mine === opening) refuse(`${file.name} can't be read: ${error.message}`);
      }
    }

    function given() {
      if (reading()) return pixels && { image: pixels, pixels, picture: opened[kind()].file };
      const image = cnncourse.digitImage(board.strokes);
      return image && { image, pixels: network && fitted(image, network), strokes: board.strokes };
    }

    function destroy() {
      opening++;
      deafen();
    }

    return {
      element,
      samples,
      given,
      setNetwork,
      setStrokes,
      open,
      reading,
      destroy,
      draw: board.draw,
      get strokes() { return board.strokes; },
    };
  }

  /** The image of a drawing, 28·28, in the size that the network takes. */
  function fitted(image, { inputShape: [, ...size] }) {
    return size[0] === 28 ? image : cnncourse.resize(image, [28, 28], size);
  }

  Object.assign(cnncourse.parts, { fitted, makeInput });
})((globalThis.cnncourse ??= {}));
