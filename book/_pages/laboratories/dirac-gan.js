/* The Dirac-GAN: the data are the point 0, the generator is the point θ, the logit of D is ψx. */

"use strict";

(() => {
  const { define, sigmoid } = laboratory;

  /** The field that both players descend at (θ, ψ): gradients of their losses.

      Logistic: the generator lowers log σ(-ψθ), the discriminator raises it. Wasserstein: the same
      with -ψθ. R1 adds γψ²/2 to the discriminator's loss. */
  function field([theta, psi], { loss, gamma }) {
    const share = loss === "wasserstein" ? 1 : sigmoid(psi * theta);
    return [-psi * share, theta * share + gamma * psi];
  }

  /** Four ways to take a step of size h from p; `before` is the point before p. */
  const WAYS = {
    simultaneous: (f, p, before, h) => p.map((x, i) => x - h * f(p)[i]),
    alternating: (f, p, before, h) => {
      const theta = p[0] - h * f(p)[0];
      return [theta, p[1] - h * f([theta, p[1]])[1]]; // D answers the move
    },
    extragradient: (f, p, before, h) => {
      const there = f(p.map((x, i) => x - h * f(p)[i]));
      return p.map((x, i) => x - h * there[i]);
    },
    optimistic: (f, p, before, h) => p.map((x, i) => x - 2 * h * f(p)[i] + h * f(before)[i]),
  };

  /** settings: {way, rate, loss, gamma, clip, start}; a clip of 0 is none. */
  function create(settings = {}) {
    const model = {
      ...{ way: "simultaneous", rate: 0.3, loss: "logistic", gamma: 0, clip: 0, start: [1.2, 0] },
      ...settings,
      field(point) {
        return field(point, this);
      },
      step() {
        const now = this.path[this.path.length - 1];
        const before = this.path[Math.max(0, this.path.length - 2)];
        const next = WAYS[this.way]((point) => this.field(point), now, before, this.rate);
        if (this.clip > 0) next[1] = Math.max(-this.clip, Math.min(this.clip, next[1]));
        this.path.push(next);
      },
      restart() {
        this.path = [[...this.start]];
      },
      numbers() {
        return { path: this.path, distances: this.path.map((point) => Math.hypot(...point)) };
      },
    };
    model.restart();
    return model;
  }

  const GAMES = {
    "logistic loss": { loss: "logistic", clip: 0 },
    "logistic loss with R1": { loss: "logistic", clip: 0, r1: true },
    "Wasserstein, slope clipped at 1": { loss: "wasserstein", clip: 1 },
  };

  function show(stage) {
    const model = create();
    const MOST = 400;
    let gamma = 0.5;

    const plane = stage.plot({
      label: "Field of the game and the path of the two players",
      ...{ x: [-2.5, 2.5], y: [-2.5, 2.5], square: true },
      xLabel: "generator θ",
      yLabel: "discriminator slope ψ",
      draw(plot) {
        for (let i = -2.25; i <= 2.3; i += 0.5) {
          for (let j = -2.25; j <= 2.3; j += 0.5) {
            const [u, v] = model.field([i, j]);
            plot.arrow([i, j], [-0.22 * u, -0.22 * v], "quiet");
          }
        }
        plot.dots([[0, 0]], "ink", 4);
        plot.line(model.path, "one", 1.5);
        if (model.path.length < 150) plot.dots(model.path, "one", 2);
        plot.dots([model.path[model.path.length - 1]], "two", 6);
      },
      drag: (point) => begin({ start: point }),
      dragHelp: "Drag, or use the arrow keys, to choose where the players start.",
      keyStep: [0.1, 0.1],
      place: () => model.start,
    });
    const curve = stage.plot({
      label: "Distance from the equilibrium over the steps",
      ...{ x: [0, MOST], y: [0, 3], xLabel: "step", yLabel: "distance from (0, 0)" },
      draw(plot) {
        const points = model.numbers().distances.map((d, k) => [k, d]);
        plot.line(points, "one", 2);
        plot.dots([points[points.length - 1]], "two", 5);
      },
    });

    const distance = stage.reading("distance");
    const place = stage.reading("(θ, ψ)");
    const count = stage.reading("steps");
    stage.choice({
      label: "game",
      options: Object.keys(GAMES),
      change(name) {
        const { r1, ...game } = GAMES[name];
        gammaSlider.enable(Boolean(r1));
        begin({ ...game, gamma: r1 ? gamma : 0 });
      },
    });
    stage.choice({
      label: "way to play",
      options: Object.keys(WAYS),
      change: (way) => begin({ way }),
    });
    stage.slider({
      ...{ label: "step size h", min: 0.02, max: 1, step: 0.02, value: model.rate, digits: 2 },
      change: (rate) => begin({ rate }),
    });
    const gammaSlider = stage.slider({
      ...{ label: "R1 weight γ", min: 0.1, max: 4, step: 0.1, value: gamma, digits: 1 },
      change(value) {
        gamma = value;
        begin({ gamma });
      },
    });
    gammaSlider.enable(false);
    const runner = stage.runner({
      ...{ perSecond: 30, burst: 100 },
      step: () => model.step(),
      restart: () => model.restart(),
      finished: () => model.path.length > MOST,
      draw: update,
    });

    function begin(changes) {
      runner.pause();
      Object.assign(model, changes);
      model.restart();
      update();
    }

    function update() {
      const end = model.path[model.path.length - 1];
      distance.set(Math.hypot(...end).toFixed(3));
      place.set(`(${end.map((v) => v.toFixed(3)).join(", ")})`);
      count.set(String(model.path.length - 1));
      plane.draw();
      curve.draw();
    }
    return { update, model };
  }

  define("dirac-gan", { create, show });
})();
