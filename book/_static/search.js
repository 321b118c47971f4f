// What the search page does beside Sphinx's own script, which is loaded after this one.
"use strict";


const PAGES = Object.keys(window.SEARCH_TEXT);

/** Equally good hits stand in the order of the book. The other scores are Sphinx's. */
globalThis.Scorer = {
  score: ([page, , , , score]) => score - Math.max(0, PAGES.indexOf(page)) / 1000,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

/** The piece of a text around the first of the words that it has; its beginning where it has none. */
function excerpt(text, words, length = 160) {
  const small = text.toLowerCase();
  const places = words.map((word) => small.indexOf(word)).filter((place) => place >= 0);
  const first = Math.max(0, Math.min(...places, text.length) - length / 4);
  const start = places.length ? text.lastIndexOf(" ", first) + 1 : 0;
  const end = text.indexOf(" ", start + length);
  const piece = text.slice(start, end < 0 ? text.length : end);
  return (start ? "… " : "") + piece + (end < 0 ? "" : " …");
}

/** The name of the page that a link of a hit leads to. */
function pageOf(link) {
  return link.getAttribute("href").replace(/(\.html)?(#.*)?$/, "");
}

function addExcerpt(hit, words) {
  const text = window.SEARCH_TEXT[pageOf(hit.querySelector("a"))];
  if (!text) return;
  const paragraph = document.createElement("p");
  paragraph.className = "context";
  paragraph.textContent = excerpt(text, words);
  hit.append(paragraph);
}

if (typeof document !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  document.addEventListener("DOMContentLoaded", () => {
    const query = new URLSearchParams(window.location.search).get("q") || "";
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    new MutationObserver((changes) => {
      for (const hit of changes.flatMap((change) => [...change.addedNodes])) {
        if (hit.nodeName === "LI") addExcerpt(hit, words);
      }
    }).observe(document.getElementById("search-results"), { childList: true, subtree: true });
  });
}
