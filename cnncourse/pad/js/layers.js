// What every layer of a network gives, as pictures: a map for each channel, or a strip of numbers.
(function (cnncourse) {
  "use strict";

  const { make, times, setSize } = cnncourse.parts;
  // Colours, red, green and blue: of 0, half way to the largest number and at it, and the same below 0.
  const ZERO = [15, 28, 46];
  const POSITIVE = [[38, 170, 196], [232, 252, 255]];
  const NEGATIVE = [[214, 122, 40], [255, 240, 214]];

  /** The colours of the numbers −255 … 255, as the 32 bits of a pixel: alpha, blue, green, red. */
  const COLOURS = Uint32Array.from({ length: 511 }, (_, i) => {
    const amount = Math.abs(i - 255) / 255;
    const [middle, end] = i < 255 ? NEGATIVE : POSITIVE;
    const [from, to, part] = amount < 0.5 ? [ZERO, middle, 2 * amount] : [middle, end, 2 * amount - 1];
    const [red, green, blue] = from.map((value, c) => Math.round(value + part * (to[c] - value)));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });

  /** How many screen pixels wide one number of an output of this shape is drawn. */
  function cellSize(count, width) {
    if (width === 1) return count <= 16 ? 24 : count <= 128 ? 12 : 8;
    const wide = count <= 16 ? 48 : count <= 36 ? 40 : 28;
    return Math.max(1, Math.round(wide / width));
  }

  /**
   * A figure with the output of one layer: all its maps side by side, in as many rows as the width asks for.
   * Returns {element, is(output), layout(room), draw(data)}: room is the width in CSS pixels; without data, a
   * Float32Array, the figure is empty.
   */
  function makeLayer({ name, type, shape, batchNorm }) {
    const [count, height, width] = shape.length === 3 ? shape : [shape.reduce((a, b) => a * b), 1, 1];
    const cell = cellSize(count, width);
    const dense = width === 1 && height === 1;
    const fine = dense ? 1 : Math.ceil(8 / width); // pixels of the canvas for one number
    const gap = dense ? 0 : 1; // and between maps
    const what = dense ? `${count} numbers` : `${count} ${count === 1 ? "map" : "maps"} of ${height} × ${width}`;
    const canvas = make("canvas", { role: "img", "aria-label": `Output of ${name}, ${type}: ${what}` });
    const scale = make("span", { class: "largest" });
    const folded = batchNorm ? " + batch norm" : "";
    const sizes = make("span", { class: "shape" }, times(shape));
    const title = [make("span", { class: "name" }, name), " ", make("strong", {}, type), `${folded} `, sizes];
    const element = make("figure", {}, make("figcaption", {}, make("span", {}, ...title), scale), canvas);
    let columns, picture, pixels;

    function layout(room) {
      const wide = (width * fine + gap) * (cell / fine);
      columns = Math.max(1, Math.min(count, Math.floor(room / wide)));
      const rows = Math.ceil(count / columns);
      columns = Math.ceil(count / rows); // equally long rows
      setSize(canvas, columns * (width * fine + gap) - gap, rows * (height * fine + gap) - gap);
      canvas.style.width = `${(canvas.width * cell) / fine}px`;
      picture = canvas.getContext("2d").createImageData(canvas.width, canvas.height);
      pixels = new Uint32Array(picture.data.buffer);
    }

    const is = (output) =>
      output.name === name && output.type === type && output.batchNorm === batchNorm && `${output.shape}` === `${shape}`;

    function draw(data) {
      if (!data) {
        canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
        scale.textContent = "";
        return;
      }
      let most = 0;
      for (const value of data) most = Math.max(most, Math.abs(value));
      const factor = most > 0 ? 255 / most : 0;
      let next = 0;
      for (let map = 0; map < count; map++) {
        const left = (map % columns) * (width * fine + gap);
        const top = Math.floor(map / columns) * (height * fine + gap);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const colour = COLOURS[Math.round(255 + factor * data[next++])];
            const corner = (top + y * fine) * canvas.width + left + x * fine;
            for (let row = corner; row < corner + fine * canvas.width; row += canvas.width) {
              pixels.fill(colour, row, row + fine);
            }
          }
        }
      }
      canvas.getContext("2d").putImageData(picture, 0, 0);
      scale.textContent = `± ${most.toPrecision(3)}`;
    }

    return { element, is, layout, draw };
  }

  Object.assign(cnncourse.parts, { makeLayer });
})((globalThis.cnncourse ??= {}));
