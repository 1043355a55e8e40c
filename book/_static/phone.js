/* On a telephone: long formulas are broken into lines, code wraps with a hanging indent, wide tables become cards. */
"use strict";
(() => {
  const NARROW = matchMedia("(max-width: 36rem)");
  const make = (name) => Object.assign(document.createElement("span"), { className: name });

  /* Formulas. MathJax sets a formula in one line; its parts get breaks between them, at the places
     that cost least: a wide space, a relation, a sign, and each level of brackets costs more. */
  const OPEN = "([{⟨⌊⌈", CLOSE = ")]}⟩⌋⌉", COMMA = ",;", SIGN = "+−±∓·×";
  const RELATION = "=≤≥<>≈∼∝≡→↦←⇐⇒⇔≠≪≫∈⩽⩾";
  const INDENT = 1.4; // em

  /** The character of an atom that is one; MathJax writes it into a class. */
  const sign = (atom) => {
    if (/^mjx-m(sup|sub|subsup)$/.test(atom.localName)) {  // a bracket may carry a power
      const base = sign(atom.firstElementChild);
      return base && CLOSE.includes(base) ? base : "";
    }
    if (!/^mjx-(mo|texatom)$/.test(atom.localName)) return "";
    const glyphs = atom.querySelectorAll("[class*='mjx-c']");
    if (glyphs.length !== 1 && !(glyphs.length && atom.querySelector("mjx-stretchy-v"))) return "";
    const code = /mjx-c([0-9A-F]+)/.exec([...glyphs].map((g) => g.className).join(" "));
    return code ? String.fromCodePoint(parseInt(code[1], 16)) : "";
  };
  const width = (atom) => atom.getBoundingClientRect().width;
  const isSpace = (atom, em) => /^mjx-(mstyle|mspace)$/.test(atom.localName) && !sign(atom) && !atom.querySelector("mjx-c") && width(atom) > 0.8 * em;

  /** The atoms of a line; what is too wide is opened. */
  const atoms = (parts, room) =>
    parts.flatMap((part) => {
      const opens = /^mjx-(mrow|texatom|mstyle|mtd|semantics)$/.test(part.localName) && part.children.length > 1;
      if (part.localName === "mjx-tstrut") return [];
      if (part.localName !== "mjx-mtd" && !(opens && width(part) > 0.4 * room)) return [part];
      part.classList.add("formula-opened");
      return atoms([...part.children], room);
    });

  /** The lines of a formula: itself, or the rows of its only table. */
  const lines = (box) => {
    const inner = [...box.children].filter((part) => part.localName !== "mjx-tstrut");
    if (inner.length !== 1 || inner[0].localName !== "mjx-mtable") return [[box, box.localName === "mjx-mtd" ? [box] : [...box.children]]];
    inner[0].classList.add("formula-table");
    return [...inner[0].querySelectorAll(":scope > mjx-table > mjx-itable > mjx-mtr")].flatMap((row) =>
      row.children.length === 1 ? lines(row.children[0]) : [[row, [...row.children]]],
    );
  };

  /** Where a line may be broken: before which atom, at which cost, with an indent or not. */
  const places = (line, em) => {
    const found = [];
    let depth = 0;
    for (let k = 0; k < line.length; k++) {
      const now = sign(line[k]), before = k ? sign(line[k - 1]) : "";
      const add = (cost, indent = true) => found.push({ k, cost: cost * 3 ** depth, indent });
      if (CLOSE.includes(now) && now) depth = Math.max(0, depth - 1);
      if (k) {
        const cell = line[k].closest("mjx-mtd");
        const apart = cell !== line[k - 1].closest("mjx-mtd");
        const pair = apart && [...cell.parentElement.children].indexOf(cell) % 2 === 0;
        if (isSpace(line[k - 1], em)) add(1, depth > 0);
        else if (apart) add(pair ? 1 : 2, !pair);
        else if (now && RELATION.includes(now)) add(2);
        else if (before && COMMA.includes(before)) add(3);
        else if (now && SIGN.includes(now) && !(before && (RELATION + OPEN + COMMA).includes(before))) add(4);
      }
      if (now && OPEN.includes(now)) depth += 1;
    }
    return found;
  };

  /** The cheapest breaks with which all pieces fit, or null. */
  const choose = (line, em, room) => {
    const edges = line.map((atom) => atom.getBoundingClientRect());
    const stops = [{ k: 0, cost: 0, indent: false }, ...places(line, em), { k: line.length, cost: 0 }];
    const best = [{ total: 0, from: -1 }];
    for (let j = 1; j < stops.length; j++) {
      best[j] = { total: Infinity, from: -1 };
      let last = stops[j].k - 1;
      while (last > 0 && isSpace(line[last], em)) last -= 1;
      for (let i = 0; i < j; i++) {
        if (last < stops[i].k) continue;
        const long = edges[last].right - edges[stops[i].k].left + (stops[i].indent ? INDENT * em : 0);
        if (long > room) continue;
        const total = best[i].total + 2 + stops[j].cost + 2 * (1 - long / room) ** 2;
        if (total < best[j].total) best[j] = { total, from: i };
      }
    }
    if (best[stops.length - 1].total === Infinity) return null;
    const chosen = [];
    for (let j = best[stops.length - 1].from; j > 0; j = best[j].from) chosen.push(stops[j]);
    return chosen;
  };

  const restore = (formula) => {
    formula.querySelectorAll(".formula-break, .formula-indent").forEach((made) => made.remove());
    for (const name of ["formula-opened", "formula-table", "formula-line"])
      formula.querySelectorAll(`.${name}`).forEach((part) => part.classList.remove(name));
    formula.classList.remove("formula-broken");
    formula.style.fontSize = formula.dataset.size;
  };

  const lay = (formula) => {
    formula.dataset.size ||= formula.style.fontSize;
    restore(formula);
    const math = formula.querySelector("mjx-math");
    const room = formula.clientWidth - 1;
    if (!NARROW.matches || !math || room < 50) return;
    const table = math.querySelector(":scope > mjx-mtable > mjx-table");
    const full = Math.max(math.scrollWidth, width(table || math));
    if (full <= room) return;
    const size = parseFloat(formula.dataset.size);
    const scale = (by) => (formula.style.fontSize = `${size * by}%`);
    if (full * 0.85 <= room) return void scale((room / full) * 0.995);
    for (const by of [0.9, 0.8, 0.7]) {
      restore(formula);
      scale(by);
      formula.classList.add("formula-broken");
      const em = parseFloat(getComputedStyle(formula).fontSize);
      const plan = lines(math).map(([box, parts]) => {
        box.classList.add("formula-line");
        const line = atoms(parts, room);
        return [line, choose(line, em, room)];
      });
      if (plan.some(([, breaks]) => !breaks)) continue;
      for (const [line, breaks] of plan)
        for (const { k, indent } of breaks) line[k].before(make("formula-break"), ...(indent ? [make("formula-indent")] : []));
      return;
    }
    restore(formula);
    scale(0.85);
  };

  /* Code: each line is a block of its own, and what does not fit hangs two letters to the right. */
  const wrap = (pre) => {
    if (pre.dataset.wrapped) return;
    pre.dataset.wrapped = "true";
    const all = [];
    let line = null;
    const put = (node) => {
      if (!line) all.push((line = make("code-line")));
      line.append(node);
    };
    for (const node of [...pre.childNodes]) {
      const pieces = node.textContent.split(/(?<=\n)/);
      for (const piece of pieces) {
        const copy = pieces.length === 1 ? node : node.cloneNode(false);
        if (pieces.length > 1) copy.textContent = piece;
        put(copy);
        if (piece.endsWith("\n")) line = null;
      }
    }
    for (const made of all) made.style.setProperty("--hang", `${Math.min(/^ */.exec(made.textContent)[0].length + 2, 18)}ch`);
    pre.replaceChildren(...all);
  };

  /* Tables: a row is a card, its first cell the title, and each number has the name of its column. */
  const stack = (table) => {
    table.classList.remove("cards", "tight");
    const box = table.closest(".text_html, .pst-scrollable-table-container") || table.parentElement;
    const wide = () => table.scrollWidth > box.clientWidth + 1;
    if (!NARROW.matches || !wide() || !table.tHead || !table.tBodies.length) return;
    table.classList.add("tight");
    if (!wide()) return;
    table.classList.remove("tight");
    const names = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map((cell) => cell.textContent.trim());
    const role = (part, name) => part.setAttribute("role", name);  // as cards they are tables no more
    [table.tHead, table.tBodies[0]].forEach((part) => role(part, "rowgroup"));
    [...table.rows].forEach((row) => role(row, "row"));
    [...table.tHead.querySelectorAll("th")].forEach((cell) => role(cell, "columnheader"));
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, k) => {
        cell.dataset.label = names[k] || "";
        role(cell, "cell");
      });
    }
    role(table, "table");
    table.classList.add("cards");
  };

  const start = () => {
    const watched = new Map();
    const watch = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        const formula = target.querySelector("mjx-container[display='true']");
        if (!formula || Math.abs((watched.get(target) ?? -9) - contentRect.width) < 1) continue;
        watched.set(target, contentRect.width);
        lay(formula);
      }
    });
    document.querySelectorAll(".bd-article div.math").forEach((box) => watch.observe(box));
    const narrow = () => {
      document.querySelectorAll(".bd-article table.results, .bd-article table.table").forEach(stack);
      if (NARROW.matches) document.querySelectorAll(".cell_input pre, .highlight-python pre, .highlight-ipython3 pre").forEach(wrap);
    };
    narrow();
    NARROW.addEventListener("change", narrow);
    for (const fold of document.querySelectorAll(".bd-article details")) fold.addEventListener("toggle", narrow);
  };
  addEventListener("load", () => {
    const formulas = window.MathJax?.startup?.promise;
    if (formulas) formulas.then(start);
    else start();
  });
})();
