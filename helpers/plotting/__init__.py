"""Figures of the book: every function takes arrays or tensors, draws on Axes and returns them;
`players` makes sound.

>>> from helpers.plotting import PALETTE, curves, image_grid, style
"""

from helpers.plotting.curves import curves
from helpers.plotting.diagram import diagram
from helpers.plotting.images import image_grid
from helpers.plotting.plane import density_2d, samples_2d
from helpers.plotting.player import players
from helpers.plotting.strokes import strokes
from helpers.plotting.style import PALETTE, style
from helpers.plotting.table import table
