"""Diagrams of architectures and processes, drawn from a short description."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Polygon
from matplotlib.path import Path
from matplotlib.text import Text

from helpers.plotting.shapes import Points, beside, corners, dense, loop, outline, outside, route
from helpers.plotting.style import INK, PALETTE, QUIET

#: Each kind of node has a colour and a shape, so that no reader needs the colour.
KINDS = {
    "data": PALETTE[0],  # a rectangle
    "latent": PALETTE[1],  # an ellipse: whatever is hidden
    "network": PALETTE[2],  # rounded corners: whatever is learnt
    "operation": QUIET,  # a hexagon
    "loss": PALETTE[3],  # a parallelogram
    "note": "none",  # text alone
    "point": "none",  # a place where arrows turn or part
}
WIDTH = 3.6  # inches, a phone's column, where letters of 10 points remain readable
GAP, LINE, MARGIN, HEAD = 0.23, 0.15, 0.02, 0.09
CONNECTOR = re.compile(r"(--?|~~?|--?\||\|--?)(>?)")

Node = tuple[str, float, float, str]


class _Arrow(NamedTuple):
    start: str
    connector: str
    head: bool
    end: str
    label: str


def diagram(
    nodes: Mapping[str, Node], arrows: Sequence[str], *, frames: Mapping[str, str] | None = None
) -> Axes:
    """Boxes on a grid and the arrows between them; one unit of the axes is an inch.

    >>> ax = diagram({"z": ("$z$", 0, 0, "latent"), "g": ("$G$", 1, 0, "network"),
    ...               "x": ("$G(z)$", 2, 0, "data")}, ["z -> g -> x : sample"])

    Args:
        nodes: name to (text, column, row, kind), rows from above. Columns are equally far apart, as
            far as the boxes need, and so are rows. Fractions are allowed.
        arrows: chains such as `"x -> f -> z : label"`; the label belongs to the last arrow. `-|>`
            goes sideways and then up or down, `|->` the other way round, `~>` bends to its left, or
            is a loop if it ends where it starts. A doubled sign, `-->`, makes a dashed line, for
            gradients and whatever happens in training only. Without `>` there is no head.
        frames: label to the names that the frame surrounds, `"x f z"`.
    """
    for name, (_, _, _, kind) in nodes.items():
        if kind not in KINDS:
            raise ValueError(f"{name!r} is of kind {kind!r}, not one of {', '.join(KINDS)}")
    steps = [step for arrow in arrows for step in _read(arrow, nodes)]
    figure = plt.figure(figsize=(WIDTH, WIDTH))
    figure.set_layout_engine("none")  # as an argument it would be forgotten at the first saving
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, WIDTH))  # in inches, so that text can be measured
    ax.axis("off")
    texts = {name: _text(ax, words, kind) for name, (words, _, _, kind) in nodes.items()}
    labels = [_text(ax, step.label, "note") for step in steps]
    shapes = {name: outline(nodes[name][3], *_size(text)) for name, text in texts.items()}
    for name, centre in _places(nodes, shapes, steps, [_size(label)[0] for label in labels]):
        shapes[name] += centre
        texts[name].set(x=centre[0], y=centre[1])
        _draw_box(ax, name, nodes[name][3], shapes[name])
        if nodes[name][3] == "point" and sum(name in (a.start, a.end) for a in steps) > 2:
            ax.add_patch(Circle((centre[0], centre[1]), 0.03, color=INK, linewidth=0))
    boxes = [np.stack([shape.min(0), shape.max(0)]) for shape in shapes.values()]
    lines = []
    for words, names in (frames or {}).items():
        _check(names.split(), nodes, words)
        border, box = _frame(ax, words, np.concatenate([shapes[n] for n in names.split()]))
        lines.append(border)
        boxes.append(box)
    paths = [_path(step, shapes) for step in steps]
    for step, path in zip(steps, paths):
        _draw_arrow(ax, path, step)
    drawn = np.concatenate([np.zeros((0, 2)), *lines, *paths])
    _fit(ax, [drawn, *boxes])
    for label, path in zip(labels, paths):
        if label.get_text():
            box = beside(path, _size(label), boxes, drawn, WIDTH - 2 * MARGIN)
            if not len(box):
                raise ValueError(f"no room for the label {label.get_text()!r}: move a node")
            boxes.append(box)
            label.set(x=box[:, 0].mean(), y=box[:, 1].mean())
    _fit(ax, [drawn, *boxes])
    return ax


def _read(arrow: str, nodes: Mapping[str, Node]) -> list[_Arrow]:
    chain, _, label = arrow.partition(" : ")
    words = chain.split()
    _check(words[::2], nodes, arrow)
    found = [CONNECTOR.fullmatch(word) for word in words[1::2]]
    if None in found or len(words) % 2 == 0 or len(words) < 3:
        raise ValueError(f"{arrow!r} is no chain of names and arrows such as 'a -> b : label'")
    steps = [
        _Arrow(start, match[1], bool(match[2]), end, "")
        for start, match, end in zip(words[::2], found, words[2::2])
        if match
    ]
    return [*steps[:-1], steps[-1]._replace(label=label)]


def _check(names: Iterable[str], nodes: Mapping[str, Node], where: str) -> None:
    for name in names:
        if name not in nodes:
            raise ValueError(f"{name!r} in {where!r} is no node; there are {', '.join(nodes)}")


def _text(ax: Axes, words: str, kind: str) -> Text:
    look: dict[str, Any] = {"color": INK, "ha": "center", "va": "center", "zorder": 4}
    look["style"] = "italic" if kind == "note" else "normal"
    size = 12 if "$" in words else 10  # the letters of equations are smaller
    return ax.text(0, 0, words, fontsize=size, math_fontfamily="cm", **look)


def _size(text: Text) -> Points:
    if not text.get_text():
        return np.zeros(2)
    extent = text.get_window_extent()
    return np.maximum([extent.width, extent.height] / np.array(plt.gcf().dpi), [0, LINE])


def _places(
    nodes: Mapping[str, Node],
    shapes: Mapping[str, Points],
    steps: Sequence[_Arrow],
    label_widths: Sequence[float],
) -> list[tuple[str, Points]]:
    """The centres: one distance for all columns, one for all rows, so that no box meets another."""
    half = {name: shape.max(0) for name, shape in shapes.items()}
    at = {name: np.array(node[1:3], dtype=float) for name, node in nodes.items()}
    gap = {frozenset((step.start, step.end)): w + 0.16 for step, w in zip(steps, label_widths)}
    across, down = 0.2, 0.2
    for a, b in combinations(nodes, 2):
        columns, rows = abs(at[a] - at[b])
        if rows < 0.5:
            if columns == 0:
                raise ValueError(f"{a!r} and {b!r} are at one place")
            room = half[a][0] + half[b][0] + max(GAP, gap.get(frozenset((a, b)), 0))
            across = max(across, room / columns)
    for wider in np.arange(across, 0.9, 0.01):  # as wide as the column allows
        x = [at[n][0] * wider + side * half[n][0] for n in nodes for side in (-1, 1)]
        across = wider if np.ptp(x) < WIDTH - 0.3 else across
    for a, b in combinations(nodes, 2):
        columns, rows = abs(at[a] - at[b])
        if rows >= 0.5 and columns * across < half[a][0] + half[b][0]:
            down = max(down, (half[a][1] + half[b][1] + GAP) / rows)
    return [(name, place * [across, -down]) for name, place in at.items()]


def _draw_box(ax: Axes, name: str, kind: str, shape: Points) -> None:
    if kind not in ("note", "point"):
        box = Polygon(shape, closed=True, label=name, linewidth=1.3, zorder=2)
        box.set(facecolor=(KINDS[kind], 0.15), edgecolor=KINDS[kind])
        ax.add_patch(box)


def _frame(ax: Axes, label: str, around: Points) -> tuple[Points, Points]:
    """A rounded frame with its label at the lower right; its border and the label's box."""
    text = _text(ax, label, "note")
    w, h = _size(text)
    (left, bottom), (right, top) = around.min(0) - 0.09, around.max(0) + 0.09
    bottom, right = bottom - h, max(right, left + w + 0.12)
    text.set(x=right - 0.06 - w / 2, y=bottom + 0.04 + h / 2)
    box = FancyBboxPatch((left, bottom), right - left, top - bottom, label="frame", zorder=0)
    box.set_boxstyle("round", pad=0, rounding_size=0.08)
    box.set(fill=False, edgecolor=QUIET, linewidth=1)
    ax.add_patch(box)
    edge = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    written = [(right - 0.06 - w, bottom + 0.04), (right - 0.06, bottom + 0.04 + h)]
    return dense(np.array(edge)), np.array(written)


def _path(step: _Arrow, shapes: Mapping[str, Points]) -> Points:
    """The line of an arrow, from border to border."""
    start, end = shapes[step.start], shapes[step.end]
    if step.start == step.end:
        line = loop(start)
    else:
        centres = [(shape.min(0) + shape.max(0)) / 2 for shape in (start, end)]
        line = route(step.connector, *centres)
    line = outside(outside(line, start)[::-1], end)[::-1]
    for name in set(shapes) - {step.start, step.end}:
        if np.ptp(shapes[name]) and Path(shapes[name]).contains_points(line).any():
            raise ValueError(f"the arrow from {step.start!r} to {step.end!r} runs through {name!r}")
    return line


def _draw_arrow(ax: Axes, path: Points, step: _Arrow) -> None:
    dashed = "--" in step.connector or "~~" in step.connector
    name = f"{step.start} {step.end}"
    if step.head:
        tip = path[-1]
        far = path[np.linalg.norm(path - tip, axis=1) > HEAD]
        along = (tip - far[-1]) / np.linalg.norm(tip - far[-1])
        side, base = 0.4 * HEAD * along[::-1] * [-1, 1], tip - HEAD * along
        head = Polygon(np.stack([tip, base + side, base - side]), label=name, zorder=3)
        head.set(color=INK, linewidth=0)
        ax.add_patch(head)
        path = np.concatenate([far, base[None]])
    (line,) = ax.plot(*corners(path).T, color=INK, linewidth=1.2, label=name, zorder=1)
    line.set_linestyle((0, (3.5, 2.5)) if dashed else "-")


def _fit(ax: Axes, drawn: Sequence[Points]) -> None:
    """Cut the figure to what is drawn."""
    points = np.concatenate(drawn)
    (left, bottom), (right, top) = points.min(0) - MARGIN, points.max(0) + MARGIN
    if right - left > WIDTH + 1e-6:
        raise ValueError(f"{right - left:.2f} inches wide, more than {WIDTH}: use more rows")
    ax.set(xlim=(left, right), ylim=(bottom, top))
    plt.gcf().set_size_inches(right - left, top - bottom)
