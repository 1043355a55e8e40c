/* A GAN on a ring of eight Gaussians, trained while the reader watches. */

"use strict";

(() => {
  const { Adam, Network, Random, define, fromRows, matrix, normals, sigmoid, softplus, toRows } =
    laboratory;

  const MODES = 8;
  const CENTRES = Array.from({ length: MODES }, (_, k) => {
    const angle = (2 * Math.PI * k) / MODES;
    return [Math.cos(angle), Math.sin(angle)];
  });

  /** Modes with a sample within three standard deviations, and the share of such samples. */
  function coverage(samples, std) {
    const counts = CENTRES.map(() => 0);
    for (const [x, y] of samples) {
      const distances = CENTRES.map(([a, b]) => Math.hypot(x - a, y - b));
      const least = Math.min(...distances);
      if (least <= 3 * std) counts[distances.indexOf(least)] += 1;
    }
    const good = counts.reduce((a, b) => a + b, 0);
    return { modes: counts.filter((n) => n > 0).length, quality: good / samples.length, counts };
  }

  /** x + noise · ε, row by row. */
  function blurred(x, noise, eps) {
    if (!noise) return x;
    const moved = matrix(x.rows, x.cols);
    moved.data.forEach((_, k, all) => (all[k] = x.data[k] + noise * eps.data[k]));
    return moved;
  }

  /** settings: {seed, std, latent, hidden, batch, rates, betas, noise, r1, weights}.

      `rates` are those of discriminator and generator; `noise` is the standard deviation of the
      noise on real and generated examples; `r1` is the weight of the penalty on the slope; after
      `halving` steps, if it is not 0, the rates are half as large, and after k times as many they
      are divided by 1 + k. */
  function create(settings = {}) {
    const options = {
      ...{ seed: 1, std: 0.05, latent: 2, hidden: [48, 48], batch: 64 },
      ...{ rates: [2e-3, 2e-3], betas: [0.5, 0.999], noise: 0, r1: 0, halving: 0 },
      ...settings,
    };
    const random = new Random(options.seed);
    const { latent, hidden, batch } = options;
    const generator = new Network([latent, ...hidden, 2], "leaky", random);
    const discriminator = new Network([2, ...hidden, 1], "leaky", random);
    if (options.weights) {
      generator.load(options.weights.generator);
      discriminator.load(options.weights.discriminator);
    }
    const adam = (network, rate) => new Adam(network.parameters(), rate, { betas: options.betas });
    const optimizers = [adam(discriminator, options.rates[0]), adam(generator, options.rates[1])];
    let count = 0;

    /** Examples of the ring. */
    function ring(n) {
      return fromRows(
        Array.from({ length: n }, () => {
          const [a, b] = CENTRES[Math.floor(MODES * random.uniform())];
          return [a + options.std * random.normal(), b + options.std * random.normal()];
        }),
      );
    }

    /** The discriminator's step: it lowers softplus(-real logit) + softplus(fake logit). */
    function judge(x, z, [epsReal, epsFake]) {
      const fake = blurred(generator.forward(z), options.noise, epsFake);
      const real = blurred(x, options.noise, epsReal);
      discriminator.zero();
      let loss = 0;
      const n = x.rows;
      const a = discriminator.forward(real);
      const forReal = matrix(n, 1);
      a.data.forEach((logit, k) => {
        loss += softplus(-logit) / n;
        forReal.data[k] = -sigmoid(-logit) / n;
      });
      discriminator.backward(forReal);
      if (options.r1) loss += discriminator.slopePenalty(options.r1);
      const b = discriminator.forward(fake);
      const forFake = matrix(n, 1);
      b.data.forEach((logit, k) => {
        loss += softplus(logit) / n;
        forFake.data[k] = sigmoid(logit) / n;
      });
      discriminator.backward(forFake);
      optimizers[0].step(discriminator.gradients());
      return loss;
    }

    /** The generator's step: it lowers softplus(-fake logit), the non-saturating loss. */
    function deceive(z, eps) {
      const fake = blurred(generator.forward(z), options.noise, eps);
      const logits = discriminator.forward(fake);
      const gradient = matrix(z.rows, 1);
      let loss = 0;
      logits.data.forEach((logit, k) => {
        loss += softplus(-logit) / z.rows;
        gradient.data[k] = -sigmoid(-logit) / z.rows;
      });
      generator.zero();
      generator.backward(discriminator.backward(gradient));
      optimizers[1].step(generator.gradients());
      return loss;
    }

    /** One step of each player. `draws` are given by a test; else they are made here. */
    function step(draws = null) {
      const rows = (name, columns) =>
        draws ? fromRows(draws[name]) : normals(random, batch, columns);
      const eps = (name) => (options.noise ? rows(name, 2) : null);
      const x = draws ? fromRows(draws.x) : ring(batch);
      const part = options.halving ? 1 / (1 + count / options.halving) : 1;
      optimizers.forEach((optimizer, k) => (optimizer.rate = part * options.rates[k]));
      const losses = {
        discriminator: judge(x, rows("zFirst", latent), [eps("noiseReal"), eps("noiseFake")]),
        generator: deceive(rows("zSecond", latent), eps("noiseSecond")),
      };
      count += 1;
      return losses;
    }

    return {
      ...{ options, step, coverage: (samples) => coverage(samples, options.std) },
      count: () => count,
      logit: (points) => discriminator.forward(fromRows(points)).data,
      generate: (z) => toRows(generator.forward(fromRows(z))),
      sample: (n) => toRows(generator.forward(normals(random, n, latent))),
      truth: (n) => toRows(ring(n)),
      numbers: () => ({
        generator: generator.parameters().map((p) => Array.from(p)),
        discriminator: discriminator.parameters().map((p) => Array.from(p)),
      }),
    };
  }

  const MOST = 6000; // steps

  function show(stage) {
    const chosen = { seed: 1, rate: 2e-3, beta: 0.5, noise: 0, r1: 0 };
    // On the first page nothing can be set, and the game is one that works within seconds.
    const front = stage.figure.closest(".hero");
    const quick = { rates: [1e-2, 5e-3], betas: [0, 0.99], r1: 0.05, halving: 150 };
    let model;
    let samples;
    let history;
    let last;

    const plane = stage.plot({
      label: "Samples of the generator around the eight modes, and where the discriminator leans",
      ...{ x: [-1.6, 1.6], y: [-1.6, 1.6], square: true, xLabel: "x₁", yLabel: "x₂" },
      draw(plot) {
        drawLogits(plot);
        CENTRES.forEach((centre) => plot.dots([centre], "ink", 11, { open: true }));
        plot.dots(samples, "one", 2, { alpha: 0.75 });
        if (lost()) {
          plot.text("Diverged: the samples are outside this frame.", [0, 0.12]);
          plot.text("Lower β₁ or the rate, and restart.", [0, -0.12]);
        }
      },
    });
    const curve = stage.plot({
      label: "Share of samples of high quality, and share of the modes held, over the steps",
      ...{ x: [0, 1000], y: [0, 1.3], square: true, xLabel: "step", yLabel: "share" },
      draw(plot) {
        plot.line(history.map(([k, , modes]) => [k, modes / MODES]), "two", 2, [6, 4]);
        plot.line(history.map(([k, quality]) => [k, quality]), "one", 2);
        plot.legend([["modes held of 8", "two"], ["high quality", "one"]]);
      },
    });

    /** Squares that are the darker, the surer the discriminator is that a point is real. */
    function drawLogits(plot) {
      const cells = 24;
      const side = 3.2 / cells;
      const middle = (k) => -1.6 + (k + 0.5) * side;
      const points = [];
      for (let i = 0; i < cells; i++) for (let j = 0; j < cells; j++) points.push([middle(i), middle(j)]);
      const logits = model.logit(points);
      const c = plot.context;
      c.fillStyle = plot.colour("shade");
      points.forEach(([x, y], k) => {
        c.globalAlpha = 0.9 * sigmoid(logits[k]);
        const [left, top] = [plot.toX(x - side / 2), plot.toY(y + side / 2)];
        c.fillRect(left, top, plot.toX(x + side / 2) - left + 0.5, plot.toY(y - side / 2) - top + 0.5);
      });
      c.globalAlpha = 1;
    }

    /** Whether no sample is in the frame any more. */
    const lost = () => !samples.some((point) => point.every((v) => Math.abs(v) < 1.6));

    const modes = stage.reading("modes held");
    const quality = stage.reading("high quality");
    const losses = stage.reading("losses D, G");
    const count = stage.reading("steps");
    const slider = (name, options) =>
      stage.slider({
        ...options,
        value: chosen[name],
        change(value) {
          chosen[name] = value;
          // Noise and penalty may change during a run; the others begin a new one.
          if (name in model.options) model.options[name] = value;
          else begin();
        },
      });
    slider("noise", { label: "instance noise", min: 0, max: 0.5, step: 0.05, digits: 2 });
    slider("r1", { label: "R1 weight", min: 0, max: 1, step: 0.05, digits: 2 });
    slider("beta", { label: "Adam's β₁", min: 0, max: 0.9, step: 0.1, digits: 1 });
    stage.choice({
      label: "learning rate",
      options: ["0.002", "0.0005", "0.005", "0.01"],
      change(rate) {
        chosen.rate = Number(rate);
        begin();
      },
    });
    const runner = stage.runner({
      ...{ perSecond: front ? 150 : 60, burst: front ? 600 : 200 },
      step() {
        last = model.step();
        if (model.count() % 10 === 0) judge();
      },
      restart() {
        chosen.seed += 1;
        restart();
      },
      finished: () => model.count() >= MOST,
      draw: update,
    });

    /** The score of a thousand samples. */
    function judge() {
      samples = model.sample(1000);
      const found = model.coverage(samples);
      history.push([model.count(), found.quality, found.modes]);
      samples = samples.slice(0, 400);
    }

    function restart() {
      const { seed, rate, beta, noise, r1 } = chosen;
      const game = { rates: [rate, rate], betas: [beta, 0.999], noise, r1 };
      model = create({ seed, ...(front ? quick : game) });
      history = [];
      last = null;
      judge();
    }

    function begin() {
      runner.pause();
      restart();
      update();
    }

    function update() {
      const [, share, held] = history[history.length - 1];
      modes.set(`${held} of ${MODES}${lost() ? ", diverged" : ""}`);
      quality.set(`${(100 * share).toFixed(1)} % (at best 98.9 %)`);
      losses.set(last ? `${last.discriminator.toFixed(2)}, ${last.generator.toFixed(2)}` : "–");
      count.set(String(model.count()));
      curve.limits.x = [0, Math.max(1000, 500 * Math.ceil(model.count() / 500))];
      plane.draw();
      curve.draw();
    }

    restart();
    return { update, model: () => model };
  }

  define("gan-ring", { create, show });
})();
