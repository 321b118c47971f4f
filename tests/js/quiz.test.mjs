// What the quiz keeps in the browser.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { storage } from "./storage.mjs";

createRequire(import.meta.url)("../../cnncourse/quiz/quiz.js");
const { answered, keep, keepAll } = globalThis.cnncourseQuiz;

test("answers are kept", () => {
  globalThis.localStorage = storage();
  assert.deepEqual(answered(), {});
  assert.equal(keep("05/gap", false), true);
  keep("05/gap", true);
  keep("06/norm", false);
  assert.deepEqual(answered(), { "05/gap": { right: true, tries: 2 }, "06/norm": { right: false, tries: 1 } });
  assert.equal(keepAll({}), true);
  assert.deepEqual(answered(), {});
});

test("a browser that keeps nothing is no error", () => {
  globalThis.localStorage = storage({ refuses: true });
  assert.deepEqual(answered(), {});
  assert.equal(keep("05/gap", true), false);
  assert.equal(keepAll({}), false);
});

test("what someone else wrote under our name is no error", () => {
  for (const text of ["{", "null", "3", '"words"', "[1, null]", '{"05/gap": null, "05/luck": {"right": "yes"}}']) {
    globalThis.localStorage = storage();
    localStorage.setItem("cnncourse-quiz", text);
    assert.deepEqual(answered(), {}, text);
    keep("05/gap", true);
    assert.deepEqual(answered(), { "05/gap": { right: true, tries: 1 } }, text);
  }
});
