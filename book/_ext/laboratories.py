"""``{laboratory} NAME``: a figure that computes in the reader's browser, with a static picture.

    ```{laboratory} gan-ring
    Caption, in Markdown.
    ```

The page gets the engine's scripts (book/_pages/laboratories) and that of the laboratory, and no
other page does. What the laboratory starts from stands in the page, from
benchmarks/results/laboratories.json, so that pages work without a server. A reader without
JavaScript sees the picture, which is drawn here from the same file. A new laboratory is an entry
of `LABORATORIES`, a script of its name, and a picture.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from bookext import ROOT
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = ROOT / "benchmarks" / "results" / "laboratories.json"
ENGINE = ("engine.js", "stage.js")

Points = Sequence[Sequence[float]]


class Laboratory(NamedTuple):
    """What the page says before the script has run."""

    title: str
    alt: str
    picture: Callable[[dict[str, Any]], str]


def unpack(packed: dict[str, Any]) -> list[list[float]]:
    """Rows of numbers from 16-bit integers in base64, times a scale; a vector is one row."""
    data = base64.b64decode(packed["data"])
    values = [packed["scale"] * whole for (whole,) in struct.iter_unpack("<h", data)]
    columns = packed["shape"][-1]
    return [values[k : k + columns] for k in range(0, len(values), columns)]


class Drawing:
    """An SVG picture with axes; colours are those of laboratories.css."""

    WIDTH, HEIGHT = 420, 300

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], labels: str, *, ticks: bool = True
    ) -> None:
        self.x, self.y = x, y
        self.parts = [f'<rect x="40" y="10" width="370" height="250" {self._pen("grid")}/>']
        along, up = labels.split("|")
        self.parts += [
            f'<text x="225" y="292" {self._ink("middle")}>{along}</text>',
            f'<text transform="translate(14 135) rotate(-90)" {self._ink("middle")}>{up}</text>',
        ]
        for value in (x[0], (x[0] + x[1]) / 2, x[1]) if ticks else ():
            place = f'x="{self._place((value, y[0]))[0]:.0f}" y="275"'
            self.parts.append(f"<text {place} {self._ink('middle')}>{value:g}</text>")
        for value in y:
            place = f'x="36" y="{self._place((x[0], value))[1] + 4:.0f}"'
            self.parts.append(f"<text {place} {self._ink('end')}>{value:g}</text>")

    def line(self, points: Points, colour: str, dash: str = "") -> None:
        """A line through data points."""
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in map(self._place, points))
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" {self._pen(colour, 1.8)}{dashed}/>')

    def dots(self, points: Points, colour: str, radius: float, *, open_: bool = False) -> None:
        """Filled dots, or rings."""
        style = self._pen(colour) if open_ else f'style="fill:var(--laboratory-{colour})"'
        for a, b in map(self._place, points):
            self.parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}" {style}/>')

    def bars(self, values: Sequence[float], colour: str, width: float) -> None:
        """Bars at 0, 1, 2, …"""
        for k, value in enumerate(values):
            left, top = self._place((k - width / 2, value))
            right, bottom = self._place((k + width / 2, 0))
            size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
            style = f'style="fill:var(--laboratory-{colour})"'
            self.parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" {size} {style}/>')

    def words(self, text: str, point: Sequence[float], colour: str = "ink") -> None:
        """A word at a data point."""
        a, b = self._place(point)
        ink = self._ink("middle", colour)
        self.parts.append(f'<text x="{a:.1f}" y="{b:.1f}" {ink}>{html.escape(text)}</text>')

    def svg(self) -> str:
        """All parts."""
        return "".join(self.parts)

    def _place(self, point: Sequence[float]) -> tuple[float, float]:
        across = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        return 40 + 370 * across, 260 - 250 * up

    @staticmethod
    def _pen(colour: str, width: float = 1) -> str:
        return f'style="fill:none;stroke:var(--laboratory-{colour});stroke-width:{width}"'

    @staticmethod
    def _ink(anchor: str, colour: str = "ink") -> str:
        style = f"fill:var(--laboratory-{colour})"
        return f'font-size="13" text-anchor="{anchor}" style="{style}"'


def dirac_picture(stored: dict[str, Any]) -> str:
    """The path of simultaneous play, from its start outwards."""
    drawing = Drawing((-2.5, 2.5), (-2.5, 2.5), "generator θ|discriminator slope ψ")
    path = unpack(stored["path"])
    drawing.line(path, "one")
    drawing.dots(path, "one", 1.6)
    drawing.dots([path[-1]], "two", 5)
    drawing.dots([(0.0, 0.0)], "ink", 3)
    return drawing.svg()


def momentum_picture(stored: dict[str, Any]) -> str:
    """Two paths in a valley, without and with momentum."""
    drawing = Drawing((-11, 11), (-4, 4), "θ₁ (flat)|θ₂ (steep)")
    for level in (0.5, 1.5, 3, 5):
        turn = [2 * math.pi * k / 60 for k in range(61)]
        flat, steep = math.sqrt(20 * level), math.sqrt(2 * level)
        drawing.line([(flat * math.cos(t), steep * math.sin(t)) for t in turn], "grid")
    for colour, dash, (name, path) in zip(("one", "two"), ("", "6 4"), stored.items()):
        drawing.line(unpack(path), colour, dash)
        drawing.words(name, (-6 if colour == "one" else 5, 3.5), colour)
    drawing.dots([(0.0, 0.0)], "ink", 3)
    return drawing.svg()


def kl_picture(stored: dict[str, Any]) -> str:
    """The target and the best normal density in either direction."""
    drawing = Drawing((-7, 7), (0, 0.8), "x|density")
    drawing.line(unpack(stored["target"]), "quiet")
    drawing.line(unpack(stored["forward"]), "one")
    drawing.line(unpack(stored["reverse"]), "two", "6 4")
    drawing.words("target", (2.3, 0.21), "ink")
    drawing.words("forward", (4.3, 0.12), "one")
    drawing.words("reverse", (-4.6, 0.5), "two")
    return drawing.svg()


def ring_picture(stored: dict[str, Any]) -> str:
    """Samples of a GAN around the eight modes."""
    drawing = Drawing((-1.9, 1.9), (-1.3, 1.3), "x₁|x₂")
    modes = [(math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)) for k in range(8)]
    drawing.dots(modes, "ink", 10, open_=True)
    drawing.dots(unpack(stored["samples"]), "one", 1.8)
    return drawing.svg()


def decoding_picture(stored: dict[str, Any]) -> str:
    """Probabilities of the next letter, before and after the filters."""
    (p,), (q,) = unpack(stored["model"]), unpack(stored["filtered"])
    alphabet = figures()["decoding"]["alphabet"].replace(" ", "␣")
    drawing = Drawing((-1, len(p)), (0, 0.6), "next letter|probability", ticks=False)
    drawing.bars(p, "shade", 0.9)
    drawing.bars(q, "one", 0.5)
    for k, letter in enumerate(alphabet):
        if max(p[k], q[k]) > 0.02:
            drawing.words(letter, (k, max(p[k], q[k]) + 0.015))
    return drawing.svg()


def plane_picture(stored: dict[str, Any]) -> str:
    """Decoded digits at 7 times 7 places of the plane."""
    squares = unpack(stored["squares"])
    sheet = Image.new("L", (63, 63), 255)
    for k, square in enumerate(squares):
        tile = Image.new("L", (8, 8))
        tile.putdata([round(255 * (1 - min(1.0, max(0.0, v)))) for v in square])
        sheet.paste(tile, (9 * (k % 7), 9 * (k // 7)))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    pixels = 'style="image-rendering:pixelated" width="280" height="280" x="70" y="10"'
    return f'<image href="data:image/png;base64,{data}" {pixels}/>'


LABORATORIES = {
    "dirac-gan": Laboratory(
        "A GAN of two numbers, and its field",
        "A path of dots that begins at the right and spirals outwards around the origin.",
        dirac_picture,
    ),
    "gan-ring": Laboratory(
        "A GAN on the ring of eight",
        "Eight rings in a circle, and samples of a generator in and between them.",
        ring_picture,
    ),
    "vae-plane": Laboratory(
        "The latent plane of a VAE",
        "Seven rows of seven digits that change into each other from place to place.",
        plane_picture,
    ),
    "kl-fit": Laboratory(
        "Two directions of one divergence",
        "A density with two hills, a wide normal density over both, and a narrow one over a hill.",
        kl_picture,
    ),
    "momentum": Laboratory(
        "Momentum, below and past its threshold",
        "Contours of a long valley; one path jumps across it at every step, one settles quickly.",
        momentum_picture,
    ),
    "decoding": Laboratory(
        "Temperature, top k and nucleus",
        "Bars over the letters of the alphabet, grey ones and for a few letters longer blue ones.",
        decoding_picture,
    ),
}


@cache
def figures() -> dict[str, Any]:
    """What benchmarks/laboratories.py has found."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    return found


def beginning(name: str) -> str:
    """HTML of a laboratory up to its caption."""
    laboratory = LABORATORIES[name]
    data = json.dumps(figures().get(name), separators=(",", ":"), ensure_ascii=False)
    data = data.replace("</", r"<\/")  # would end the element
    picture = laboratory.picture(figures()["pictures"][name])
    size = f'viewBox="0 0 {Drawing.WIDTH} {Drawing.HEIGHT}"'
    return (
        f'<figure class="laboratory" id="laboratory-{name}" data-laboratory="{name}">'
        f'<p class="laboratory-title">Laboratory: {html.escape(laboratory.title)}</p>'
        f'<div class="laboratory-stage"><svg {size} role="img" '
        f'aria-label="{html.escape(laboratory.alt)}">{picture}</svg></div>'
        f'<script type="application/json">{data}</script>'
        "<noscript><p>This figure computes in your browser once JavaScript is allowed.</p></noscript>"
        "<figcaption>"
    )


class laboratory(nodes.General, nodes.Element):
    """A laboratory; its children are the caption."""


class LaboratoryDirective(SphinxDirective):
    """``{laboratory} NAME`` with a caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Make the node."""
        name = self.arguments[0]
        if name not in LABORATORIES:
            raise self.error(f"no laboratory {name!r}; known: {', '.join(LABORATORIES)}")
        self.assert_has_content()
        self.env.note_dependency(str(RESULTS))
        node = laboratory(name=name)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def visit(translator: Any, node: nodes.Element) -> None:
    """Everything before the caption."""
    translator.body.append(beginning(node["name"]))


def depart(translator: Any, node: nodes.Element) -> None:
    """The end of the caption."""
    translator.body.append("</figcaption></figure>\n")


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """The engine and the scripts of the laboratories that are on this page."""
    names = [node["name"] for node in doctree.findall(laboratory)] if doctree else []
    if names:
        for file in (*ENGINE, *(f"{name}.js" for name in dict.fromkeys(names))):
            app.add_js_file(f"laboratories/{file}", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx; bookext serves the files of book/_pages."""
    app.add_node(laboratory, html=(visit, depart))
    app.add_directive("laboratory", LaboratoryDirective)
    app.add_css_file("laboratories.css")
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
