/* The latent plane of a VAE of 8×8 digits: each point of the plane has a picture. */

"use strict";

(() => {
  const { Network, define, fromRows, softmax, unpack } = laboratory;
  const SIDE = 8;
  const LEVELS = 17; // grey levels 0 to 16 of a pixel

  /** settings: {decoder: packed weights and biases}. */
  function create({ decoder }) {
    const tensors = decoder.map(unpack);
    const widths = [tensors[0][0].length, ...tensors.filter((_, k) => k % 2).map((b) => b.length)];
    const network = new Network(widths, "relu").load(tensors);
    return {
      /** Expected levels in [0, 1], as rows of pixels. The network's outputs are logits, first all
          pixels of level 0, then all of level 1, and so on. */
      decode(z) {
        const logits = network.forward(fromRows([z])).data;
        const pixel = (d) => {
          const own = Array.from({ length: LEVELS }, (_, v) => logits[v * SIDE * SIDE + d]);
          const mean = softmax(own).reduce((sum, share, v) => sum + v * share, 0);
          return mean / (LEVELS - 1);
        };
        return Array.from({ length: SIDE }, (_, r) =>
          Array.from({ length: SIDE }, (_, c) => pixel(r * SIDE + c)),
        );
      },
    };
  }

  const HUES = ["one", "two", "three", "four", "quiet"];

  function show(stage, data) {
    const model = create(data);
    const places = unpack(data.places);
    const state = { z: [0, 0], digit: "all" };

    const plane = stage.plot({
      label: "Latent plane with the places of 350 digits",
      ...{ x: [-3, 3], y: [-3, 3], square: true, xLabel: "z₁", yLabel: "z₂" },
      draw(plot) {
        places.forEach((place, k) => {
          const digit = Number(data.digits[k]);
          if (state.digit !== "all" && digit !== Number(state.digit)) return;
          plot.text(String(digit), place, HUES[digit % HUES.length]);
        });
        plot.dots([state.z], "two", 9, { open: true });
        plot.dots([state.z], "two", 3);
      },
      drag: (z) => move(z),
      dragHelp: "Drag, or use the arrow keys, to move through the plane.",
      keyStep: [0.1, 0.1],
      place: () => state.z,
    });
    const picture = stage.plot({
      label: "The decoded digit at this place of the plane",
      ...{ x: [0, 8], y: [0, 8], square: true, bare: true },
      draw: (plot) => plot.picture(model.decode(state.z)),
    });
    const sliders = [0, 1].map((i) =>
      stage.slider({
        ...{ label: ["z₁", "z₂"][i], min: -3, max: 3, step: 0.05, value: 0, digits: 2 },
        change: (value) => move(state.z.map((old, j) => (i === j ? value : old))),
      }),
    );
    stage.choice({
      label: "digits shown in the plane",
      options: ["all", ..."0123456789"],
      change(digit) {
        state.digit = digit;
        update();
      },
    });
    const density = stage.reading("prior density");
    const nearest = stage.reading("nearest of the 350 digits");

    function move(z) {
      state.z = z;
      update();
    }

    function update() {
      const [a, b] = state.z;
      sliders.forEach((slider, i) => slider.set(state.z[i]));
      density.set((Math.exp(-0.5 * (a * a + b * b)) / (2 * Math.PI)).toFixed(4));
      const distances = places.map(([x, y]) => Math.hypot(x - a, y - b));
      const least = Math.min(...distances);
      nearest.set(`a ${data.digits[distances.indexOf(least)]}, ${least.toFixed(2)} away`);
      plane.draw();
      picture.draw();
    }
    return { update, model, state };
  }

  define("vae-plane", { create, show });
})();
