"""Sheets of images."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from helpers.checks import argument_error, check_counts
from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import FRAME, axes

GAP = 2  # pixels between two images


def image_grid(
    images: Array,
    *,
    columns: int | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> Axes:
    """Images side by side, row by row, with thin gaps between them.

    Args:
        images: (N, H, W) or (N, 1, H, W), drawn as ink on paper: 0 is white and 1 is black; or
            (N, 3, H, W), colours. Values outside [0, 1] are clipped.
        columns: images in a row; by default the grid is about square.
        ax: where to draw; a new figure of fitting size by default.
        title: shown above.
        row_labels: one text for each row, shown at the left.
        column_labels: one text for each column, shown above it.
    """
    x = as_array("images", images)
    x = x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        expected = "have shape (N, H, W), (N, 1, H, W) or (N, 3, H, W)"
        raise argument_error("images", expected, tuple(np.shape(images)))
    n, channels, height, width = x.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    check_counts(columns=columns)
    rows = math.ceil(n / columns)

    colours = np.clip(x, 0, 1).transpose(0, 2, 3, 1)  # (N, H, W, C)
    colours = 1 - colours if channels == 1 else colours  # ink
    scale = math.ceil(28 / min(height, width))  # small images: gaps thinner than a pixel
    colours = colours.repeat(scale, axis=1).repeat(scale, axis=2)
    step_y, step_x = height * scale + GAP, width * scale + GAP
    sheet = np.ones((rows * step_y + GAP, columns * step_x + GAP, 3))  # white where nothing is
    for i, colour in enumerate(colours):
        y0, x0 = i // columns * step_y, i % columns * step_x
        sheet[y0 : y0 + step_y + GAP, x0 : x0 + step_x + GAP] = to_rgb(FRAME)
        sheet[y0 + GAP : y0 + step_y, x0 + GAP : x0 + step_x] = colour
    cell = min(0.8, 6.4 / columns)  # inches
    ax = axes(ax, title, (columns * cell + 0.3, rows * cell * height / width + 0.3))
    ax.imshow(sheet, interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_xticks((np.arange(columns) + 0.5) * step_x if column_labels else [], column_labels)
    ax.set_yticks((np.arange(rows) + 0.5) * step_y if row_labels else [], row_labels)
    ax.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    return ax
