// A chapter's quiz: choose an answer, press Check, and read why it is right or wrong.
// What was answered is kept by the browser, under one name, and nowhere else.
(function () {
  "use strict";

  const STORE = "cnncourse-quiz";

  /** What was answered before: {"05/gap": {right: true, tries: 2}}. What someone else wrote there is left out. */
  function answered() {
    try {
      const all = Object.entries(JSON.parse(localStorage.getItem(STORE)) ?? {});
      return Object.fromEntries(all.filter(([, one]) => typeof one?.right === "boolean"));
    } catch {
      return {};
    }
  }

  /** Let the browser keep all answers. Tells whether it does: for a page from disk, it may refuse. */
  function keepAll(all) {
    try {
      localStorage.setItem(STORE, JSON.stringify(all));
      return true;
    } catch {
      return false;
    }
  }

  /** Let the browser keep one answer. Tells whether it does. */
  function keep(name, right) {
    const all = answered();
    return keepAll({ ...all, [name]: { right, tries: (all[name]?.tries ?? 0) + 1 } });
  }

  /** For each answer of a question, whether it is right, and why, as HTML. */
  function verdicts(form) {
    const bytes = Uint8Array.from(atob(form.dataset.key), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  function check(form) {
    const chosen = form.querySelector("input:checked");
    const verdict = form.querySelector(".quiz-verdict");
    if (!chosen) {
      verdict.textContent = "Choose an answer first.";
      return;
    }
    const [right, why] = verdicts(form)[chosen.value];
    verdict.innerHTML = `<strong>${right ? "Right." : "Not yet."}</strong> ${why}`;
    form.dataset.right = right;
    showScore(form.closest("section"), keep(form.dataset.name, right));
  }

  function showScore(section, kept = true) {
    const forms = [...section.querySelectorAll("form")];
    const right = forms.filter((form) => form.dataset.right === "true").length;
    const score = section.querySelector(".quiz-score");
    score.textContent = `${right} of ${forms.length} right. `;
    if (!kept) score.append("This browser does not keep your answers. ");
    if (/\/notebooks\/[^/]+\.html$/.test(location.pathname)) {
      const link = document.createElement("a");
      link.href = "../book/progress.html";
      link.textContent = "Your progress";
      score.append(link);
    }
  }

  /** Mark what was answered before. */
  function recall(section) {
    const before = answered();
    for (const form of section.querySelectorAll("form")) {
      const one = before[form.dataset.name];
      if (one) form.dataset.right = one.right;
    }
    showScore(section);
  }

  function setUp(section) {
    section.dataset.ready = "true";
    for (const control of section.querySelectorAll("input, button")) {
      control.dataset.lmSuppressShortcuts = "true"; // else JupyterLab's own arrow keys lead to another cell
    }
    section.addEventListener("submit", (event) => {
      event.preventDefault();
      check(event.target);
    });
    section.addEventListener("change", (event) => {
      event.target.form.querySelector(".quiz-verdict").textContent = "";
    });
    recall(section);
  }

  globalThis.cnncourseQuiz = { answered, keepAll, keep, recall };
  if (typeof document === "undefined") return;
  const begin = () => document.querySelectorAll("section.quiz:not([data-ready])").forEach(setUp);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else requestAnimationFrame(begin); // JupyterLab may run a script before the output is in the page
})();
