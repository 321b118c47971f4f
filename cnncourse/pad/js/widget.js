// The pad in a notebook: Python makes the image and runs the student's own model, see cnncourse/pad/widget.py.
// anywidget loads this file as a module, joined with those that it needs before it.

const PATIENCE = 10000; // milliseconds until Python counts as busy
const LARGEST = 9e6; // bytes of a picture: Jupyter takes no message of more than 10 MiB

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
  let pad = null;
  const python = openLine(model, (strokes) => pad?.setStrokes(strokes));
  el.textContent = "The drawing pad waits for Python.";
  const { answer: { network, strokes }, buffers: [picture] } = await python.ask({ ask: "network" }, [], null);
  el.textContent = "";

  /** Python makes the image of a drawing or of a picture itself, and sends what it made of it. */
  async function question(pixels, given) {
    if (!given) return python.ask({ ask: "pixels" }, [pixels.buffer]); // an image that the pad has changed
    if (given.strokes) return python.ask({ ask: "drawing", strokes: given.strokes });
    if (given.picture.size > LARGEST) throw new Error("its file has more than 9 MB. Make the picture smaller first.");
    return python.ask({ ask: "picture" }, [await given.picture.arrayBuffer()]);
  }

  async function run(pixels, given) {
    const { answer, buffers } = await question(pixels, given);
    const outputs = answer.outputs.map(({ largest, ...layer }, i) => ({ ...layer, data: unpack(buffers[i], largest) }));
    const image = buffers[outputs.length]; // after the maps, what Python made of the drawing or the picture
    return {
      outputs,
      logits: Float32Array.from(answer.logits),
      probabilities: Float32Array.from(answer.probabilities),
      pixels: image && new Uint8Array(image.buffer, image.byteOffset, image.byteLength),
    };
  }

  pad = globalThis.cnncourse.createPad(el, {
    networks: [{ id: "own", title: network.title, load: async () => ({ ...network, run }) }],
    openFile: false,
    onChange: (image) => image || model.send({ ask: "drawing", strokes: [] }),
  });
  if (strokes.length > 0) pad.setStrokes(strokes);
  if (picture) pad.openPicture(new File([picture], "picture")); // of the pad that was shown before
  return () => {
    python.close();
    pad.destroy();
  };
}

export default { render };
