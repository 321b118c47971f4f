// The page "Your progress": what of the quizzes is done, and a mixed revision.
(function () {
  "use strict";

  /** How many of these questions are right now, were tried, and are there. */
  function counted(names, all) {
    const tried = names.filter((name) => name in all);
    return [tried.filter((name) => all[name].right).length, tried.length, names.length];
  }

  /** What to ask again: first what went wrong, then what was never tried, each in an order of its own. */
  function toRevise(names, all, random = Math.random) {
    const shuffled = (list) => list.map((name) => [random(), name]).toSorted(([a], [b]) => a - b).map(([, name]) => name);
    const wrong = names.filter((name) => name in all && !all[name].right);
    return [...shuffled(wrong), ...shuffled(names.filter((name) => !(name in all)))];
  }

  /** All answers, with those that a file holds; of two to one question, the one after more tries. */
  function withFile(text, all) {
    const added = Object.entries(JSON.parse(text) ?? {}).filter(
      ([name, one]) => /^\w+\/[a-z0-9-]+$/.test(name) && typeof one?.right === "boolean" && Number.isInteger(one.tries),
    );
    if (!added.length) throw new Error("no answers");
    const newer = added.filter(([name, { tries }]) => tries > (all[name]?.tries ?? 0));
    return { ...all, ...Object.fromEntries(newer.map(([name, { right, tries }]) => [name, { right, tries }])) };
  }

  globalThis.cnncourseProgress = { counted, toRevise, withFile };
  if (typeof document === "undefined") return;

  const { answered, keepAll, recall } = globalThis.cnncourseQuiz;
  const rows = [...document.querySelectorAll(".quiz-table tr[data-names]")];
  const namesOf = (row) => row.dataset.names.split(" ");
  const questions = document.getElementById("all-questions").content;
  const revision = document.getElementById("revision");
  const says = document.querySelector(".quiz-says");
  const input = document.querySelector("input[type=file]");

  function show() {
    const all = answered();
    for (const row of rows) {
      for (const [place, number] of counted(namesOf(row), all).entries()) row.cells[place + 1].textContent = number;
    }
  }

  /** Let the browser keep these answers, show what is done then, and say so. */
  function change(all, done) {
    says.textContent = keepAll(all) ? done : "This browser keeps no answers for this page.";
    show();
  }

  function revise() {
    const chosen = toRevise(rows.flatMap(namesOf), answered()).slice(0, 10);
    revision.hidden = !chosen.length;
    says.textContent = chosen.length ? "" : "All questions are answered right. There is nothing to revise.";
    if (!chosen.length) return;
    const forms = chosen.map((name, place) => {
      const form = questions.querySelector(`[data-name="${name}"]`).cloneNode(true);
      const chapter = name.split("/")[0].replace(/^0/, "");
      form.querySelector("legend").textContent = `Question ${place + 1} of ${chosen.length}, from chapter ${chapter}`;
      return form;
    });
    revision.replaceChildren(...forms, revision.querySelector(".quiz-score"));
    recall(revision);
    revision.querySelector("input").focus();
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(answered(), null, 1)], { type: "application/json" }));
    link.download = "cnncourse-answers.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async function read() {
    const [file] = input.files;
    if (!file) return;
    try {
      change(withFile(await file.text(), answered()), `The answers of ${file.name} are added.`);
    } catch {
      says.textContent = `${file.name} holds no answers of the quizzes. Choose a file that this page has saved.`;
    }
    input.value = "";
  }

  function forget() {
    if (!window.confirm("Forget what you have answered in all chapters?")) return;
    revision.hidden = true;
    change({}, "All answers are forgotten.");
  }

  for (const [name, act] of Object.entries({ revise, save, forget, read: () => input.click() })) {
    document.querySelector(`[data-do=${name}]`).addEventListener("click", act);
  }
  input.addEventListener("change", read);
  document.addEventListener("submit", show); // after the quiz has kept the answer
  window.addEventListener("pageshow", show); // also when one comes back to the page
  change(answered(), "");
})();
