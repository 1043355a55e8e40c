/* One normal density against a target with two modes: forward and reverse KL, and their descent. */

"use strict";

(() => {
  const { Adam, define } = laboratory;

  const TARGET = [
    { weight: 0.6, mean: -2.2, std: 0.7 },
    { weight: 0.4, mean: 2.2, std: 0.9 },
  ];
  const POINTS = 2001;
  const REACH = 10; // the integrals run from -10 to 10

  const logNormal = (x, mean, std) =>
    -0.5 * ((x - mean) / std) ** 2 - Math.log(std) - 0.5 * Math.log(2 * Math.PI);

  const logTarget = (x) => {
    const terms = TARGET.map((c) => Math.log(c.weight) + logNormal(x, c.mean, c.std));
    const top = Math.max(...terms);
    return top + Math.log(terms.reduce((sum, t) => sum + Math.exp(t - top), 0));
  };

  const grid = Float64Array.from({ length: POINTS }, (_, k) => -REACH + (2 * REACH * k) / (POINTS - 1));
  const logP = grid.map(logTarget);
  const p = logP.map(Math.exp);

  /** Both divergences in nats and their gradients in (mean, log std), by the trapezoid rule.

      With s = (x - m)/σ the derivatives of log q are s/σ and s² - 1. Forward, only -log q in
      ∫ p log(p/q) depends on q. Reverse, the derivative of ∫ q log(q/p) is
      ∫ q (log q - log p + 1) ∂ log q; the 1 integrates to zero, up to the ends of the grid. */
  function divergences(mean, logStd, every = 1) {
    const std = Math.exp(logStd);
    const found = { forward: 0, reverse: 0, forwardGradient: [0, 0], reverseGradient: [0, 0] };
    for (let k = 0; k < POINTS; k += every) {
      const dx = ((k === 0 || k === POINTS - 1 ? 1 : 2) * every * REACH) / (POINTS - 1);
      const s = (grid[k] - mean) / std;
      const logQ = logNormal(grid[k], mean, std);
      const q = Math.exp(logQ);
      const slopes = [s / std, s * s - 1];
      found.forward += dx * p[k] * (logP[k] - logQ);
      found.reverse += dx * q * (logQ - logP[k]);
      for (let j = 0; j < 2; j++) {
        found.forwardGradient[j] -= dx * p[k] * slopes[j];
        found.reverseGradient[j] += dx * q * (logQ - logP[k] + 1) * slopes[j];
      }
    }
    return found;
  }

  /** settings: {mean, std, rate}; `step(direction)` is one step of Adam on either divergence. */
  function create({ mean = 0, std = 1, rate = 0.05 } = {}) {
    const theta = Float64Array.of(mean, Math.log(std));
    let optimizer = new Adam([theta], rate);
    return {
      step(direction) {
        optimizer.step([divergences(...theta)[`${direction}Gradient`]]);
      },
      place(newMean, newStd) {
        theta.set([newMean, Math.log(newStd)]);
        this.forget();
      },
      forget() {
        optimizer = new Adam([theta], rate);
      },
      numbers() {
        return { mean: theta[0], std: Math.exp(theta[1]), ...divergences(...theta) };
      },
    };
  }

  function show(stage) {
    const model = create();
    let direction = "forward";

    const densities = stage.plot({
      label: "Densities of the target and of the normal model",
      x: [-7, 7],
      y: [0, 0.8],
      xLabel: "x",
      yLabel: "density",
      draw(plot) {
        const { mean, std } = model.numbers();
        const xs = Array.from({ length: 281 }, (_, k) => -7 + k / 20);
        plot.area(xs.map((x) => [x, Math.exp(logTarget(x))]), "shade");
        plot.line(xs.map((x) => [x, Math.exp(logNormal(x, mean, std))]), "one", 2.5);
        plot.legend([["target p", "shade"], ["model q", "one"]]);
      },
      drag: ([x]) => move(Math.max(-5, Math.min(5, x)), model.numbers().std),
      dragHelp: "Drag, or use the arrow keys, to move the mean of the model.",
      keyStep: [0.1, 0],
      place: () => [model.numbers().mean, 0.4],
    });

    const means = Array.from({ length: 81 }, (_, k) => -4 + k / 10);
    const values = stage.plot({
      label: "Both divergences over the mean, at the present standard deviation",
      x: [-4, 4],
      y: [0, 8],
      xLabel: "mean of q",
      yLabel: "KL (nats)",
      draw(plot) {
        const { mean, std, forward, reverse } = model.numbers();
        const all = means.map((m) => divergences(m, Math.log(std), 8));
        plot.line(means.map((m, k) => [m, all[k].forward]), "one", 2);
        plot.line(means.map((m, k) => [m, all[k].reverse]), "two", 2, [6, 4]);
        plot.dots([[mean, forward]], "one", 6);
        plot.dots([[mean, reverse]], "two", 6);
        plot.legend([["KL(p‖q), forward", "one"], ["KL(q‖p), reverse", "two"]]);
      },
    });

    const readings = {
      forward: stage.reading("KL(p‖q), forward"),
      reverse: stage.reading("KL(q‖p), reverse"),
    };
    const meanSlider = stage.slider({
      ...{ label: "mean", min: -5, max: 5, step: 0.05, value: 0, digits: 2 },
      change: (value) => move(value, model.numbers().std),
    });
    const stdSlider = stage.slider({
      ...{ label: "standard deviation", min: 0.2, max: 4, step: 0.05, value: 1, digits: 2 },
      change: (value) => move(model.numbers().mean, value),
    });
    const runner = stage.runner({
      ...{ perSecond: 40, burst: 150 },
      starts: [
        ["Descend forward KL", () => aim("forward")],
        ["Descend reverse KL", () => aim("reverse")],
      ],
      step: () => model.step(direction),
      restart: () => model.place(0, 1),
      draw: update,
    });

    function aim(next) {
      direction = next;
      model.forget();
    }

    function move(mean, std) {
      runner.pause();
      model.place(mean, std);
      update();
    }

    function update() {
      const now = model.numbers();
      meanSlider.set(now.mean);
      stdSlider.set(now.std);
      readings.forward.set(`${now.forward.toFixed(3)} nats`);
      readings.reverse.set(`${now.reverse.toFixed(3)} nats`);
      densities.draw();
      values.draw();
    }
    return { update, model };
  }

  define("kl-fit", { create, show });
})();
