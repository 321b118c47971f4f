/** A localStorage for Node, which may refuse everything, as a browser may for a page from disk. */
export function storage({ refuses = false } = {}) {
  const values = new Map();
  const unlessRefused = (act) => (...given) => {
    if (refuses) throw new Error("refused");
    return act(...given);
  };
  return {
    getItem: unlessRefused((key) => values.get(key) ?? null),
    setItem: unlessRefused((key, value) => values.set(key, value)),
  };
}
