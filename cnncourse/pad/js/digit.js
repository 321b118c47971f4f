// From a drawing to a digit: strokes of a round brush become a 28×28 image, as MNIST's images were made.
// cnncourse/handwriting/digits.py does the same in Python, and says where the procedure comes from: the same operations
// in the same order give the same pixels. Nothing is drawn on a canvas here, because browsers draw edges differently.
(function (cnncourse) {
  "use strict";

  const PAD_SIZE = 280;
  const BOX = 20, FIELD = 28; // pixels
  const SAMPLES = 8; // a pixel's grey is counted at 8×8 points of it
  const SIDE = BOX * SAMPLES;
  const THINNEST = 0.125; // pixels; a thinner brush could pass between those points
  const SMALLEST = 0.01, LARGEST = 10000; // units of the pad; the smallest is of a radius

  /**
   * The drawing as one of MNIST's images. A tiny drawing is made as large as any other: a dot becomes a disc of 20 pixels.
   * @param {{radius: number, points: number[][]}[]} strokes - in units of a square pad of PAD_SIZE, y downwards; a
   *   stroke of one point is a dot
   * @returns {?Uint8Array} 28·28 pixels, row by row, from 0 (no ink) to 255; null if the drawing is empty
   * @throws {Error} if the strokes are not a drawing; says where
   */
  function digitImage(strokes) {
    checkStrokes(strokes);
    return strokes.length === 0 ? null : centred(greyLevels(ink(scaled(strokes))));
  }

  function checkStrokes(strokes) {
    if (!Array.isArray(strokes)) throw new Error("A drawing is a list of strokes.");
    strokes.forEach((stroke, index) => {
      const number = index + 1;
      if (!stroke || !Array.isArray(stroke.points) || stroke.points.length === 0) {
        throw new Error(`Stroke ${number} needs a radius and a list of at least one point [x, y].`);
      }
      if (!Number.isFinite(stroke.radius) || !(SMALLEST <= stroke.radius && stroke.radius <= LARGEST)) {
        throw new Error(`The radius of stroke ${number} must be a number from ${SMALLEST} to ${LARGEST}.`);
      }
      for (const point of stroke.points) {
        if (!Array.isArray(point) || point.length !== 2 || !point.every(Number.isFinite)) {
          throw new Error(`Every point of stroke ${number} must be two numbers, [x, y].`);
        }
        if (!point.every((coordinate) => -LARGEST <= coordinate && coordinate <= LARGEST)) {
          throw new Error(`A point of stroke ${number} is more than ${LARGEST} units away from the pad's corner.`);
        }
      }
    });
  }

  /** The strokes in pixels, their ink just in the box and in its middle. */
  function scaled(strokes) {
    let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (const { radius, points } of strokes) {
      for (const [x, y] of points) {
        left = Math.min(left, x - radius);
        top = Math.min(top, y - radius);
        right = Math.max(right, x + radius);
        bottom = Math.max(bottom, y + radius);
      }
    }
    const scale = BOX / Math.max(right - left, bottom - top);
    const middleX = (left + right) / 2, middleY = (top + bottom) / 2;
    return strokes.map(({ radius, points }) => ({
      radius: Math.max(radius * scale, THINNEST),
      points: points.map(([x, y]) => [(x - middleX) * scale + BOX / 2, (y - middleY) * scale + BOX / 2]),
    }));
  }

  /** Which sample points of the box have ink: 160·160 zeros and ones. A stroke inks what is within its radius of its line. */
  function ink(drawing) {
    const inked = new Uint8Array(SIDE * SIDE);
    for (const { radius, points } of drawing) {
      points.forEach(([x0, y0], index) => {
        const [x1, y1] = points[Math.min(index + 1, points.length - 1)];
        const dx = x1 - x0, dy = y1 - y0;
        const squaredLength = dx * dx + dy * dy || 1;
        const [firstColumn, endColumn] = near(x0, x1, radius); // only these can be reached
        const [firstRow, endRow] = near(y0, y1, radius);
        for (let row = firstRow; row < endRow; row++) {
          const y = (row + 0.5) / SAMPLES - y0;
          for (let column = firstColumn; column < endColumn; column++) {
            if (inked[row * SIDE + column]) continue;
            const x = (column + 0.5) / SAMPLES - x0;
            let along = (x * dx + y * dy) / squaredLength; // 0 at the segment's start, 1 at its end
            along = Math.min(Math.max(along, 0), 1);
            const awayX = x - along * dx, awayY = y - along * dy; // from the nearest point of the segment
            if (awayX * awayX + awayY * awayY <= radius * radius) inked[row * SIDE + column] = 1;
          }
        }
      });
    }
    return inked;
  }

  /** The first sample that a segment can reach along one axis, and the one after the last. */
  function near(start, end, radius) {
    const first = Math.floor((Math.min(start, end) - radius) * SAMPLES);
    const last = Math.ceil((Math.max(start, end) + radius) * SAMPLES);
    return [Math.max(first, 0), Math.min(last, SIDE)];
  }

  /** The share of each pixel that is ink, scaled so that the darkest pixel is 255: 20·20 pixels. */
  function greyLevels(inked) {
    const counts = new Float64Array(BOX * BOX);
    inked.forEach((value, index) => {
      const row = Math.floor(index / SIDE), column = index % SIDE;
      counts[Math.floor(row / SAMPLES) * BOX + Math.floor(column / SAMPLES)] += value;
    });
    const most = Math.max(...counts);
    return counts.map((count) => Math.floor((255 * count) / most + 0.5));
  }

  /** The box in a field of 28×28 zeros, moved by whole pixels so that its centre of mass is at pixel 13.5 to 14.5. */
  function centred(box) {
    const rowMasses = new Float64Array(BOX), columnMasses = new Float64Array(BOX);
    box.forEach((grey, index) => {
      rowMasses[Math.floor(index / BOX)] += grey;
      columnMasses[index % BOX] += grey;
    });
    const top = offset(rowMasses), left = offset(columnMasses);
    const field = new Uint8Array(FIELD * FIELD);
    for (let row = 0; row < BOX; row++) {
      for (let column = 0; column < BOX; column++) {
        field[(top + row) * FIELD + left + column] = box[row * BOX + column];
      }
    }
    return field;
  }

  /** Where the box begins along one axis; at the field's edge it stops, so that no ink is lost. */
  function offset(masses) {
    let mass = 0, moment = 0;
    masses.forEach((value, index) => {
      mass += value;
      moment += value * index;
    });
    return Math.min(Math.max(Math.ceil(13.5 - moment / mass), 0), FIELD - BOX);
  }

  /**
   * The drawing with another brush.
   * @param {{radius: number, points: number[][]}[]} strokes
   * @param {number} factor - what the radius of each stroke is multiplied by, as far as a drawing allows: 0.5 is half
   *   as thick
   * @returns {{radius: number, points: number[][]}[]} new strokes; the old ones stay as they are
   */
  function thinned(strokes, factor) {
    const allowed = (radius) => Math.min(Math.max(radius, SMALLEST), LARGEST);
    return strokes.map((stroke) => ({ ...stroke, radius: allowed(stroke.radius * factor) }));
  }

  /**
   * The image moved by whole pixels; zeros come in at the edge.
   * @param {Uint8Array} image - 28·28 pixels, row by row
   * @param {number} dx - pixels to the right
   * @param {number} dy - pixels down
   * @returns {Uint8Array} 28·28 pixels
   * @throws {Error} if the shift is not in whole pixels, or if the image is of another size
   */
  function shifted(image, dx, dy) {
    if (!Number.isInteger(dx) || !Number.isInteger(dy)) {
      throw new Error(`An image is shifted by whole pixels, not by ${dx} and ${dy}.`);
    }
    cnncourse.checkLength(image, [FIELD, FIELD]);
    const result = new Uint8Array(FIELD * FIELD);
    for (let row = Math.max(dy, 0); row < Math.min(FIELD + dy, FIELD); row++) {
      for (let column = Math.max(dx, 0); column < Math.min(FIELD + dx, FIELD); column++) {
        result[row * FIELD + column] = image[(row - dy) * FIELD + column - dx];
      }
    }
    return result;
  }

  Object.assign(cnncourse, { PAD_SIZE, digitImage, thinned, shifted });
})((globalThis.cnncourse ??= {}));
