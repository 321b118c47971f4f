// What the page "Your progress" counts, asks again, and reads from a file.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

createRequire(import.meta.url)("../../book/_static/progress.js");
const { counted, toRevise, withFile } = globalThis.cnncourseProgress;

const ALL = { "05/gap": { right: true, tries: 2 }, "05/luck": { right: false, tries: 1 }, "06/norm": { right: true, tries: 1 } };

test("what is right, tried and there is counted", () => {
  assert.deepEqual(counted(["05/gap", "05/luck", "05/new"], ALL), [1, 2, 3]);
  assert.deepEqual(counted(["07/a"], {}), [0, 0, 1]);
});

test("what went wrong is asked first, what was right not at all", () => {
  const all = { a: { right: true }, b: { right: false }, c: { right: false } };
  const orders = new Set();
  for (let round = 0; round < 100; round += 1) {
    const order = toRevise(["a", "b", "c", "d", "e"], all);
    assert.deepEqual(order.toSorted(), ["b", "c", "d", "e"]);
    assert.deepEqual(order.slice(0, 2).toSorted(), ["b", "c"]);
    orders.add(order.join(""));
  }
  assert.equal(orders.size, 4);
});

test("a file adds answers, and replaces those that were tried less often", () => {
  const file = { "05/luck": { right: true, tries: 3 }, "05/gap": { right: false, tries: 1 }, "10b/zero": { right: false, tries: 1, extra: 1 } };
  assert.deepEqual(withFile(JSON.stringify(file), ALL), {
    ...ALL,
    "05/luck": { right: true, tries: 3 },
    "10b/zero": { right: false, tries: 1 },
  });
  assert.deepEqual(withFile(JSON.stringify(ALL), {}), ALL);
});

test("a file without answers is refused", () => {
  for (const text of ["", "{}", "[]", "null", "words", '{"05/gap": true}', '{"gap": {"right": true, "tries": 1}}', '{"05/gap": {"right": true}}']) {
    assert.throws(() => withFile(text, ALL), Error, text);
  }
});
