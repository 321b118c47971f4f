// The pad in a notebook: Python makes the image and runs the student's own model, see cnncourse/pad/widget.py.
// anywidget loads this file as a module, joined with those that it needs before it.

const PATIENCE = 10000; // milliseconds until Python counts as busy

/**
 * Asks Python and takes its answers, which come in any order and may belong to another view of the same pad.
 * ask(content, buffers, patience) returns a Promise of {answer, buffers}; it is rejected with Python's error.
 */
function openLine(model, onDraw) {
  const waiting = new Map(); // who waits for the answer to which question
  const line = Math.random().toString(36).slice(2);
  let count = 0;

  function ask(content, buffers = [], patience = PATIENCE) {
    const question = `${line}-${++count}`;
    return new Promise((resolve, reject) => {
      const tooLate = () => {
        waiting.delete(question);
        reject(new Error("Python is busy with another cell, or has stopped. Draw on when it is ready."));
      };
      waiting.set(question, { resolve, reject, timer: patience && setTimeout(tooLate, patience) });
      model.send({ ...content, question }, undefined, buffers);
    });
  }

  function receive(answer, buffers) {
    if (answer.draw) return onDraw(answer.draw);
    const asker = waiting.get(answer.question);
    if (!asker) return;
    waiting.delete(answer.question);
    clearTimeout(asker.timer);
    if (answer.error) asker.reject(new Error(answer.error));
    else asker.resolve({ answer, buffers });
  }

  model.on("msg:custom", receive);
  return { ask, close: () => model.off("msg:custom", receive) };
}

/** The numbers of a layer: Python sends each as a byte, in steps of 1/127 of the layer's largest. */
function unpack(view, largest) {
  const bytes = new Int8Array(view.buffer, view.byteOffset, view.byteLength);
  return Float32Array.from(bytes, (byte) => (byte * largest) / 127);
}

/**
 * Draw the pad into a notebook's output.
 * @param {{model: object, el: HTMLElement}} widget - anywidget's line to Python, and an empty element
 * @returns {Promise<function(): void>} what takes the pad away
 */
async function render({ model, el }) {
  const { createPad, digitImage, resize } = globalThis.cnncourse;
  let pad = null;
  const python = openLine(model, (strokes) => pad?.setStrokes(strokes));
  el.textContent = "The drawing pad waits for Python.";
  const { answer: { network, strokes } } = await python.ask({ ask: "network" }, [], null);
  el.textContent = "";

  /**
   * Python makes the image of the drawing itself. The image of a changed drawing, for "Where does it fail?", goes to it
   * as it is, and only logits and probabilities come back.
   */
  async function run(pixels) {
    const image = digitImage(pad.strokes);
    const fitted = image && resize(image, 28, network.inputShape[1]);
    const own = fitted !== null && fitted.every((grey, i) => grey === pixels[i]);
    const { answer, buffers } = own
      ? await python.ask({ ask: "drawing", strokes: pad.strokes })
      : await python.ask({ ask: "pixels" }, [pixels.buffer]);
    const outputs = answer.outputs.map(({ largest, ...layer }, i) => ({ ...layer, data: unpack(buffers[i], largest) }));
    return {
      outputs,
      logits: Float32Array.from(answer.logits),
      probabilities: Float32Array.from(answer.probabilities),
    };
  }

  pad = createPad(el, {
    networks: [{ id: "own", title: network.title, load: async () => ({ ...network, run }) }],
    openFile: false,
    onDrawing: (drawn) => drawn.length === 0 && model.send({ ask: "drawing", strokes: [] }),
  });
  if (strokes.length > 0) pad.setStrokes(strokes);
  return () => {
    python.close();
    pad.destroy();
  };
}

export default { render };
