"""Pen strokes on paper."""

import numpy as np
from matplotlib.axes import Axes

from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import INK, axes


def strokes(
    x: Array,
    *,
    length: int | None = None,
    ax: Axes | None = None,
    colour: str = INK,
    points: bool = False,
    title: str | None = None,
) -> Axes:
    """The lines that a pen draws; where it is lifted the paper stays white.

    Args:
        x: (T, 3), offsets and 1 where the pen leaves the paper after the step, else 0.
        length: draw only so many steps; all by default.
        ax: where to draw; a new figure by default.
        colour: of the ink.
        points: mark each step by a dot.
        title: shown above.
    """
    drawn = as_array("x", x, ("T", 3))
    ax = axes(ax, title)
    drawn = drawn[:length]
    places = drawn[:, :2].cumsum(0)
    for part in np.split(places, np.flatnonzero(drawn[:, 2] > 0.5) + 1):
        if len(part):
            marker = "." if points or np.ptp(part, 0).max() < 0.05 else None
            ax.plot(*part.T, color=colour, marker=marker, markersize=3, solid_capstyle="round")
    ax.set_aspect("equal")
    ax.axis("off")
    return ax
