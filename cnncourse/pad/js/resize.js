// Images at another size, and what a network gets of a picture. cnncourse/data/preprocessing.py does the same in Python.
(function (cnncourse) {
  "use strict";

  /**
   * An image at another size, the same pixels as torch's `F.interpolate(image, to, mode="bilinear", antialias=True)` of
   * uint8: each pixel is a weighted mean of those near it, first along the rows, then along the columns. The weights are
   * whole numbers, as in torch (aten/src/ATen/native/cpu/UpSampleKernel.cpp) and Pillow.
   * @param {Uint8Array} image - height·width pixels, row by row
   * @param {number[]} from - [height, width] of the image
   * @param {number[]} to - the new [height, width]
   * @returns {Uint8Array} the new pixels
   * @throws {Error} if a side is not a whole number from 1 on, or if the image is of another size
   */
  function resize(image, from, to) {
    if (![...from, ...to].every((side) => Number.isInteger(side) && side >= 1)) {
      throw new Error(`An image's sides must be whole numbers of pixels, not ${from.join("×")} or ${to.join("×")}.`);
    }
    checkLength(image, from);
    const [height, width] = from;
    const wide = alongRows(image, [height, width], weights(width, to[1]));
    const turned = alongRows(transposed(wide, to[1]), [to[1], height], weights(height, to[0]));
    return transposed(turned, to[0]);
  }

  /** Which pixels count for each new one along an axis, and how much, in whole numbers of 2^-places. */
  function weights(from, to) {
    const scale = from / to;
    const reach = Math.max(scale, 1);
    const spans = Array.from({ length: to }, (_, index) => {
      const centre = scale * (index + 0.5);
      const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
      const end = Math.min(Math.trunc(centre + reach + 0.5), from);
      const shares = [];
      for (let place = first; place < end; place++) {
        shares.push(Math.max(1 - Math.abs((place - centre + 0.5) * (1 / reach)), 0));
      }
      const sum = shares.reduce((total, share) => total + share, 0);
      return { first, shares: shares.map((share) => share / sum) };
    });
    // As many binary places as the largest share leaves in 16 bits.
    const largest = spans.reduce((most, { shares }) => Math.max(most, ...shares), 0);
    let places = 0;
    while (places < 22 && Math.floor(0.5 + largest * 2 ** (places + 1)) < 2 ** 15) places++;
    const whole = (share) => Math.floor(0.5 + share * 2 ** places);
    return { places, spans: spans.map(({ first, shares }) => ({ first, shares: Int32Array.from(shares, whole) })) };
  }

  function alongRows(image, [height, width], { places, spans }) {
    const result = new Uint8Array(height * spans.length);
    const half = 2 ** (places - 1); // so that the shift rounds
    for (let row = 0, next = 0; row < height; row++) {
      for (const { first, shares } of spans) {
        const start = row * width + first;
        let sum = half;
        for (let i = 0; i < shares.length; i++) sum += shares[i] * image[start + i];
        result[next++] = Math.min(sum >> places, 255);
      }
    }
    return result;
  }

  function transposed(image, width) {
    const height = image.length / width;
    const result = new Uint8Array(image.length);
    for (let row = 0, next = 0; row < height; row++) {
      for (let column = 0; column < width; column++) result[column * height + row] = image[next++];
    }
    return result;
  }

  function checkLength(image, [height, width]) {
    if (image.length !== height * width) {
      throw new Error(`An image of ${height}×${width} has ${height * width} pixels, not ${image.length}.`);
    }
  }

  /**
   * Where a size is cut out of the middle of a picture that was scaled until it just covers that size.
   * @param {number[]} from - [height, width] of the picture
   * @param {number[]} to - [height, width] to cover
   * @returns {{scaled: number[], top: number, left: number}} the size of the whole scaled picture, and the cut's corner
   */
  function covering([height, width], to) {
    // One side as wanted, the other as it follows, rounded as in torchvision.
    let scaled = [Math.floor((to[1] * height) / width), to[1]];
    if (scaled[0] < to[0]) scaled = [to[0], Math.floor((to[0] * width) / height)];
    const [top, left] = scaled.map((side, axis) => halfRounded(side - to[axis]));
    return { scaled, top, left };
  }

  /** Half of a whole number, rounded to even at a tie, as Python does. */
  const halfRounded = (number) => (number % 2 ? Math.floor(number / 2) + (Math.floor(number / 2) % 2) : number / 2);

  /**
   * What a network gets of a picture: its middle, in colour or in grey (Pillow's weights of red, green and blue).
   * @param {Uint8ClampedArray} picture - height·width·4 numbers: red, green, blue and alpha of each pixel
   * @param {number[]} from - [height, width] of the picture
   * @param {number[]} shape - [channels, height, width], channels 1 or 3
   * @returns {Uint8Array} the pixels, channel by channel
   */
  function pictureImage(picture, from, [channels, ...to]) {
    const { scaled, top, left } = covering(from, to);
    const length = from[0] * from[1];
    const result = new Uint8Array(channels * to[0] * to[1]);
    let next = 0;
    for (let channel = 0; channel < channels; channel++) {
      const plane = new Uint8Array(length);
      for (let i = 0, place = channel; i < length; i++, place += 4) {
        plane[i] = channels === 3 ? picture[place] : greyOf(picture[place], picture[place + 1], picture[place + 2]);
      }
      const whole = resize(plane, from, scaled);
      for (let row = top; row < top + to[0]; row++) {
        const start = row * scaled[1] + left;
        result.set(whole.subarray(start, start + to[1]), next);
        next += to[1];
      }
    }
    return result;
  }

  const greyOf = (red, green, blue) => (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;

  Object.assign(cnncourse, { resize, checkLength, covering, pictureImage });
})((globalThis.cnncourse ??= {}));
