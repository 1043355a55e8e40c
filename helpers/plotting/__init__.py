"""Figures of the book: every function takes arrays or tensors, draws on Axes and returns them;
`players` makes sound.

>>> from helpers.plotting import PALETTE, curves, image_grid, style
"""

from helpers.plotting.curves import curves as curves
from helpers.plotting.images import image_grid as image_grid
from helpers.plotting.plane import density_2d as density_2d
from helpers.plotting.plane import samples_2d as samples_2d
from helpers.plotting.player import players as players
from helpers.plotting.strokes import strokes as strokes
from helpers.plotting.style import PALETTE as PALETTE
from helpers.plotting.style import style as style
