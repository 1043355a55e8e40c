r"""Curves over training time or any other axis."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from sklearn.isotonic import isotonic_regression

from helpers.checks import argument_error
from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import INK, QUIET


def curves(
    values: Mapping[str, Array] | Array,
    *,
    x: Array | None = None,
    ax: Axes | None = None,
    xlabel: str = "epoch",
    ylabel: str = "",
    title: str | None = None,
    references: Mapping[str, float] | None = None,
    standard_errors: Mapping[str, Array] | None = None,
) -> Axes:
    r"""Named curves over a common axis, with horizontal references and bands of standard error.

    Args:
        values: name to a sequence (T,), as ``training.fit`` returns it; or one sequence.
        x: positions (T,); by default 1, 2, …, T.
        ax: where to draw; a new figure by default.
        xlabel: what is along the axis, with its unit.
        ylabel: what is drawn, with its unit.
        title: shown above.
        references: text to a height: dashed lines such as a computed floor or a published figure.
        standard_errors: name to a sequence (T,): a band of one standard error on both sides.

    Returns:
        The axes.

    Raises:
        ValueError: no curve, a sequence of the wrong shape, or errors for an unknown curve.

    >>> ax = curves({"train": [3.0, 2.0, 1.5]}, ylabel="nats", references={"entropy": 1.2})
    >>> plt.close(ax.figure)
    """
    named = values if isinstance(values, Mapping) else {"": values}
    if not named:
        raise argument_error("values", "hold at least one curve", "none")
    drawn = {name: as_array(f"values[{name!r}]", curve) for name, curve in named.items()}
    length = len(x) if x is not None else max(curve.size for curve in drawn.values())
    positions = np.arange(1, length + 1) if x is None else as_array("x", x)
    errors = {
        name: as_array(f"standard_errors[{name!r}]", error)
        for name, error in (standard_errors or {}).items()
    }
    for name in errors:
        if name not in drawn:
            raise argument_error("standard_errors", f"name curves among {list(drawn)}", repr(name))
    for kind, group in (("values", drawn), ("standard_errors", errors)):
        for name, sequence in group.items():
            argument = f"{kind}[{name!r}]" if name else kind
            if sequence.size == 0:
                raise argument_error(argument, "hold at least one value", "none")
            if sequence.shape != (length,):
                raise argument_error(argument, f"have shape ({length},)", sequence.shape)
    if references:
        as_array("references", list(references.values()))
    if ax is None:
        _, ax = plt.subplots()
    for name, curve in drawn.items():
        marker = "o" if length == 1 else None
        (line,) = ax.plot(positions, curve, label=name or None, marker=marker)
        if name in errors:
            low, high = curve - errors[name], curve + errors[name]
            ax.fill_between(positions, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    if references:
        _draw_references(ax, references)
    if any(drawn):
        ax.legend()
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if title:
        ax.set_title(title)
    return ax


def _draw_references(ax: Axes, references: Mapping[str, float]) -> None:
    """Dashed lines with their names in the right margin, moved apart where they would overlap."""
    texts = sorted(references, key=lambda text: references[text])
    for text in texts:
        ax.axhline(references[text], color=QUIET, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
    heights = np.array([references[text] for text in texts], dtype=float)
    points = ax.transData.transform([(0.0, height) for height in heights])[:, 1]
    points = points * 72 / ax.figure.dpi  # from pixels
    gaps = 12.0 * np.arange(len(texts))  # points between two lines of text
    shifts = isotonic_regression(points - gaps) + gaps - points  # least squares, in this order
    for text, height, shift in zip(texts, heights, shifts):
        ax.annotate(
            text,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(5, shift),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
