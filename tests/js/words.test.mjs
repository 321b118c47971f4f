import assert from "node:assert/strict";
import { test } from "node:test";

import { cnncourse } from "./page.mjs";

const { percent, largest, ranked, readsStrokes, readsDigits, invitation } = cnncourse.parts;
const network = (inputShape, classes = [..."0123456789"]) => ({ inputShape, classes });

test("no rounding claims certainty", () => {
  assert.equal(percent(0.983), "98 %");
  assert.equal(percent(0.997), "> 99 %");
  assert.equal(percent(0.001), "< 1 %");
  assert.equal(percent(1, 1), "> 99.9 %");
  assert.equal(percent(0.5, 1), "50.0 %");
});

test("the most probable classes come first", () => {
  assert.equal(largest([0.1, 0.7, 0.2]), 1);
  assert.deepEqual(ranked([0.1, 0.7, 0.2, 0], 2), [1, 2]);
  assert.deepEqual(ranked(Float32Array.of(0.5, 0.5), 9), [0, 1]);
});

test("strokes are for grey squares, samples of digits for digits", () => {
  assert(readsStrokes(network([1, 64, 64])));
  assert(!readsStrokes(network([1, 64, 32])));
  assert(!readsStrokes(network([3, 32, 32])));
  assert(readsDigits(network([1, 28, 28], ["0 - zero", "1 - one"])));
  assert(!readsDigits(network([1, 28, 28], ["0", "Bag"])));
  assert(!readsDigits(network([3, 32, 32])));
});

test("the pad says what to do first", () => {
  assert.equal(invitation(network([1, 28, 28])), "Draw something: a digit from 0 to 9.");
  assert.equal(invitation(network([1, 28, 28], ["cat", "dog"])), "Draw something.");
  assert.match(invitation(network([3, 32, 32])), /^Open a picture/);
  assert.match(invitation(null), /^There is no network yet/);
});
