// The probabilities of the classes, as a table with a bar for each.
(function (cnncourse) {
  "use strict";

  const { make, percent, largest } = cnncourse.parts;
  const MOST = 12; // classes that are all shown, in their own order; of more, the most probable
  const TOP = 10;

  /** The places of the largest numbers, the largest first. */
  function ranked(numbers, count) {
    const places = Array.from(numbers, (_, place) => place);
    return places.toSorted((a, b) => numbers[b] - numbers[a]).slice(0, count);
  }

  /** A table of the classes with a bar for each: {element, draw(classes, probabilities)}. */
  function makeBars() {
    const body = make("tbody");
    const names = [make("th", { scope: "col" }, "Class"), make("td"), make("th", { scope: "col" }, "Probability")];
    const head = make("thead", { class: "unseen" }, make("tr", {}, ...names));
    const caption = make("caption", { class: "unseen" });
    const table = make("table", { class: "bars" }, caption, head, body);
    const rest = make("p", { class: "hint" });
    const element = make("div", {}, table, rest);
    let shown = null; // the classes that have rows
    let rows = [];

    function makeRow() {
      const [name, bar, number] = [make("span", { class: "class" }), make("span"), make("td")];
      const track = make("td", { "aria-hidden": "true" }, bar);
      const row = make("tr", {}, make("th", { scope: "row" }, name), track, number);
      body.append(row);
      return { row, name, bar, number };
    }

    function begin(classes) {
      shown = classes;
      const all = classes.length <= MOST;
      caption.textContent = all ? "The probability of each class" : `The ${TOP} most probable classes`;
      body.replaceChildren();
      rows = Array.from({ length: all ? classes.length : TOP }, makeRow);
      rows.forEach(({ name }, i) => (name.textContent = all ? classes[i] : "–"));
    }

    function draw(classes, probabilities) {
      if (classes !== shown) begin(classes);
      const all = rows.length === classes.length;
      const places = all || !probabilities ? rows.keys() : ranked(probabilities, rows.length);
      const answer = probabilities ? largest(probabilities) : -1;
      let sum = 0;
      [...places].forEach((place, i) => {
        const { row, name, bar, number } = rows[i];
        row.classList.toggle("winner", place === answer);
        if (!all) name.textContent = probabilities ? classes[place] : "–";
        bar.style.transform = `scaleX(${probabilities ? probabilities[place] : 0})`;
        number.textContent = probabilities ? percent(probabilities[place], 1) : "–";
        sum += probabilities?.[place] ?? 0;
      });
      const others = `${classes.length - rows.length} more classes`;
      const share = probabilities ? `: ${percent(Math.max(1 - sum, 0), 1)} together` : "";
      rest.textContent = all ? "" : `and ${others}${share}`;
    }

    return { element, draw };
  }

  Object.assign(cnncourse.parts, { ranked, makeBars });
})((globalThis.cnncourse ??= {}));
