"""Colours and matplotlib defaults of the book.

Figures keep an opaque white ground, so that they read the same on a light and on a dark page.
"""

import matplotlib.pyplot as plt
from cycler import cycler
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
    """Set matplotlib's defaults for the whole book; the set-up cell of a chapter calls it.

    >>> style()
    >>> plt.rcParams["axes.spines.top"]
    False
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": 110,
            "savefig.dpi": 110,
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.labelsize": 10,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": QUIET,
            "xtick.color": QUIET,
            "ytick.color": QUIET,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.8,
            "lines.linewidth": 1.8,
            "axes.prop_cycle": cycler(color=list(PALETTE)),
        }
    )
