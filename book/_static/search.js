/* Ranks and shows what Sphinx' search finds; its index has the `weights` of booksearch.py. */
"use strict";
(() => {
  const stem = (word) => new Stemmer().stemWord(word.toLowerCase());
  const skipped = "h1, .headerlink, script, style, summary, pre, .cell, .chapter-box, .copybtn, "
    + ".generated-table, .caption-number, button, figure, nav";
  Scorer.title = 100;
  Scorer.objPrio = { 0: 5, 1: 5, 2: 0 };

  /* Headings that hold all words of the query, in whichever spelling and order. */
  const headings = (terms) => {
    const index = Search._index, found = [];
    for (const [title, places] of Object.entries(index.alltitles)) {
      const words = splitQuery(title).map(stem);
      if (![...terms].every((term) => words.includes(term))) continue;
      for (const [file, id] of places) {
        const whole = index.titles[file] === title;
        found.push([index.docnames[file], whole ? title : `${index.titles[file]} > ${title}`,
          id === null ? "" : `#${id}`, null, 100 * terms.size / words.length, index.filenames[file]]);
      }
    }
    return found;
  };

  const performSearch = Search._performSearch;
  Search._performSearch = (query, terms, excluded, highlighted, objects) => {
    const index = Search._index, best = new Map();
    const weigh = (name) => {
      const file = index.docnames.indexOf(name);
      return [...terms].reduce((sum, term) => sum + (index.weights[term]?.[file] ?? 0), 0);
    };
    const all = performSearch(query, terms, excluded, highlighted, objects);
    // A word somewhere on a page: of that the weights say more.
    for (const item of all) if (!item[2] && !item[3]) item[4] = 0;
    for (const item of [...all, ...(terms.size ? headings(terms) : [])]) {
      const factor = item[0] === "book/reference/glossary" ? 0.03
        : item[0].startsWith("book/reference/") ? 0.3 : 1;
      item[4] = factor * item[4] + weigh(item[0]);
      const place = item[0] + item[2];
      if (!best.has(place) || best.get(place)[4] < item[4]) best.set(place, item);
    }
    return [...best.values()].sort((a, b) => a[4] - b[4]);
  };

  /* Excerpts have the text of a page without formulas, code and labels. */
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(skipped).forEach((e) => e.remove());
    page.querySelectorAll(".math").forEach((e) => e.replaceWith(" … "));
    const place = anchor ? page.getElementById(anchor.slice(1)) : null;
    place?.querySelector("h2, h3, h4")?.remove();  // it is the title of the result
    const text = (place ?? page.querySelector("[role=main], main"))?.textContent ?? "";
    return text.replace(/\s+/g, " ").replace(/ … (?=[.,;:)])/g, " …");
  };
})();
