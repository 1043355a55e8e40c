/* Finds, ranks and shows the entries of booksearch.py, on the page of results and in the search box
   of every page (Ctrl+K). The index is loaded when a reader first turns to a search field. */
"use strict";
(() => {
  const root = document.documentElement.dataset.content_root;
  const WORD = /[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*/gu;
  let index = null;

  /* --- the index ------------------------------------------------------------------------------ */

  /* The words of a text in one spelling, without plural s; "mini-batch" is also "minibatch". */
  const single = (word) => oneSpelling(word).replace(/(?<=[^s])s$/, "");
  const cache = new Map();
  const wordsOf = (text) => (text.match(WORD) ?? []).flatMap((whole) => {
    if (!cache.has(whole)) {
      const parts = whole.split("-").map(single);
      cache.set(whole, parts.length > 1 ? [...parts, parts.join("")] : parts);
    }
    return cache.get(whole);
  });
  const phrase = (text) => text.split(/[\s-]+/).flatMap((part) => wordsOf(part))
    .filter((word) => !index.stop.has(word));

  const build = (raw) => {
    const stemmer = new Stemmer();
    index = {
      ...raw, words: new Map(), stems: new Map(), stop: new Set(stopwords),
      stem: (word) => stemmer.stemWord(word),
    };
    index.entries = raw.entries.map(([page, anchor, title, names, text], place) => {
      const name = raw.pages[page][0];
      const entry = { place, page, anchor, title, text, name,
        own: [title, ...names].map(phrase).filter((words) => words.length) };
      entry.kind = /reference\/(api|glossary)/.exec(name)?.[1]
        ?? (/reference\/(bibliography|claims|equations|status)$/.test(name) ? "list"
          : /^(erratum|exercise|further-reading|summary)/.test(anchor) ? "aside" : "chapter");
      const words = wordsOf(text);
      entry.length = words.length;
      for (const word of [...words, ...entry.own.flat()]) {
        if (!index.words.has(word)) index.words.set(word, new Map());
        const found = index.words.get(word);
        found.set(place, (found.get(place) ?? 0) + 1);
      }
      return entry;
    });
    index.taught = new Map(raw.pages.map(([name], page) =>
      [page, (raw.taught[name] ?? []).map(phrase).filter((words) => words.length)]));
    index.top = new Map(index.entries.filter((e) => !e.anchor).map((e) => [e.page, e]));
    index.mean = index.entries.reduce((sum, e) => sum + e.length, 0) / index.entries.length;
    for (const word of index.words.keys()) {
      const stem = index.stem(word);
      index.stems.set(stem, [...(index.stems.get(stem) ?? []), word]);
    }
  };

  const load = (file) => new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = root + file;
    script.onload = resolve;
    document.head.append(script);
  });
  let loading = null;
  const ready = () => (loading ??= (async () => {
    let raw = null;
    window.Search = { setIndex: (data) => { raw = data; } };
    await Promise.all([load("_static/language_data.js"), load("searchindex.js")]);
    build(raw);
  })());

  /* --- from what was typed to words of the book ------------------------------------------------ */

  /* How many letters are wrong, missing, too many or swapped with their neighbour. */
  const distance = (a, b, limit) => {
    if (Math.abs(a.length - b.length) > limit) return Infinity;
    let before = [], last = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      if (Math.min(...row) > limit) return Infinity;
      [before, last] = [last, row];
    }
    return last[b.length];
  };

  const nearest = (word) => {
    const limit = word.length < 4 || /\d|_/.test(word) ? 0 : word.length < 7 ? 1 : 2;
    let best = null;
    for (const [other, places] of limit ? index.words : []) {
      const far = distance(word, other, limit);
      if (far > limit || other.length < 4) continue;
      // Errors in the first letter are rare; of two words the more frequent one is meant.
      const rank = far + (other[0] !== word[0]) - Math.min(places.size, 500) / 1000;
      if (!best || rank < best.rank) best = { other, rank };
    }
    return best?.other;
  };

  /* Forms of a word with their weights: itself, then other words of its stem. */
  const formsOf = (word) => {
    const weight = index.words.has(word) ? 0.25 : 0.7;
    const forms = new Map((index.stems.get(index.stem(word)) ?? []).map((form) => [form, weight]));
    if (index.words.has(word)) forms.set(word, 1);
    return forms;
  };

  /* The terms of a query, and how they differ from what was typed. */
  const understand = (query, typing) => {
    let words = (query.match(WORD) ?? []).flatMap((whole) => whole.split("-"));
    const telling = words.filter((word) => !index.stop.has(word.toLowerCase()));
    words = telling.length ? telling : words;
    const terms = [], missing = [], shown = [];
    let changed = false;
    const add = (word, forms) => {
      shown.push(word);
      if (!terms.some((term) => term.word === word)) terms.push({ word, forms });
    };
    for (let i = 0; i < words.length; i++) {
      const word = single(words[i]);
      const next = i + 1 < words.length ? single(words[i + 1]) : "", joined = word + next;
      const often = (form) => index.words.get(form)?.size ?? 0;
      const lower = words[i].toLowerCase(), other = index.synonyms[lower];
      if (next && Math.min(often(word), often(next)) < 3 && often(joined) > 3) {
        add(joined, formsOf(joined));  // "auto encoder"
        i += 1;
      } else if (other) {
        if (!formsOf(word).size) changed = true;
        const own = formsOf(word).size && !other.includes(" ") ? [...formsOf(word)] : [];
        for (const part of other.split(" ")) {
          const forms = part.split("/").flatMap((form) => [...formsOf(single(form.replace("-", "")))]);
          add(own.length ? lower : part.replaceAll("/", " or "), new Map([...forms, ...own]));
        }
      } else if (formsOf(word).size) {
        add(lower, formsOf(word));
      } else {
        const begun = word.length < 3 || (!typing && word.length < 4) ? []
          : [...index.words.keys()].filter((known) => known.startsWith(word));
        const near = begun.length ? null : nearest(word);
        if (begun.length) add(lower, new Map(begun.map((form) => [form, 0.7])));
        else if (near) { add(near, formsOf(near)); changed = true; } else missing.push(words[i]);
      }
    }
    return { terms, missing, shown: changed ? shown.join(" ") : "" };
  };

  /* --- ranking --------------------------------------------------------------------------------- */

  /* How much of a title or name the terms are, weighed by how rare they are. */
  const named = (phrases, terms) => Math.max(0, ...phrases.map((words, k) => {
    let sum = 0, hits = 0;
    for (const term of terms) {
      const hit = Math.max(0, ...words.map((word) => term.forms.get(word) ?? 0));
      sum += hit * term.rare;
      hits += hit;
    }
    return (k ? 0.8 : 1) * sum * Math.sqrt(Math.min(1, hits / words.length));
  }));
  const FACTOR = { chapter: 1, aside: 0.6, glossary: 0.45, list: 0.25, api: 0.25 };
  const MOST = { chapter: 3, aside: 3, glossary: 1, list: 1, api: 1 };

  const find = (query, typing = false) => {
    const understood = understand(query, typing), { terms } = understood;
    const scores = new Map(), pages = new Map();
    for (const term of terms) {
      const places = new Map();
      for (const [form, weight] of term.forms)
        for (const [place, n] of index.words.get(form)) {
          const [most, sum] = places.get(place) ?? [0, 0];
          places.set(place, [Math.max(most, weight), sum + weight * n]);
        }
      term.rare = Math.log(1 + index.entries.length / (places.size + 0.5));
      for (const [place, [weight, n]] of places) {
        const { page, length } = index.entries[place];
        const much = weight * n / (n + 0.7 + 0.7 * length / index.mean);
        if (!scores.has(place)) scores.set(place, { sum: 0, terms: new Set() });
        scores.get(place).sum += term.rare * much;
        scores.get(place).terms.add(term);
        if (!pages.has(page)) pages.set(page, new Map());
        pages.get(page).set(term, (pages.get(page).get(term) ?? 0) + n);
      }
    }
    const about = new Map([...pages].map(([page, counts]) => [page,
      [...counts].reduce((sum, [term, n]) => sum + term.rare * n / (n + 12), 0)
        + 1.5 * named(index.top.get(page).own, terms)
        + 2 * named(index.taught.get(page) ?? [], terms)]));
    const ranked = [...scores].map(([place, { sum, terms: here }]) => {
      const entry = index.entries[place], there = pages.get(entry.page);
      const whole = (here.size + 0.6 * (there.size - here.size)) / terms.length;
      const lacks = terms.filter((term) => !there.has(term)).map((term) => term.word);
      const score = FACTOR[entry.kind] * whole ** 2
        * (sum + 1.5 * named(entry.own, terms) + 0.6 * about.get(entry.page));
      return { entry, score, lacks };
    }).sort((a, b) => b.score - a.score);
    const count = new Map();
    const results = ranked.filter(({ entry, score }) => {
      const n = (count.get(entry.page) ?? 0) + 1;
      count.set(entry.page, n);
      return n <= MOST[entry.kind] && score > 0.12 * ranked[0].score;
    }).slice(0, 30);
    return { ...understood, results };
  };

  /* --- showing --------------------------------------------------------------------------------- */

  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };

  /* The sentence that holds most of the words, cut around formulas of more than one line. */
  const excerpt = (entry, terms) => {
    const weigh = (text) => {
      const words = new Set(wordsOf(text));
      return terms.reduce((sum, { forms, rare }) =>
        sum + rare * Math.max(0, ...[...words].map((word) => forms.get(word) ?? 0)), 0);
    };
    let best = "", most = -1, from = -1;
    const sentences = entry.text.split(/\n|(?<=[.!?]”?) +(?=[\p{Lu}“(])/u);
    sentences.forEach((sentence, place) => {
      const parts = sentence.split(/[\s(]*\ufffc[\s),;:.]*/u).filter((part) => /\p{L}{2}/u.test(part));
      parts.forEach((part, k) => {
        const value = weigh(part) - (parts.length > 1 ? 0.3 : 0) - (part.length < 40 ? 0.2 : 0);
        if (value <= most) return;
        [most, from] = [value, place];
        const end = k + 1 < parts.length || !/[.,!?:)”]$/.test(part.trim());
        best = (k ? "… " : "") + part.trim().replace(/[:,]$/, " …") + (end ? " …" : "");
      });
    });
    // A short sentence needs the one before it, or else the one behind.
    const whole = (text) => text && /[.!?]$/.test(text) && !text.includes("\ufffc");
    const [before, after] = [sentences[from - 1], sentences[from + 1]];
    if (best.length < 90 && whole(before) && before.length < 160) best = `${before} ${best}`;
    else if (best.length < 90 && whole(best) && whole(after) && after.length < 160) best += ` ${after}`;
    if (best.length < 260) return best;
    const at = Math.max(0, best.split(" ").findIndex((word) => weigh(word) > 0) - 14);
    const cut = best.split(" ").slice(at, at + 40).join(" ");
    return (at ? "… " : "") + cut + (best.endsWith(cut) ? "" : " …");
  };

  const withMarks = (text, terms) => text.split(/([\p{L}\p{N}_]+)/u).map((part) => {
    const hit = /[\p{L}\p{N}]/u.test(part) && terms.some(({ forms }) => forms.has(single(part)));
    return hit ? make("strong", { textContent: part }) : part;
  });

  const item = ({ entry, lacks }, terms) => {
    const page = index.pages[entry.page][1], link = make("a");
    link.href = `${root}${entry.name}.html${entry.anchor ? `#${entry.anchor}` : ""}`;
    if (entry.anchor)
      link.append(make("span", { className: "where", textContent: `${page} › ` }), entry.title);
    else link.textContent = page;
    const li = make("li", {}, link), text = excerpt(entry, terms);
    if (text) li.append(make("p", { className: "context" }, ...withMarks(text, terms)));
    if (lacks.length)
      li.append(make("p", { className: "lacks", textContent: `Not on this page: ${lacks.join(", ")}` }));
    return li;
  };

  const show = (box, query, most, typing) => {
    box.replaceChildren();
    box.dataset.query = query;
    if (!query.trim()) return;
    const { terms, missing, shown, results } = find(query, typing);
    const line = (...parts) => box.append(make("p", { className: "search-summary" }, ...parts));
    if (results.length && shown)
      line("Showing results for ", make("strong", { textContent: shown }), ".");
    if (results.length && missing.length)
      line("The book does not have: ", make("strong", { textContent: missing.join(", ") }), ".");
    if (results.length) {
      const all = results.slice(0, most).map((result) => item(result, terms));
      box.append(make("ul", { className: "search" }, ...all));
      return;
    }
    const to = (name, text) => make("a", { href: `${root}${name}.html`, textContent: text });
    line("Nothing in the book matches ", make("strong", { textContent: query }),
      ". Perhaps under another name: see the ", to("book/reference/glossary", "glossary"),
      " or the ", to("book/intro", "contents"), ".");
  };

  const attach = (input, box, most) => {
    let wanted = 0;
    const update = async (typing) => {
      const now = ++wanted;
      if (input.value.trim()) await ready();
      if (now === wanted) show(box, input.value, most, typing);
    };
    input.addEventListener("focus", ready, { once: true });
    input.addEventListener("input", () => update(true));
    return update;
  };

  document.addEventListener("DOMContentLoaded", () => {
    const results = document.querySelector(".bd-search-container #search-results");
    const dialog = document.getElementById("pst-search-dialog");
    if (results) {
      const input = document.querySelector(".bd-search-container input[name=q]");
      const update = attach(input, results, 30);
      results.setAttribute("aria-live", "polite");
      input.value = new URLSearchParams(location.search).get("q") ?? "";
      update(false);
    }
    if (dialog) {
      const box = dialog.appendChild(make("div", { className: "search-live" }));
      box.setAttribute("aria-live", "polite");
      attach(dialog.querySelector("input[name=q]"), box, 6);
      // Arrow keys go through the results, as in a list of suggestions; a chosen place closes the box.
      dialog.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) return;
        const stops = [dialog.querySelector("input[name=q]"), ...box.querySelectorAll("li > a")];
        stops[Math.max(0, stops.indexOf(document.activeElement) + step)]?.focus();
        event.preventDefault();
      });
      box.addEventListener("click", (event) => { if (event.target.closest("a")) dialog.close(); });
    }
  });
})();
