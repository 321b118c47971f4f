// What every page of the book does beside the theme's own scripts.
(function () {
  "use strict";

  /** On a phone the list of a page's sections lies over the page: a choice from it closes it. */
  function closeContents() {
    for (const drawer of document.querySelectorAll("dialog[id^=pst-]")) {
      drawer.addEventListener("click", (event) => event.target.closest("a") && drawer.close());
    }
  }

  /** A figure of a chapter leads to itself alone, where it can be enlarged. */
  function linkFigures() {
    for (const image of document.querySelectorAll(".cell_output img")) {
      if (image.closest("a")) continue;
      const link = document.createElement("a");
      link.href = image.src;
      link.title = "Open the figure alone";
      image.replaceWith(link);
      link.append(image);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    closeContents();
    linkFigures();
  });
})();
