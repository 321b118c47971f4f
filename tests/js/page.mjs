// The scripts of the drawing pad that need no browser, and what pytest wrote down for them to agree with.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
for (const name of ["network", "resize", "digit", "samples", "parts", "bars", "failures"]) {
  require(`../../cnncourse/pad/js/${name}.js`);
}

export const { cnncourse } = globalThis;

const file = process.env.CNNCOURSE_EXPECTED;

/** What Python computes, by name; null where no pytest has written it. */
export const expected = file ? JSON.parse(readFileSync(file, "utf8")) : null;
export const skip = expected ? false : "pytest tests/js writes what Python computes";

/** Bytes from base64. */
export const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** The message of the error that a function throws, or null. */
export function messageOf(call) {
  try {
    call();
  } catch (error) {
    return error.message;
  }
  return null;
}
