import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { bytes, cnncourse, expected, messageOf, skip } from "./page.mjs";

suite("images at another size", { skip }, () => {
  for (const { from, to, images, resized } of expected?.resized ?? []) {
    test(`${from.join("×")} to ${to.join("×")} as torch does it`, () => {
      const [pixels, wanted] = [bytes(images), bytes(resized)];
      const [length, size] = [from[0] * from[1], to[0] * to[1]];
      for (let i = 0; i < pixels.length / length; i++) {
        const found = cnncourse.resize(pixels.subarray(i * length, (i + 1) * length), from, to);
        assert.deepEqual(found, wanted.subarray(i * size, (i + 1) * size));
      }
    });
  }

  for (const { name, from, rgba, shape, pixels } of expected?.pictures ?? []) {
    test(`a picture as Python reads it: ${name}`, () => {
      const [found, wanted] = [cnncourse.pictureImage(bytes(rgba), from, shape), bytes(pixels)];
      assert.equal(found.length, wanted.length);
      found.forEach((value, i) => assert(Math.abs(value - wanted[i]) <= 1, `${value}, not ${wanted[i]} at ${i}`));
    });
  }
});

test("what is no size is refused", () => {
  const image = new Uint8Array(784);
  const call = (from, to) => messageOf(() => cnncourse.resize(image, from, to));
  assert.equal(call([32, 32], [28, 28]), "An image of 32×32 has 1024 pixels, not 784.");
  assert.equal(call([28, 28], [0, 28]), "An image's sides must be whole numbers of pixels, not 28×28 or 0×28.");
  assert.equal(call([28, 28], [14.5, 14]), "An image's sides must be whole numbers of pixels, not 28×28 or 14.5×14.");
});
