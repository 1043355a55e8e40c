/* Temperature, top k and nucleus on the next letter of a chain of order 4 with Witten–Bell
   smoothing, the same as `MarkovChain` of the book's package. */

"use strict";

(() => {
  const { Random, define } = laboratory;

  /** Calls visit(window, count) for each window of the tree that benchmarks/laboratories.py writes:
      a letter is followed by its branches and a bracket, a last letter by its count, unless 1. */
  function readTree(tree, length, visit) {
    let at = 0;
    const read = (prefix) => {
      while (at < tree.length && tree[at] !== ")") {
        const window = prefix + tree[at++];
        if (window.length === length) {
          let digits = "";
          while (tree[at] >= "0" && tree[at] <= "9") digits += tree[at++];
          visit(window, Number(digits || 1));
        } else {
          read(window);
          at += 1; // the bracket
        }
      }
    };
    read("");
  }

  /** settings: {alphabet, order, start, counts}. */
  function create({ alphabet, order, start, counts, seed = 1 }) {
    const tables = Array.from({ length: order + 1 }, () => new Map()); // history -> {letter: count}
    const add = (history, letter, count) => {
      const table = tables[history.length];
      if (!table.has(history)) table.set(history, {});
      const row = table.get(history);
      row[letter] = (row[letter] || 0) + count;
    };
    readTree(counts, order + 1, (window, count) => {
      const letter = window[order];
      for (let m = 0; m <= order; m++) add(window.slice(order - m, order), letter, count);
    });
    // The first letters of the text end no window of full length.
    for (let end = 0; end < order; end++) {
      for (let m = 0; m <= end; m++) add(start.slice(end - m, end), start[end], 1);
    }
    const random = new Random(seed);

    return {
      alphabet,
      /** p_m(v|h) = (n(hv) + d(h) p_{m-1}(v|h')) / (n(h) + d(h)), from equal chances upward. */
      probabilities(context) {
        let p = Array.from(alphabet, () => 1 / alphabet.length);
        for (let m = 0; m <= Math.min(order, context.length); m++) {
          const row = tables[m].get(context.slice(context.length - m));
          if (!row) break;
          const seen = Object.values(row);
          const total = seen.reduce((a, b) => a + b, 0);
          const before = p;
          p = Array.from(
            alphabet,
            (letter, v) => ((row[letter] || 0) + seen.length * before[v]) / (total + seen.length),
          );
        }
        return p;
      },
      /** First the temperature, then the k largest, then the smallest set that holds the mass. */
      filtered(p, { tau = 1, k = Infinity, mass = 1 }) {
        const scale = (values) => {
          const total = values.reduce((a, b) => a + b, 0);
          return values.map((value) => value / total);
        };
        let q = scale(p.map((value) => value ** (1 / tau)));
        const order = q.map((_, v) => v).sort((a, b) => q[b] - q[a] || a - b);
        q = scale(q.map((value, v) => (order.indexOf(v) < k ? value : 0)));
        let before = 0;
        for (const v of order) {
          const held = q[v];
          if (before >= mass && mass < 1) q[v] = 0;
          before += held;
        }
        return scale(q);
      },
      draw: (q) => random.choose(q),
    };
  }

  const PROMPTS = ["the value of the ", "if the ", "a list of ", "returns ", "objects that "];

  function show(stage, data) {
    const model = create(data);
    const options = { tau: 1, k: data.alphabet.length, mass: 1 };
    const state = { prompt: PROMPTS[0], written: "", nats: 0 };
    const MOST = 400; // letters
    const names = Array.from(data.alphabet, (letter) => (letter === " " ? "␣" : letter));

    const bars = stage.plot({
      label: "Probabilities of the next letter, of the model and after the filters",
      ...{ x: [-0.7, data.alphabet.length - 0.3], y: [0, 1.1], xTicks: [], wide: true },
      xLabel: "next letter",
      yLabel: "probability",
      draw(plot) {
        const { p, q } = now();
        p.forEach((value, v) => plot.bar(v, value, 0.9, "shade"));
        q.forEach((value, v) => plot.bar(v, value, 0.5, "one"));
        plot.legend([["model p", "shade"], ["filtered q", "one"]]);
        // Letters below the narrow bars would touch each other: they stand above the large ones.
        p.forEach((value, v) => {
          const high = Math.max(value, q[v]);
          if (high > 0.02) plot.text(names[v], [v, high + 0.04], "ink");
        });
      },
    });
    const paper = stage.paper("Text that was written");
    const entropy = stage.reading("entropy of q");
    const kept = stage.reading("p of what is kept");
    const price = stage.reading("KL(q‖p)");
    const mean = stage.reading("written");

    stage.choice({
      label: "text to go on from",
      options: PROMPTS,
      change(prompt) {
        runner.pause();
        state.prompt = prompt;
        restart();
        update();
      },
    });
    const filter = (name, words, min, max, step, digits) =>
      stage.slider({
        ...{ label: words, min, max, step, value: options[name], digits },
        change(value) {
          options[name] = value;
          update();
        },
      });
    filter("tau", "temperature τ", 0.1, 2, 0.05, 2);
    filter("k", "top k", 1, data.alphabet.length, 1, 0);
    filter("mass", "nucleus P", 0.05, 1, 0.05, 2);
    const runner = stage.runner({
      ...{ starts: [["Write", null]], perSecond: 12, burst: 60 },
      step() {
        const { p, q } = now();
        const v = model.draw(q);
        state.nats -= Math.log(p[v]);
        state.written += data.alphabet[v];
      },
      restart,
      finished: () => state.written.length >= MOST,
      draw: update,
    });

    function restart() {
      Object.assign(state, { written: "", nats: 0 });
    }

    function now() {
      const p = model.probabilities(state.prompt + state.written);
      return { p, q: model.filtered(p, options) };
    }

    function update() {
      const { p, q } = now();
      const sum = (term) => q.reduce((total, value, v) => total + (value > 0 ? term(value, v) : 0), 0);
      entropy.set(`${sum((value) => -value * Math.log(value)).toFixed(2)} nats`);
      kept.set(sum((value, v) => p[v]).toFixed(3));
      price.set(`${Math.max(0, sum((value, v) => value * Math.log(value / p[v]))).toFixed(2)} nats`);
      const count = state.written.length;
      mean.set(count ? `${count} letters, ${(state.nats / count).toFixed(2)} nats each under p` : "nothing yet");
      paper.set(`${state.prompt}${state.written}▏`);
      bars.draw();
    }
    return { update, model, state };
  }

  define("decoding", { create, show });
})();
