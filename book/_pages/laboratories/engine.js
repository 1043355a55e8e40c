/* The numbers of the laboratories: random draws, dense networks with gradients, Adam.

   Plain JavaScript without a build step. Everything is in double precision, so that a test can
   compare each step with PyTorch. A laboratory registers its model with `laboratory.define`;
   `laboratory.create(name, settings)` makes one without drawing anything, which is what the tests
   use. The drawing is in stage.js. */

"use strict";

window.laboratory = (() => {
  /* Random numbers ------------------------------------------------------------------------------
     xoshiro128** 1.1 of Blackman and Vigna (2018): four words of 32 bits, filled from the seed by
     splitmix32. Uniform numbers are (word + 1/2) / 2^32, so 0 and 1 never occur; normal numbers
     come in pairs from the method of Box and Muller. The same seed gives the same run. */
  class Random {
    constructor(seed) {
      let state = seed >>> 0;
      const splitmix = () => {
        state = (state + 0x9e3779b9) >>> 0;
        let z = state;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return (z ^ (z >>> 15)) >>> 0;
      };
      this.words = [splitmix(), splitmix(), splitmix(), splitmix()];
      this.spare = null; // the second normal number of a pair
    }

    /** The next whole number in [0, 2^32). */
    word() {
      const s = this.words;
      const turn = (x, k) => (x << k) | (x >>> (32 - k));
      const result = Math.imul(turn(Math.imul(s[1], 5), 7), 9) >>> 0;
      const t = s[1] << 9;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = turn(s[3], 11);
      return result;
    }

    /** A uniform number in (0, 1). */
    uniform() {
      return (this.word() + 0.5) / 2 ** 32;
    }

    /** A standard normal number. */
    normal() {
      if (this.spare !== null) {
        const kept = this.spare;
        this.spare = null;
        return kept;
      }
      const radius = Math.sqrt(-2 * Math.log(this.uniform()));
      const angle = 2 * Math.PI * this.uniform();
      this.spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    }

    /** A place in a list of probabilities. */
    choose(probabilities) {
      let left = this.uniform();
      let last = 0;
      for (let k = 0; k < probabilities.length; k++) {
        if (probabilities[k] > 0) last = k;
        left -= probabilities[k];
        if (left < 0) return k;
      }
      return last; // rounding left a little over
    }
  }

  /* Matrices ------------------------------------------------------------------------------------
     A batch is a matrix with one example in each row: {rows, cols, data}, row after row. */
  const matrix = (rows, cols) => ({ rows, cols, data: new Float64Array(rows * cols) });

  /** A matrix from a list of rows, and back. */
  const fromRows = (rows) => {
    const made = matrix(rows.length, rows[0].length);
    rows.forEach((row, r) => made.data.set(row, r * made.cols));
    return made;
  };
  const toRows = (m) =>
    Array.from({ length: m.rows }, (_, r) =>
      Array.from(m.data.subarray(r * m.cols, (r + 1) * m.cols)),
    );

  /** Standard normal numbers. */
  const normals = (random, rows, cols) => {
    const made = matrix(rows, cols);
    for (let k = 0; k < made.data.length; k++) made.data[k] = random.normal();
    return made;
  };

  /** x Wᵀ, with W given as (outputs, inputs) as in PyTorch. */
  const timesTransposed = (x, weight) => {
    const y = matrix(x.rows, weight.rows);
    const [xs, ws, ys, n, m] = [x.data, weight.data, y.data, weight.cols, weight.rows];
    for (let b = 0; b < x.rows; b++) {
      for (let o = 0; o < m; o++) {
        let sum = 0;
        for (let i = 0, k = b * n, w = o * n; i < n; i++) sum += xs[k + i] * ws[w + i];
        ys[b * m + o] = sum;
      }
    }
    return y;
  };

  /** y W: what a gradient at the outputs of x Wᵀ is at its inputs. */
  const times = (y, weight) => {
    const x = matrix(y.rows, weight.cols);
    const [xs, ws, ys, n, m] = [x.data, weight.data, y.data, weight.cols, weight.rows];
    for (let b = 0; b < y.rows; b++) {
      for (let o = 0; o < m; o++) {
        const factor = ys[b * m + o];
        for (let i = 0, k = b * n, w = o * n; i < n; i++) xs[k + i] += factor * ws[w + i];
      }
    }
    return x;
  };

  /** Add yᵀ x to a gradient of the shape of the weight. */
  const addOuter = (gradient, y, x) => {
    const [xs, gs, ys, n, m] = [x.data, gradient.data, y.data, gradient.cols, gradient.rows];
    for (let b = 0; b < y.rows; b++) {
      for (let o = 0; o < m; o++) {
        const factor = ys[b * m + o];
        for (let i = 0, k = b * n, w = o * n; i < n; i++) gs[w + i] += factor * xs[k + i];
      }
    }
  };

  /* Dense networks ------------------------------------------------------------------------------
     `slope` is the derivative at the pre-activation a with the value y. */
  const ACTIVATIONS = {
    linear: { value: (a) => a, slope: () => 1 },
    relu: { value: (a) => (a > 0 ? a : 0), slope: (a) => (a > 0 ? 1 : 0) },
    leaky: { value: (a) => (a > 0 ? a : 0.2 * a), slope: (a) => (a > 0 ? 1 : 0.2) },
    tanh: { value: Math.tanh, slope: (a, y) => 1 - y * y },
  };

  /** y = activation(x Wᵀ + b); remembers what the way back needs. */
  class Dense {
    constructor(inputs, outputs, activation, random) {
      this.activation = ACTIVATIONS[activation];
      this.weight = matrix(outputs, inputs);
      this.bias = new Float64Array(outputs);
      this.weightGradient = matrix(outputs, inputs);
      this.biasGradient = new Float64Array(outputs);
      const bound = 1 / Math.sqrt(inputs); // PyTorch's first weights
      const draw = () => bound * (2 * random.uniform() - 1);
      if (random) {
        this.weight.data.forEach((_, k, all) => (all[k] = draw()));
        this.bias.forEach((_, k, all) => (all[k] = draw()));
      }
    }

    forward(x) {
      this.input = x;
      this.before = timesTransposed(x, this.weight);
      this.output = matrix(x.rows, this.weight.rows);
      const n = this.weight.rows;
      for (let k = 0; k < this.before.data.length; k++) {
        this.before.data[k] += this.bias[k % n];
        this.output.data[k] = this.activation.value(this.before.data[k]);
      }
      return this.output;
    }

    /** A gradient at the output, moved in front of the activation. */
    throughActivation(gradient) {
      const moved = matrix(gradient.rows, gradient.cols);
      for (let k = 0; k < moved.data.length; k++) {
        const slope = this.activation.slope(this.before.data[k], this.output.data[k]);
        moved.data[k] = gradient.data[k] * slope;
      }
      return moved;
    }

    /** Adds to the gradients of weight and bias; returns the gradient at the input. */
    backward(gradient) {
      const moved = this.throughActivation(gradient);
      addOuter(this.weightGradient, moved, this.input);
      for (let k = 0; k < moved.data.length; k++) this.biasGradient[k % moved.cols] += moved.data[k];
      return times(moved, this.weight);
    }
  }

  /** Dense layers with an activation between them. */
  class Network {
    constructor(widths, activation, random = null) {
      this.layers = widths.slice(1).map((outputs, k) => {
        const last = k === widths.length - 2;
        return new Dense(widths[k], outputs, last ? "linear" : activation, random);
      });
    }

    /** Weights and biases in PyTorch's order: a list of rows, a list of numbers, and so on. */
    load(tensors) {
      this.layers.forEach((layer, k) => {
        layer.weight.data.set(tensors[2 * k].flat());
        layer.bias.set(tensors[2 * k + 1]);
      });
      return this;
    }

    parameters() {
      return this.layers.flatMap((layer) => [layer.weight.data, layer.bias]);
    }

    gradients() {
      return this.layers.flatMap((layer) => [layer.weightGradient.data, layer.biasGradient]);
    }

    zero() {
      this.gradients().forEach((gradient) => gradient.fill(0));
    }

    forward(x) {
      return this.layers.reduce((y, layer) => layer.forward(y), x);
    }

    /** The gradient at the input; those of the weights are added to `gradients()`. */
    backward(gradient) {
      return this.layers.reduceRight((g, layer) => layer.backward(g), gradient);
    }

    /** Adds the gradient of weight · mean ½‖∇ₓ output‖² at the examples of the last `forward`.

        The penalty "R1". It needs the derivative of a derivative, which is short where activations
        are made of straight pieces: the slopes u of the output behind each layer go backward, and
        the answer v goes forward through the same layers. Returns the penalty. */
    slopePenalty(weight) {
      const layers = this.layers;
      const rows = layers[0].input.rows;
      const behind = []; // u, the slope of the output at each layer's pre-activation
      let slope = matrix(rows, 1);
      slope.data.fill(1);
      for (let k = layers.length - 1; k >= 0; k--) {
        behind[k] = layers[k].throughActivation(slope);
        slope = times(behind[k], layers[k].weight);
      }
      let penalty = 0;
      for (const value of slope.data) penalty += (0.5 * weight * value * value) / rows;
      let answer = matrix(slope.rows, slope.cols);
      slope.data.forEach((value, k) => (answer.data[k] = (weight * value) / rows));
      layers.forEach((layer, k) => {
        addOuter(layer.weightGradient, behind[k], answer);
        answer = layer.throughActivation(timesTransposed(answer, layer.weight));
      });
      return penalty;
    }
  }

  /* Adam (Kingma and Ba, 2014), with PyTorch's defaults ----------------------------------------- */
  class Adam {
    constructor(parameters, rate, { betas = [0.9, 0.999], eps = 1e-8 } = {}) {
      Object.assign(this, { parameters, rate, betas, eps, taken: 0 });
      this.means = parameters.map((p) => new Float64Array(p.length));
      this.squares = parameters.map((p) => new Float64Array(p.length));
    }

    step(gradients) {
      const [beta1, beta2] = this.betas;
      this.taken += 1;
      const rate = this.rate / (1 - beta1 ** this.taken);
      const correction = 1 - beta2 ** this.taken;
      this.parameters.forEach((parameter, p) => {
        const gradient = gradients[p];
        const mean = this.means[p];
        const square = this.squares[p];
        for (let k = 0; k < parameter.length; k++) {
          mean[k] = beta1 * mean[k] + (1 - beta1) * gradient[k];
          square[k] = beta2 * square[k] + (1 - beta2) * gradient[k] * gradient[k];
          parameter[k] -= (rate * mean[k]) / (Math.sqrt(square[k] / correction) + this.eps);
        }
      });
    }
  }

  /* Small functions ----------------------------------------------------------------------------- */
  const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const softmax = (logits) => {
    const top = Math.max(...logits);
    const powers = logits.map((l) => Math.exp(l - top));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => p / total);
  };

  /** Numbers stored as whole numbers of 16 bits in base64, times a scale: {shape, scale, data}. */
  const unpack = ({ shape, scale, data }) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const values = Array.from({ length: bytes.length / 2 }, (_, k) => scale * view.getInt16(2 * k, true));
    if (shape.length === 1) return values;
    return Array.from({ length: shape[0] }, (_, r) => values.slice(r * shape[1], (r + 1) * shape[1]));
  };

  /* Laboratories register here ------------------------------------------------------------------
     `create(settings)` makes the model; `show(stage, data)` builds the page's part (stage.js). */
  const known = {};
  const define = (name, parts) => (known[name] = parts);
  const create = (name, settings) => known[name].create(settings);

  return {
    ...{ Random, Dense, Network, Adam, matrix, fromRows, toRows, normals },
    ...{ sigmoid, softplus, softmax, unpack, known, define, create },
  };
})();
