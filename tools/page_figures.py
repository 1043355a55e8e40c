"""Figures as the pages show them, made by the kernel that draws them.

In a run for the pages a figure of matplotlib is kept three times: as a PNG for notebooks, as an SVG
for a wide page, and, where that would be too small on a telephone, drawn once more 360 px wide,
its panels below each other. `register` is called in the kernel (`tools.kernel`).
"""

from __future__ import annotations

import base64
import io
import math
import re
import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from PIL import Image

MIME = "application/vnd.book.figure+json"
NARROW = 3.75  # inches; an SVG has 96 px an inch
WIDE = 9.2  # shrunk to a column of 672 px, letters of 9 pt are then 9 px high
_MANY = 4000  # points or segments; more are a picture inside the drawing
_SVG: Any = {"svg.fonttype": "path", "svg.hashsalt": "book", "savefig.facecolor": "none"}


def _heavy(artist: Any) -> bool:
    if isinstance(artist, Collection):
        return max(np.size(artist.get_offsets()) // 2, len(artist.get_paths())) > _MANY
    marked = isinstance(artist, Line2D) and artist.get_marker() not in ("", " ", "None", None)
    return marked and np.size(artist.get_xdata()) > _MANY


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind, bbox_inches="tight", pad_inches=0.03, **options)
    return file.getvalue()


def _light(svg: str) -> str:
    """The same drawing with the pictures inside it in 256 colours: a third of the weight."""

    def smaller(found: re.Match[str]) -> str:
        picture = Image.open(io.BytesIO(base64.b64decode(found[2])))
        file = io.BytesIO()
        picture.convert("RGBA").quantize(256, Image.Quantize.FASTOCTREE).save(file, "PNG")
        fewer = base64.b64encode(file.getvalue()).decode()
        return found[1] + min(fewer, "".join(found[2].split()), key=len)

    return re.sub(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)", smaller, svg)


def _svg(figure: Figure) -> str:
    for artist in figure.findobj(_heavy):
        artist.set_rasterized(True)
    with plt.rc_context(_SVG):
        made = _saved(figure, "svg", dpi=130, transparent=True, metadata={"Date": None})
    return _light(made.decode())


def _columns(figure: Figure, grid: Any, placed: list[tuple[Any, Any]]) -> int:
    """How many panels stand side by side on a telephone: two at least if there are many.

    A grid whose columns have titles only at the top is a table: it stays one.
    """
    titled = {spec.rowspan.start for ax, spec in placed if ax.get_title("left") or ax.get_title()}
    if grid.nrows > 1 and titled == {0}:
        return int(grid.ncols)
    fitting = int(NARROW / (figure.get_figwidth() / grid.ncols))
    columns: int = min(grid.ncols, max(fitting, 1 if len(placed) <= 4 else 2))
    return columns


def _lines(
    placed: list[tuple[Any, Any]], columns: int, heights: Any, growth: float
) -> list[tuple[float, list[tuple[list[Any], bool]]]]:
    """The lines of panels on a telephone: their height, and what shares a place, alone or not."""
    cells: dict[tuple[int, ...], list[Any]] = {}
    for ax, spec in sorted(placed, key=lambda pair: pair[1].num1):
        rows, cols = spec.rowspan, spec.colspan
        cells.setdefault((rows.start, cols.start, rows.stop, cols.stop), []).append(ax)
    lines: list[tuple[float, list[tuple[list[Any], bool]]]] = []
    free = 0
    for (row, left, below, right), panels in cells.items():
        height = heights[row:below].sum()
        if any(ax.get_aspect() != "auto" for ax in panels):
            height *= growth
        whole = right - left > 1
        if whole or free == 0:
            lines.append((height, []))
            free = columns
        lines[-1][1].append((panels, whole))
        lines[-1] = (max(height, lines[-1][0]), lines[-1][1])
        free = 0 if whole else free - 1
    return lines


def _stack(figure: Figure) -> None:
    """Move the panels of a figure below each other, until they are as wide as a telephone."""
    specs = ((ax, ax.get_subplotspec()) for ax in figure.axes)
    placed = [(ax, spec.get_topmost_subplotspec()) for ax, spec in specs if spec is not None]
    grid = placed[0][1].get_gridspec() if placed else None
    if grid is None or any(spec.get_gridspec() is not grid for _, spec in placed):
        height = figure.get_figheight() * max(0.8, NARROW / figure.get_figwidth())
        figure.set_size_inches(NARROW, min(height, figure.get_figheight()))
        return
    columns = _columns(figure, grid, placed)
    growth = NARROW / columns / (figure.get_figwidth() / grid.ncols)
    ratios = np.asarray(grid.get_height_ratios())
    unit = figure.get_figheight() / ratios.sum()
    if columns == grid.ncols:
        round_or_flat = any(ax.get_aspect() != "auto" for ax, _ in placed)
        growth = max(growth, 0.6) if round_or_flat else 1
        figure.set_size_inches(NARROW, figure.get_figheight() * growth)
        return
    lines = _lines(placed, columns, unit * ratios, growth)
    heights = [height for height, _ in lines]
    figure.set_size_inches(NARROW, sum(heights))
    new = GridSpec(len(lines), columns, figure=figure, height_ratios=heights)
    for i, (_, line) in enumerate(lines):
        for j, (panels, whole) in enumerate(line):
            for ax in panels:
                ax.set_subplotspec(new[i, :] if whole else new[i, j])
                if ax.get_shared_x_axes().get_siblings(ax) != [ax] and columns == 1:
                    ax.tick_params(labelbottom=True)
                if ax.get_shared_y_axes().get_siblings(ax) != [ax] and j == 0:
                    ax.tick_params(labelleft=True)


def _break_titles(figure: Figure) -> None:
    for ax in figure.axes:
        width = figure.get_figwidth()
        spec = ax.get_subplotspec()
        if spec is not None:
            width *= len(spec.colspan) / spec.get_gridspec().ncols
        for place in ("left", "center", "right"):
            title = ax.get_title(loc=place)
            if title and "$" not in title:
                letters = math.floor(72 * width / (0.56 * plt.rcParams["axes.titlesize"]))
                ax.set_title("\n".join(textwrap.wrap(title, max(letters, 12))), loc=place)


def bundle(figure: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """The forms of a figure by their MIME types, and the size of the PNG."""
    dpi = figure.get_dpi()
    png = _saved(figure, "png", dpi=2 * dpi, facecolor="white")
    width, height = (int.from_bytes(png[at : at + 4], "big") // 2 for at in (16, 20))
    figure.set_figwidth(min(figure.get_figwidth(), WIDE))
    forms = {"wide": _svg(figure)}
    if figure.get_figwidth() > NARROW:
        _stack(figure)
        _break_titles(figure)
        forms["narrow"] = _svg(figure)
    data = {"image/png": png, MIME: forms, "text/plain": repr(figure)}
    return data, {"image/png": {"width": width, "height": height}}


def register() -> None:
    """Let IPython show figures as `bundle` gives them."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter

    def show(figure: Figure, include: Any = None, exclude: Any = None) -> Any:
        # Matplotlib's own PNG would replace ours, and be drawn last: of the stacked figure.
        formatter.formatters["image/png"].pop(Figure, None)
        return bundle(figure)

    formatter.mimebundle_formatter.for_type(Figure, show)
