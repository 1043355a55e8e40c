"""What a page must be, seen in the browser: each check gives one line a problem.

All of them look at the page as it is rendered, with every fold open.
"""

from __future__ import annotations

from typing import Any

_HELPERS = """
const name = (e) => {
    const label = e.id ? "#" + e.id : (typeof e.className === "string" && e.className.trim())
        ? "." + e.className.trim().split(/\\s+/).slice(0, 2).join(".") : "";
    const text = (e.textContent || "").trim().replace(/\\s+/g, " ").slice(0, 60);
    return `<${e.tagName.toLowerCase()}${label}> ${text}`;
};
const shown = (e) => e.checkVisibility({visibilityProperty: true})
    && e.getBoundingClientRect().width > 0;
const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
const scroller = (e) => {  // the nearest box around an element in which it can be scrolled
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (scrolls(p)) return p;
    return null;
};
const vector = (image) => /[.]svg$|^data:image.svg/.test(image.currentSrc);
const about = (image) => image.alt.slice(0, 80);
const article = document.querySelector("article") || document.querySelector("main");
const offScreen = (e) => e.closest(
    "mjx-assistive-mml, mjx-container, svg, script, style, .visually-hidden, .headerlink")
    || [e, e.closest("thead")].some((p) => p && getComputedStyle(p).clipPath === "inset(50%)");
"""

_FORMULAS = """() => {
    const found = [];
    for (const e of document.querySelectorAll(".math")) {
        const set = e.querySelectorAll("mjx-container");
        if (!set.length) found.push("formula is not set: " + name(e));
        for (const box of set) {
            const r = box.getBoundingClientRect();
            if (r.width < 1 || r.height < 1) found.push("formula has no size: " + name(e));
        }
    }
    const bad = "mjx-merror, [data-mjx-error], mjx-mtext[style*='color: red']";
    for (const e of document.querySelectorAll(bad))
        found.push("formula has an error: " + (e.dataset.mjxError || name(e)));
    const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    const skip = "pre, code, script, style, textarea, mjx-container, .math";
    while (walk.nextNode()) {
        const text = walk.currentNode.data;
        if (/\\$\\$|\\\\\\(|\\\\\\[|\\\\begin\\{|\\\\(frac|mathbb|log|theta)\\b/.test(text)
            && !walk.currentNode.parentElement.closest(skip))
            found.push("formula is shown as text: " + text.trim().slice(0, 80));
    }
    return found;
}"""

_WIDTH = """() => {
    const root = document.scrollingElement, found = [];
    if (root.scrollWidth <= root.clientWidth) return found;
    found.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth} px`);
    for (const e of document.querySelectorAll("body *"))
        if (shown(e) && e.getBoundingClientRect().right > root.clientWidth + 1 && !scroller(e))
            found.push("too wide: " + name(e));
    return found.slice(0, 6);
}"""

_CLIPPED = """(wide) => {
    const found = [], edge = article.getBoundingClientRect();
    for (const e of article.querySelectorAll("*")) {
        if (!shown(e) || offScreen(e)) continue;
        const r = e.getBoundingClientRect(), style = getComputedStyle(e), box = scroller(e);
        if (!box && (r.right > edge.right + 1.5 || r.left < edge.left - 1.5))
            found.push("sticks out of the text's column: " + name(e));
        if (["hidden", "clip"].includes(style.overflowX) && style.overflowY !== "auto"
            && e.scrollWidth > e.clientWidth + 1)
            found.push("is cut at the right: " + name(e));
        if (style.overflowY === "hidden" && e.scrollHeight > e.clientHeight + 4
            && !e.querySelector("mjx-container"))
            found.push("is cut at the bottom: " + name(e));
    }
    for (const e of article.querySelectorAll("mjx-container > mjx-math")) {
        const box = e.closest("div.math") || e.parentElement, left = e.getBoundingClientRect().left;
        if (shown(e) && box.scrollLeft === 0 && e.parentElement.scrollLeft === 0
            && left < box.getBoundingClientRect().left - 2)
            found.push("formula begins outside its box: " + name(box));
    }
    if (wide)  // room enough for all code and all formulas of the book without scrolling
        for (const e of article.querySelectorAll("pre, div.math mjx-container"))
            if (shown(e) && e.scrollWidth > e.clientWidth + 1)
                found.push("must be scrolled in a wide window: " + name(e));
    return [...new Set(found)];
}"""

_BUTTONS_FIT = """() => {
    const found = [], width = document.documentElement.clientWidth;
    for (const e of document.querySelectorAll("header button, header a.btn, header a.nav-link")) {
        const r = e.getBoundingClientRect();
        if (shown(e) && (r.right > width + 1 || r.left < -1))
            found.push("button is outside the window: " + name(e));
    }
    return found;
}"""

_IMAGES = """() => {
    const found = [];
    for (const e of document.querySelectorAll("img")) {
        const label = "picture " + e.getAttribute("src").split("/").pop();
        if (!(e.getAttribute("alt") || "").trim()) found.push(label + " has no alt text");
        if (!e.complete || !e.naturalWidth) found.push(label + " was not loaded");
        else if (article.contains(e) && shown(e)) {
            const r = e.getBoundingClientRect();
            const natural = e.naturalWidth / e.naturalHeight;
            if (r.width < 40) found.push(`${label} is only ${r.width} px wide`);
            // A figure of 110 pixels an inch has letters of 15 pixels: six are left at 0.4.
            if (!e.closest(".sd-card") && r.width / e.naturalWidth < 0.4)
                found.push(`${label} is shrunk to ${r.width} of ${e.naturalWidth} px`);
            const stretched = getComputedStyle(e).objectFit === "fill";
            if (stretched && Math.abs(r.width / r.height / natural - 1) > 0.03)
                found.push(label + " is distorted");
        }
    }
    for (const e of article.querySelectorAll("figcaption"))
        if (!(e.querySelector(".caption-text") || e).textContent.trim().replace("#", ""))
            found.push("empty caption below " + name(e.parentElement));
    return found;
}"""

#: Each figure is painted small, as it is seen: its border must be the page, with ink inside.
_GROUNDS = """() => {
    const found = [], canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    const ink = canvas.getContext("2d", {willReadFrequently: true});
    for (const e of article.querySelectorAll("img")) {
        if (!e.naturalWidth || !shown(e)) continue;
        let ground = "rgb(255, 255, 255)";
        for (let p = e; p; p = p.parentElement) {
            const colour = getComputedStyle(p).backgroundColor;
            if (!/^rgba\\(.*, 0\\)$|transparent/.test(colour)) { ground = colour; break; }
        }
        const lightness = () => {
            const data = ink.getImageData(0, 0, 64, 64).data, light = [];
            for (let i = 0; i < data.length; i += 4)
                light.push((0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2]) / 255);
            return light;
        };
        ink.filter = "none";
        ink.fillStyle = ground;
        ink.fillRect(0, 0, 64, 64);
        const page = lightness()[0];
        ink.filter = getComputedStyle(e).filter;
        ink.drawImage(e, 0, 0, 64, 64);
        const light = lightness();
        const border = light.filter((_, i) => i < 64 || i >= 4032 || i % 64 === 0 || i % 64 === 63);
        border.sort((a, b) => a - b);
        const label = "picture " + e.getAttribute("src").split("/").pop();
        if (Math.abs(border[border.length >> 1] - page) > 0.3)
            found.push(label + " has a ground of its own");
        if (Math.max(...light) - Math.min(...light) < 0.2) found.push(label + " shows nothing");
    }
    return found;
}"""

#: Contrast as the Web Content Accessibility Guidelines define it; 4.5 is their level AA.
_CONTRAST = """(least) => {
    const parse = (c) => {  // "rgb(255 0 0)" and, from a mixture, "color(srgb 1 0 0)"
        const n = (c.match(/[\\d.]+/g) || []).map(Number);
        return c.startsWith("color(") ? n.map((v, i) => i < 3 ? 255 * v : v) : n;
    };
    const lum = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const grounds = new Map();
    const ground = (e) => {
        if (!e) return [255, 255, 255];
        if (!grounds.has(e)) {
            const c = parse(getComputedStyle(e).backgroundColor);
            const alpha = c.length === 4 ? c[3] : 1;
            const below = alpha < 1 ? ground(e.parentElement) : c;
            grounds.set(e, [0, 1, 2].map((i) => alpha * c[i] + (1 - alpha) * below[i]));
        }
        return grounds.get(e);
    };
    const found = new Map(), walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !shown(e)) continue;
        if (e.closest(".headerlink, mjx-assistive-mml, script, style, .sd-stretched-link"))
            continue;
        const style = getComputedStyle(e), below = ground(e), c = parse(style.color);
        const alpha = (c.length === 4 ? c[3] : 1) * Number(style.opacity);
        const above = [0, 1, 2].map((i) => alpha * c[i] + (1 - alpha) * below[i]);
        const [low, high] = [lum(above), lum(below)].sort((x, y) => x - y);
        const ratio = (high + 0.05) / (low + 0.05);
        const key = `${style.color} on rgb(${below.map(Math.round)})`;
        if (ratio < least && !found.has(key))
            found.set(key, `text with contrast ${ratio.toFixed(1)} (${key}): ${name(e)}`);
    }
    return [...found.values()];
}"""

_EQUATIONS = """async () => {
    const found = [], seen = new Map(), pages = new Map();
    const number = (e) => (e?.querySelector(".eqno")?.firstChild?.textContent || "").trim();
    for (const e of document.querySelectorAll("div.math[id^='equation-']")) {
        const n = number(e);
        if (!/^\\(\\d+(\\.\\d+)*\\)$/.test(n)) found.push(`${e.id} has no number`);
        else if (seen.has(n)) found.push(`${e.id} and ${seen.get(n)} are both ${n}`);
        seen.set(n, e.id);
    }
    const load = (path) => {
        if (!pages.has(path)) pages.set(path, fetch(path).then((r) => r.text()).then(
            (text) => new DOMParser().parseFromString(text, "text/html")));
        return pages.get(path);
    };
    for (const a of document.querySelectorAll("main a.reference.internal[href*='#']")) {
        const to = new URL(a.href), id = decodeURIComponent(to.hash.slice(1));
        if (!id || to.origin !== location.origin) continue;
        const page = to.pathname === location.pathname ? document : await load(to.pathname);
        const target = page.getElementById(id);
        if (!target) { found.push(`no such place: ${a.getAttribute("href")}`); continue; }
        if (target.matches(".math") && number(target) !== a.textContent.trim())
            found.push(`"${a.textContent}" points to ${id}, which is ${number(target)}`);
        if (a.querySelector(".std-numref")) {
            const wanted = target.querySelector(".caption-number")?.textContent.trim();
            if (wanted !== a.textContent.trim())
                found.push(`"${a.textContent}" points to ${id}, which is ${wanted}`);
        }
    }
    for (const a of document.querySelectorAll("main .xref, main .problematic"))
        if (!a.closest("a")) found.push("reference is not resolved: " + name(a));
    return found;
}"""


_PLAYERS = """async () => {
    const found = [];
    for (const player of document.querySelectorAll("audio")) {
        const label = player.getAttribute("aria-label");
        if (!label) found.push("an audio player has no label");
        if (player.preload === "none") found.push(`sound ${label} shows no length`);
        const state = await new Promise(done => {
            player.addEventListener("loadedmetadata", () => done("loaded"));
            player.addEventListener("error", () => done("failed"));
            setTimeout(() => done("silent"), 20000);
            player.preload = "auto";
            player.load();
        });
        if (state !== "loaded") found.push(`sound ${label} cannot be played: ${state}`);
        else if (!(player.duration > 0.05)) found.push(`sound ${label} lasts ${player.duration} s`);
    }
    return found;
}"""

_LETTERS = """async (least) => {
    const found = [];
    for (const image of article.querySelectorAll("img:not(.sd-card-img-top)")) {
        if (!vector(image) || !shown(image)) continue;
        const text = await (await fetch(image.currentSrc)).text();
        const width = /viewBox="0 0 ([0-9.]+) /.exec(text);
        if (!width) continue;
        const scale = image.getBoundingClientRect().width / width[1];
        // matplotlib draws a letter of n points at n hundredths of its outline.
        const sizes = [...text.matchAll(/scale[(]([0-9.]+) -[0-9.]+[)]/g)].map((m) => 100 * m[1]);
        const smallest = Math.min(...sizes) * scale;
        if (smallest < least)
            found.push(`letters of ${smallest.toFixed(1)} px in a figure: ${about(image)}`);
    }
    return found;
}"""

_FIGURE_GROUNDS = """() => {
    const found = [];
    for (const image of article.querySelectorAll("figure img")) {
        if (!vector(image)) found.push("a figure is no drawing: " + about(image));
        const ground = getComputedStyle(image).backgroundColor;
        if (!/, 0[)]$/.test(ground)) found.push(`a figure stands on ${ground}: ${about(image)}`);
    }
    return found;
}"""


def _ask(page: Any, script: str, *arguments: Any) -> list[str]:
    """Run a script with the helpers in scope."""
    outer = f"(argument) => {{ {_HELPERS}; return ({script})(argument); }}"
    return list(page.evaluate(outer, *arguments))


def formulas(page: Any) -> list[str]:
    """Formulas that are not set, have no size or an error, or are left as text."""
    return _ask(page, _FORMULAS)


def page_width(page: Any) -> list[str]:
    """A page that must be scrolled sideways, and what makes it so wide."""
    return _ask(page, _WIDTH)


def clipped(page: Any) -> list[str]:
    """What sticks out of its column or is cut off, in the text and in the bar above it."""
    wide = page.viewport_size["width"] >= 1200
    return _ask(page, _CLIPPED, wide) + _ask(page, _BUTTONS_FIT)


def images(page: Any) -> list[str]:
    """Pictures that are missing, tiny, distorted or without alt text, and empty captions."""
    return _ask(page, _IMAGES)


def letters(page: Any, least: float = 9.0) -> list[str]:
    """Letters in figures that are smaller on the screen than so many pixels."""
    return _ask(page, _LETTERS, least)


def figure_grounds(page: Any) -> list[str]:
    """Figures that are pictures of pixels, or have a ground of their own."""
    return _ask(page, _FIGURE_GROUNDS)


def players(page: Any) -> list[str]:
    """Audio players without a label, or with a sound that cannot be decoded or lasts no time."""
    return _ask(page, _PLAYERS)


def grounds(page: Any) -> list[str]:
    """Figures on a dark ground, or without any contrast."""
    return _ask(page, _GROUNDS)


def contrast(page: Any, least: float = 4.5) -> list[str]:
    """Text that is too close to the colour of its ground."""
    return _ask(page, _CONTRAST, least)


def references(page: Any) -> list[str]:
    """Equations without a number of their own, and references that lead elsewhere than they say."""
    return _ask(page, _EQUATIONS)
