"""Colours and matplotlib defaults of the book.

In notebooks figures have a white ground. The pages of the book show them without one, and turn
their lightness on a dark page; the hues stay.
"""

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

#: The colours of Okabe and Ito, told apart with every common kind of colour vision. Their yellow is
#: left out: it vanishes on white. The first four also stand out as thin lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#333333"  # text
QUIET = "#8A8A8A"  # references, axes
FRAME = "#D8D8D8"  # between images

#: White where the density is zero, so that samples on top of it stay visible.
DENSITY_COLOURS = LinearSegmentedColormap.from_list(
    "density", ["#FFFFFF", "#C9DDF0", "#7FB2DA", "#2E7EBB", "#0B4F8A", "#062A4E"]
)


def style() -> None:
    """Set matplotlib's defaults for the whole book; the set-up cell of a chapter calls it."""
    plt.rc("figure", figsize=(6.4, 3.6), dpi=110, facecolor="white")
    plt.rc("figure.constrained_layout", use=True)
    plt.rc("savefig", dpi=110, facecolor="white")
    plt.rc("text", color=INK)
    plt.rc("axes", facecolor="white", edgecolor=QUIET, labelcolor=INK, labelsize=10)
    plt.rc("axes", titlesize=11, titlelocation="left", titlepad=8, axisbelow=True, grid=True)
    plt.rc("axes", prop_cycle=cycler(color=list(PALETTE)))
    plt.rc("axes.spines", top=False, right=False)
    plt.rc("xtick", color=QUIET, labelcolor=INK, labelsize=9)
    plt.rc("ytick", color=QUIET, labelcolor=INK, labelsize=9)
    plt.rc("legend", fontsize=9, frameon=False)
    plt.rc("grid", color="#E6E6E6", linewidth=0.8)
    plt.rc("lines", linewidth=1.8)


def axes(ax: Axes | None, title: str | None, size: tuple[float, float] | None = None) -> Axes:
    """The axes to draw on, those of a new figure by default, with their title."""
    if ax is None:
        _, ax = plt.subplots(figsize=size)
    if title:
        ax.set_title(title)
    return ax
