"""Curves over training time or any other axis."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from sklearn.isotonic import isotonic_regression

from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import INK, QUIET, axes


def curves(
    values: Mapping[str, Array] | Array,
    *,
    x: Array | None = None,
    ax: Axes | None = None,
    xlabel: str = "epoch",
    ylabel: str = "",
    title: str | None = None,
    references: Mapping[str, float] | None = None,
) -> Axes:
    """Named curves over a common axis, with horizontal references.

    Args:
        values: name to a sequence (T,), as `training.fit` returns it; or one sequence.
        x: positions (T,); by default 1, 2, …, T.
        ax: where to draw; a new figure by default.
        xlabel: what is along the axis, with its unit.
        ylabel: what is drawn, with its unit.
        title: shown above.
        references: text to a height: dashed lines such as a computed floor or a published figure.
    """
    named = values if isinstance(values, Mapping) else {"": values}
    drawn = {name: as_array(f"values[{name!r}]", curve) for name, curve in named.items()}
    ax = axes(ax, title)
    for name, curve in drawn.items():
        positions = np.arange(1, len(curve) + 1) if x is None else as_array("x", x)
        ax.plot(positions, curve, label=name or None, marker="o" if len(curve) == 1 else None)
    if any(drawn):
        ax.legend()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if references:
        _draw_references(ax, references)
    return ax


def _draw_references(ax: Axes, references: Mapping[str, float]) -> None:
    """Dashed lines with their names in the right margin, moved apart where they would overlap."""
    texts = sorted(references, key=lambda text: references[text])
    heights = as_array("references", [references[text] for text in texts])
    labels = [
        ax.annotate(
            text,
            (1, height),
            (5, 0),
            ("axes fraction", "data"),
            "offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
        for text, height in zip(texts, heights)
    ]
    for height in heights:
        ax.axhline(height, color=QUIET, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)

    def place_labels(ax: Axes) -> None:
        low, high = sorted(ax.get_ylim())
        inside = (low <= heights) & (heights <= high)
        points = ax.transData.transform([(0.0, height) for height in heights])[:, 1]
        points = points[inside] * 72 / ax.figure.dpi  # from pixels
        gaps = 12.0 * np.arange(len(points))  # points between two lines of text
        for label, visible in zip(labels, inside):
            label.set_visible(visible)  # far outside it would stretch the figure
        if inside.any():
            shifts = isotonic_regression(points - gaps) + gaps - points  # least squares, in order
            for label, shift in zip(np.array(labels)[inside], shifts):
                label.set_position((5, shift))

    place_labels(ax)
    ax.callbacks.connect("ylim_changed", place_labels)
