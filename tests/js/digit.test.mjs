import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { bytes, cnncourse, expected, messageOf, skip } from "./page.mjs";

suite("a drawing gives the same pixels as in Python", { skip }, () => {
  test("of people, of samples and at random", () => {
    for (const { strokes, pixels } of expected.drawings) assert.deepEqual(cnncourse.digitImage(strokes), bytes(pixels));
  });

  for (const [name, { strokes, message }] of Object.entries(expected?.noDrawings ?? {})) {
    test(`no drawing: ${name}`, () => assert.equal(messageOf(() => cnncourse.digitImage(strokes)), message));
  }
});

test("not a number is refused, which JSON cannot say", () => {
  const point = (x) => [{ radius: 8, points: [[1, 2], [x, 2]] }];
  for (const x of [NaN, Infinity]) assert.match(messageOf(() => cnncourse.digitImage(point(x))), /^Every point of stroke 1/);
  assert.match(messageOf(() => cnncourse.digitImage([{ radius: NaN, points: [[1, 2]] }])), /^The radius of stroke 1/);
});

test("an empty drawing gives nothing", () => assert.equal(cnncourse.digitImage([]), null));

test("there are samples of every digit, all on the pad", () => {
  assert.deepEqual([...new Set(cnncourse.SAMPLES.map(({ digit }) => digit))], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const coordinates = cnncourse.SAMPLES.flatMap(({ strokes }) => strokes.flatMap(({ points }) => points.flat()));
  assert(coordinates.every((coordinate) => 0 <= coordinate && coordinate <= cnncourse.PAD_SIZE));
});

test("a shifted image has zeros where it was", () => {
  const image = cnncourse.digitImage(cnncourse.SAMPLES[5].strokes);
  for (const [dx, dy] of [[0, 0], [3, 0], [-2, 5], [0, -28], [40, 1]]) {
    const moved = cnncourse.shifted(image, dx, dy);
    moved.forEach((grey, i) => {
      const [row, column] = [Math.floor(i / 28) - dy, (i % 28) - dx];
      const inside = row >= 0 && row < 28 && column >= 0 && column < 28;
      assert.equal(grey, inside ? image[28 * row + column] : 0);
    });
  }
  assert.match(messageOf(() => cnncourse.shifted(new Uint8Array(1024), 1, 0)), /An image of 28×28 has 784 pixels, not 1024/);
  assert.match(messageOf(() => cnncourse.shifted(image, 0.5, 0)), /shifted by whole pixels, not by 0.5 and 0/);
});

test("another brush leaves the drawing as it was, and is one that a drawing may have", () => {
  const { strokes } = cnncourse.SAMPLES[4];
  const before = structuredClone(strokes);
  const thin = cnncourse.thinned(strokes, 0.5);
  assert.deepEqual(strokes, before);
  assert.deepEqual(thin, before.map((stroke) => ({ ...stroke, radius: stroke.radius / 2 })));
  for (const [radius, factor, allowed] of [[0.02, 0.3, 0.01], [9000, 4, 10_000]]) {
    const [stroke] = cnncourse.thinned([{ radius, points: [[140, 140]] }], factor);
    assert.equal(stroke.radius, allowed);
  }
});
