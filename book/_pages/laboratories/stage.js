/* What a laboratory shows: plots on canvases, sliders, choices, buttons, readings.

   Nothing starts by itself. Everything can be done with mouse, finger and keyboard; who asked the
   system for less motion gets many steps at one press and no animation. Colours come from the
   style sheet laboratories.css, so that they follow the page from light to dark. */

"use strict";

(() => {
  const CALM = matchMedia("(prefers-reduced-motion: reduce)");

  /** An element with attributes and children. */
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  /** Round values for about so many ticks of an axis: 1, 2 or 5 times a power of ten apart. */
  function ticks([low, high], wanted) {
    const raw = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
      found.push(Math.round(k * step * 1e9) / 1e9);
    }
    return found;
  }

  const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

  /* A plot: axes in data coordinates on a canvas that is as wide as its column ------------------ */
  class Plot {
    constructor(options) {
      this.options = options;
      this.limits = { x: options.x, y: options.y };
      this.canvas = element("canvas", { role: "img", "aria-label": options.label });
      const shape = ["square", "wide", "bare"].filter((name) => options[name]);
      this.box = element("div", { class: ["laboratory-plot", ...shape].join(" ") }, this.canvas);
      if (options.drag) this.makeDraggable();
    }

    /** From data coordinates to pixels. */
    toX = (x) => this.left + ((x - this.limits.x[0]) / (this.limits.x[1] - this.limits.x[0])) * this.width;
    toY = (y) => this.top + ((this.limits.y[1] - y) / (this.limits.y[1] - this.limits.y[0])) * this.height;

    colour(name) {
      return this.style.getPropertyValue(`--laboratory-${name}`).trim();
    }

    draw() {
      const { clientWidth: full, clientHeight: tall } = this.box;
      if (!full) return; // inside of something folded
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(full * ratio);
      this.canvas.height = Math.round(tall * ratio);
      this.style = getComputedStyle(this.box);
      const bare = this.options.bare;
      [this.left, this.top] = bare ? [1, 1] : [52, 12];
      this.width = full - this.left - (bare ? 1 : 18);
      this.height = tall - this.top - (bare ? 1 : 40);
      this.context = this.canvas.getContext("2d");
      this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.context.clearRect(0, 0, full, tall);
      this.context.font = `12px ${this.style.fontFamily}`;
      if (!bare) this.axes();
      this.context.save();
      this.context.beginPath();
      this.context.rect(this.left, this.top, this.width, this.height);
      this.context.clip(); // what leaves the axes is not drawn
      this.options.draw(this);
      this.context.restore();
    }

    axes() {
      const { context: c } = this;
      c.lineWidth = 1;
      c.strokeStyle = this.colour("grid");
      c.fillStyle = this.colour("ink");
      c.textAlign = "center";
      c.textBaseline = "top";
      const bottom = this.top + this.height;
      for (const x of this.options.xTicks || ticks(this.limits.x, Math.max(3, this.width / 70))) {
        this.stroke([[this.toX(x), bottom], [this.toX(x), bottom + 4]]);
        c.fillText(String(x), this.toX(x), bottom + 6);
      }
      c.fillText(this.options.xLabel || "", this.left + this.width / 2, bottom + 23);
      c.textAlign = "right";
      c.textBaseline = "middle";
      for (const y of ticks(this.limits.y, Math.max(2, this.height / 35))) {
        this.stroke([[this.left, this.toY(y)], [this.left + this.width, this.toY(y)]]);
        const power = `10${String(y).replace(/[-\d]/g, (d) => SUPERSCRIPTS[d])}`;
        c.fillText(this.options.powers ? power : String(y), this.left - 6, this.toY(y));
      }
      c.save();
      c.translate(10, this.top + this.height / 2);
      c.rotate(-Math.PI / 2);
      c.textAlign = "center";
      c.fillText(this.options.yLabel || "", 0, 0);
      c.restore();
      c.strokeRect(this.left, this.top, this.width, this.height);
    }

    /** A line through pixels. */
    stroke(points) {
      this.context.beginPath();
      points.forEach(([x, y], k) => (k ? this.context.lineTo(x, y) : this.context.moveTo(x, y)));
      this.context.stroke();
    }

    /** A line through data points. */
    line(points, colour, width = 1.5, dash = []) {
      this.context.strokeStyle = this.colour(colour);
      this.context.lineWidth = width;
      this.context.setLineDash(dash);
      // A canvas draws nothing of a line that ends too far outside.
      const near = (v) => Math.max(-1e5, Math.min(1e5, v));
      this.stroke(points.map(([x, y]) => [near(this.toX(x)), near(this.toY(y))]));
      this.context.setLineDash([]);
    }

    /** The area between data points and zero. */
    area(points, colour) {
      const c = this.context;
      c.fillStyle = this.colour(colour);
      c.beginPath();
      c.moveTo(this.toX(points[0][0]), this.toY(0));
      for (const [x, y] of points) c.lineTo(this.toX(x), this.toY(y));
      c.lineTo(this.toX(points[points.length - 1][0]), this.toY(0));
      c.fill();
    }

    dots(points, colour, radius, { open = false, alpha = 1 } = {}) {
      const c = this.context;
      c.globalAlpha = alpha;
      c.fillStyle = c.strokeStyle = this.colour(colour);
      c.lineWidth = 1.5;
      for (const [x, y] of points) {
        c.beginPath();
        c.arc(this.toX(x), this.toY(y), radius, 0, 2 * Math.PI);
        if (open) c.stroke();
        else c.fill();
      }
      c.globalAlpha = 1;
    }

    /** An arrow from a data point along a move in data coordinates. */
    arrow([x, y], [u, v], colour) {
      const c = this.context;
      const [x0, y0, x1, y1] = [this.toX(x), this.toY(y), this.toX(x + u), this.toY(y + v)];
      const angle = Math.atan2(y1 - y0, x1 - x0);
      const head = Math.min(5, Math.hypot(x1 - x0, y1 - y0));
      c.strokeStyle = this.colour(colour);
      c.lineWidth = 1.2;
      this.stroke([[x0, y0], [x1, y1]]);
      for (const side of [-2.6, 2.6]) {
        this.stroke([[x1, y1], [x1 + head * Math.cos(angle + side), y1 + head * Math.sin(angle + side)]]);
      }
    }

    /** A bar from zero to y, in data coordinates. */
    bar(x, y, width, colour) {
      this.context.fillStyle = this.colour(colour);
      const [left, right] = [this.toX(x - width / 2), this.toX(x + width / 2)];
      this.context.fillRect(left, this.toY(y), right - left, this.toY(0) - this.toY(y));
    }

    text(words, [x, y], colour = "ink", align = "center") {
      const c = this.context;
      c.fillStyle = this.colour(colour);
      c.textAlign = align;
      c.textBaseline = "middle";
      c.fillText(words, this.toX(x), this.toY(y));
    }

    /** Lines of a legend in the upper right corner: [words, colour]. */
    legend(lines) {
      const c = this.context;
      c.textAlign = "right";
      c.textBaseline = "middle";
      const right = this.left + this.width - 8;
      lines.forEach(([words, colour], k) => {
        c.fillStyle = this.colour("ink");
        c.fillText(words, right - 18, this.top + 14 + 17 * k);
        c.fillStyle = this.colour(colour);
        c.fillRect(right - 12, this.top + 9 + 17 * k, 12, 10);
      });
    }

    /** Squares of a picture (rows of numbers from 0 to 1): ink on the paper of the page. */
    picture(rows) {
      const dark = document.documentElement.dataset.theme === "dark";
      const [paper, ink] = dark ? [18, 237] : [255, 0]; // as the filter of figures has it
      const side = Math.min(this.width, this.height) / rows.length;
      rows.forEach((row, r) =>
        row.forEach((value, k) => {
          const grey = Math.round(paper + (ink - paper) * Math.max(0, Math.min(1, value)));
          this.context.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
          this.context.fillRect(this.left + k * side, this.top + r * side, side + 0.5, side + 0.5);
        }),
      );
    }

    /** Pointer and arrow keys call `drag` with a data point. */
    makeDraggable() {
      const { drag, dragHelp, keyStep, place, label } = this.options;
      const { canvas } = this;
      canvas.setAttribute("tabindex", "0");
      canvas.setAttribute("role", "application");
      canvas.setAttribute("aria-label", `${label}. ${dragHelp}`);
      canvas.setAttribute("title", dragHelp);
      canvas.style.touchAction = keyStep[1] ? "none" : "pan-y";
      const clamp = (v, [low, high]) => Math.max(low, Math.min(high, v));
      const inside = ([x, y]) => [clamp(x, this.limits.x), clamp(y, this.limits.y)];
      const follow = (event) => {
        const edge = canvas.getBoundingClientRect();
        const across = (event.clientX - edge.left - this.left) / this.width;
        const down = (event.clientY - edge.top - this.top) / this.height;
        const [x0, x1] = this.limits.x;
        const [y0, y1] = this.limits.y;
        drag(inside([x0 + across * (x1 - x0), y1 - down * (y1 - y0)]));
      };
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        follow(event);
      });
      canvas.addEventListener("pointermove", (event) => event.buttons && follow(event));
      canvas.addEventListener("keydown", (event) => {
        const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
        const move = moves[event.key];
        if (!move || (move[1] && !keyStep[1])) return;
        event.preventDefault();
        const many = event.shiftKey ? 5 : 1;
        drag(inside(place().map((v, i) => v + many * move[i] * keyStep[i])));
      });
    }
  }

  /* The stage: what `show(stage, data)` of a laboratory gets to build with ----------------------- */
  class Stage {
    constructor(figure) {
      this.figure = figure;
      this.drawn = [];
      this.plots = element("div", { class: "laboratory-plots" });
      this.controls = element("div", { class: "laboratory-controls" });
      this.buttons = element("div", { class: "laboratory-buttons" });
      this.readings = element("div", { class: "laboratory-readings" });
      this.status = element("p", { class: "laboratory-status", role: "status" });
    }

    plot(options) {
      const plot = new Plot(options);
      this.drawn.push(plot);
      this.plots.append(plot.box);
      return plot;
    }

    /** A slider with its label and its value in words. */
    slider({ label, min, max, step, value, digits, change }) {
      const input = element("input", { type: "range", min, max, step, value });
      const shown = element("b"); // an output here would take the label from the slider
      const set = (next) => {
        input.value = next;
        shown.textContent = Number(next).toFixed(digits);
        input.setAttribute("aria-valuetext", shown.textContent);
      };
      input.addEventListener("input", () => {
        set(input.value);
        change(Number(input.value));
      });
      set(value);
      this.controls.append(element("label", {}, element("span", {}, `${label} `, shown), input));
      return { set, enable: (on) => (input.disabled = !on) };
    }

    /** A list to choose one of. */
    choice({ label, options, change }) {
      const select = element("select", {}, ...options.map((o) => element("option", {}, o)));
      select.addEventListener("change", () => change(select.value));
      this.controls.append(element("label", {}, element("span", {}, label), select));
      return select;
    }

    button(words, action) {
      const button = element("button", { type: "button" }, words);
      button.addEventListener("click", action);
      this.buttons.append(button);
      return button;
    }

    /** A number to read, with its name. */
    reading(label) {
      const value = element("b");
      this.readings.append(element("span", {}, `${label}: `, value));
      return { set: (words) => (value.textContent = words) };
    }

    /** A line of running text. */
    paper(label) {
      const box = element("p", { class: "laboratory-paper", "aria-label": label, role: "group" });
      this.readings.before(box);
      return { set: (words) => (box.textContent = words) };
    }

    /** Tell readers of the screen where a run stopped. */
    announce() {
      this.status.textContent = [...this.readings.children].map((r) => r.textContent).join("; ");
    }

    /** Buttons that run, step and restart a model.

        `starts` are the buttons that run, each with what to do first; without it there is one,
        "Run". A run takes `perSecond` steps a second, or, where motion is not wanted, `burst`
        steps at a press. It pauses when the figure leaves the screen. */
    runner({ starts = [["Run", null]], step, restart, draw, perSecond, burst, finished = () => false }) {
      let active = null; // the button that was pressed
      let owed = 0; // steps that time has made due
      let last = 0;
      const buttons = starts.map(([words, before]) => {
        const button = this.button(words, () => {
          if (active === button) return pause();
          pause();
          if (before) before();
          if (CALM.matches) {
            for (let k = 0; k < burst && !finished(); k++) step();
            draw();
            return this.announce();
          }
          active = button;
          last = performance.now();
          label();
          return requestAnimationFrame(frame);
        });
        return button;
      });

      const label = () =>
        buttons.forEach((button, k) => {
          const words = CALM.matches ? `${starts[k][0]}: ${burst} steps` : starts[k][0];
          button.textContent = active === button ? "Pause" : words;
        });
      const frame = (now) => {
        if (!active) return;
        owed = Math.min(owed + ((now - last) / 1000) * perSecond, 8);
        last = now;
        const stop = performance.now() + 40; // a slow machine takes fewer steps, and stays usable
        while (owed >= 1 && performance.now() < stop && !finished()) {
          step();
          owed -= 1;
        }
        draw();
        if (finished()) pause();
        else requestAnimationFrame(frame);
      };
      const pause = () => {
        if (active) this.announce();
        active = null;
        label();
      };
      this.button("Step", () => {
        pause();
        if (!finished()) step();
        draw();
        this.announce();
      });
      this.button("Restart", () => {
        pause();
        restart();
        draw();
      });
      CALM.addEventListener("change", pause);
      new IntersectionObserver(([seen]) => seen.isIntersecting || pause()).observe(this.figure);
      label();
      return { pause };
    }

    /** Put everything in the place of the static picture. */
    open(name, data) {
      const place = this.figure.querySelector(".laboratory-stage");
      place.replaceChildren(this.plots, this.controls, this.buttons, this.readings, this.status);
      const shown = laboratory.known[name].show(this, data);
      shown.update();
      const redraw = () => this.drawn.forEach((plot) => plot.draw());
      new ResizeObserver(redraw).observe(this.plots);
      const theme = { attributes: true, attributeFilter: ["data-theme"] };
      new MutationObserver(redraw).observe(document.documentElement, theme);
      this.figure.laboratory = shown; // for the console and the tests
    }
  }

  /** Open all laboratories of the page. */
  function open() {
    for (const figure of document.querySelectorAll("figure[data-laboratory]")) {
      const data = figure.querySelector("script[type='application/json']");
      new Stage(figure).open(figure.dataset.laboratory, data && JSON.parse(data.textContent));
    }
  }

  // The scripts of the laboratories stand behind this one and have all been read by then.
  document.addEventListener("DOMContentLoaded", open);
})();
