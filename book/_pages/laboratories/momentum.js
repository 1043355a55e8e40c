/* Gradient descent with momentum on a parabola with a steep and a flat direction. */

"use strict";

(() => {
  const { define } = laboratory;

  /** Spectral radius of heavy ball on the curvature λ: roots of r² - (1 + β - αλ) r + β. */
  function radius(rate, curvature, momentum) {
    const trace = 1 + momentum - rate * curvature;
    const discriminant = trace * trace - 4 * momentum;
    if (discriminant < 0) return Math.sqrt(momentum);
    return (Math.abs(trace) + Math.sqrt(discriminant)) / 2;
  }

  /** settings: {curvatures, rate, momentum, start}. The loss is ½ Σ λᵢ θᵢ². */
  function create({ curvatures = [0.1, 1], rate = 1, momentum = 0, start = [-9, 2] } = {}) {
    const model = {
      ...{ curvatures, rate, momentum, start },
      step() {
        const now = this.path[this.path.length - 1];
        this.velocity = this.velocity.map((v, i) => this.momentum * v + curvatures[i] * now[i]);
        this.path.push(now.map((x, i) => x - this.rate * this.velocity[i]));
        this.losses.push(this.loss(this.path[this.path.length - 1]));
      },
      loss: (theta) => curvatures.reduce((sum, c, i) => sum + 0.5 * c * theta[i] ** 2, 0),
      restart() {
        this.path = [[...this.start]];
        this.velocity = curvatures.map(() => 0);
        this.losses = [this.loss(this.start)];
      },
      numbers() {
        return {
          path: this.path,
          losses: this.losses,
          threshold: (2 * (1 + this.momentum)) / Math.max(...curvatures),
          radius: Math.max(...curvatures.map((c) => radius(this.rate, c, this.momentum))),
        };
      },
    };
    model.restart();
    return model;
  }

  function show(stage) {
    const model = create({ rate: 1.9, momentum: 0 });
    const MOST = 100; // steps

    const plane = stage.plot({
      label: "Contours of the loss and the path of the iterates",
      x: [-11, 11],
      y: [-4, 4],
      xLabel: "θ₁ (flat)",
      yLabel: "θ₂ (steep)",
      draw(plot) {
        for (const level of [0.1, 0.5, 1.5, 3, 5, 8]) {
          const ring = Array.from({ length: 121 }, (_, k) => {
            const angle = (2 * Math.PI * k) / 120;
            const [flat, steep] = model.curvatures.map((c) => Math.sqrt((2 * level) / c));
            return [flat * Math.cos(angle), steep * Math.sin(angle)];
          });
          plot.line(ring, "grid", 1.2);
        }
        plot.line(model.path, "one", 1.5);
        plot.dots(model.path, "one", 2.5);
        plot.dots([[0, 0]], "ink", 4);
        plot.dots([model.path[model.path.length - 1]], "two", 6);
      },
      drag: (point) => begin(point),
      dragHelp: "Drag, or use the arrow keys, to choose where the path starts.",
      keyStep: [0.5, 0.25],
      place: () => model.start,
    });
    const curve = stage.plot({
      label: "Loss over the steps, logarithmic",
      x: [0, MOST],
      y: [-8, 4],
      powers: true,
      xLabel: "step",
      yLabel: "loss",
      draw(plot) {
        const points = model.losses.map((loss, k) => [k, Math.log10(Math.max(loss, 1e-30))]);
        plot.line(points, "one", 2);
        plot.dots([points[points.length - 1]], "two", 5);
      },
    });

    const threshold = stage.reading("threshold 2(1 + β)/L");
    const factor = stage.reading("spectral radius");
    const loss = stage.reading("loss");
    const count = stage.reading("steps");
    stage.slider({
      ...{ label: "step size α", min: 0.05, max: 4, step: 0.05, value: model.rate, digits: 2 },
      change: (value) => {
        model.rate = value;
        begin(model.start);
      },
    });
    stage.slider({
      ...{ label: "momentum β", min: 0, max: 0.98, step: 0.02, value: 0, digits: 2 },
      change: (value) => {
        model.momentum = value;
        begin(model.start);
      },
    });
    const runner = stage.runner({
      ...{ perSecond: 12, burst: MOST },
      step: () => model.step(),
      restart: () => model.restart(),
      finished: () => model.path.length > MOST || model.losses[model.losses.length - 1] > 1e12,
      draw: update,
    });

    function begin(start) {
      runner.pause();
      model.start = start;
      model.restart();
      update();
    }

    function update() {
      const now = model.numbers();
      const verdict = model.rate < now.threshold ? "below" : "at or past";
      threshold.set(`${now.threshold.toFixed(2)}, α is ${verdict} it`);
      factor.set(now.radius.toFixed(4));
      loss.set(now.losses[now.losses.length - 1].toExponential(2));
      count.set(String(now.path.length - 1));
      plane.draw();
      curve.draw();
    }
    return { update, model };
  }

  define("momentum", { create, show });
})();
