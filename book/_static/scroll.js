/* The theme's folds of the navigation get a name. What scrolls sideways can be reached with the keyboard, and is faded where more is hidden. */
"use strict";
(() => {
  const boxes = "pre, div.math, mjx-container, .wide-figure, .pst-scrollable-table-container, .text_html";
  const stops = "a[href], button, input, select, textarea, summary, audio, video, [tabindex='0']";
  const mark = (box) => {
    if (box.localName === "mjx-container") {  // its hidden MathML is no reason to scroll
      const width = box.querySelector("mjx-math")?.getBoundingClientRect().width ?? 0;
      box.classList.toggle("fits", width <= box.clientWidth + 2);
    }
    const room = box.scrollWidth - box.clientWidth;
    const scrolls = room > (box.localName === "mjx-container" ? 1 : 12) && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    box.classList.toggle("more-right", scrolls && box.scrollLeft < room - 1);
    box.classList.toggle("more-left", scrolls && box.scrollLeft > 1);
    if (scrolls && !box.dataset.scrolls && !box.querySelector(stops)) {
      box.dataset.scrolls = "true";
      box.tabIndex = 0;
    } else if (!scrolls && box.dataset.scrolls) {
      delete box.dataset.scrolls;
      box.removeAttribute("tabindex");
    }
  };
  const start = () => {
    for (const fold of document.querySelectorAll("summary:has(.toctree-toggle)")) {
      const page = fold.closest("li")?.querySelector("a");
      fold.setAttribute("aria-label", `Sections of ${page?.textContent.trim() ?? "this page"}`);
    }
    // The bibliography says that it is a list, and has no items of one.
    for (const list of document.querySelectorAll(".citation-list[role=list]"))
      list.removeAttribute("role");
    const watch = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
    for (const box of document.querySelectorAll(boxes)) {
      watch.observe(box);
      box.addEventListener("scroll", () => mark(box), { passive: true });
    }
  };
  addEventListener("load", () => {
    const formulas = window.MathJax?.startup?.promise;
    if (formulas) formulas.then(start);
    else start();
  });
})();
