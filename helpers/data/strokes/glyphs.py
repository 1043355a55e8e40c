"""Pen strokes of letters, found in a font: fill the outline, thin it to a line, follow the line."""

from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from helpers.checks import check_option

FONT = "cmss10.ttf"  # comes with matplotlib, and its middle lines look written
LETTERS = "abcdefghijklmnopqrstuvwxyz"

HEIGHT = 56  # pixels of the square on which a font is designed
X_HEIGHT = 0.431  # of the letter x, in that square
LOOK_AHEAD = 5  # pixels over which the direction of a line is measured
SHORTEST = 4  # pixels: what is shorter is a spur that the thinning left

Pixel = tuple[int, int]
Stroke = NDArray[np.float64]


@cache
def glyph(letter: str) -> tuple[Stroke, ...]:
    """The strokes of one letter, in the order and the direction in which they are drawn.

    Returns:
        Strokes (P, 2), P at least 2: x to the right from the left edge of the ink, y up from the
        base line, in units of the x-height. A dot is a stroke of two equal points.

    >>> glyph("l")[0][[0, -1], 1].round(1)  # from the top down to the base line
    array([1.5, 0.1])

    Taught in: applications/handwriting
    """
    check_option("letter", letter, LETTERS)
    strokes = trace(thin(fill(letter)))
    smooth = [_smooth(np.array(stroke, dtype=float)[:, ::-1]) for stroke in strokes]
    left = min(stroke[:, 0].min() for stroke in smooth)
    origin = np.array([left, HEIGHT // 2 - 0.5])  # the base line is half a square above row 0
    return tuple((stroke - origin) / (HEIGHT * X_HEIGHT) for stroke in smooth)


def fill(letter: str) -> NDArray[np.bool_]:
    """The pixels whose centres an odd number of the outline's curves goes round, row 0 lowest."""
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FONT
    outline = TextPath((0, 0), letter, size=HEIGHT, prop=FontProperties(fname=str(file)))
    rows, columns = np.divmod(np.arange(4 * HEIGHT**2), 2 * HEIGHT)
    centres = np.stack([columns, rows], 1) - HEIGHT // 2 + 0.5
    ink = np.zeros(len(rows), dtype=bool)
    for curve in outline.to_polygons(closed_only=True):
        ink ^= Outline(curve).contains_points(centres)
    return ink.reshape(2 * HEIGHT, 2 * HEIGHT)


def thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Peel pixels off the rim until lines of width one are left, with the same connections.

    A pixel may go if it has 2 to 6 neighbours of ink which form a single run around it, so that
    nothing is cut in two and no loose end is eaten. Two half-steps peel opposite sides in turn.

    Reference: Zhang and Suen 1984, Communications of the ACM 27(3).

    >>> thin(np.ones((3, 9), dtype=bool)).astype(int).sum(1)  # a bar becomes a line
    array([0, 6, 0])
    """
    image: Any = np.pad(ink, 1).astype(np.int8)
    around = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
    while True:
        before = image.sum()
        for first, second in (([0, 2, 4], [2, 4, 6]), ([0, 2, 6], [0, 4, 6])):
            ring = np.stack([np.roll(image, shift, (0, 1)) for shift in around])
            neighbours = ring.sum(0)
            runs = ((ring == 0) & (np.roll(ring, -1, 0) == 1)).sum(0)
            rim = ~ring[first].all(0) & ~ring[second].all(0)
            image[(neighbours >= 2) & (neighbours <= 6) & (runs == 1) & rim] = 0
        if image.sum() == before:
            return np.asarray(image[1:-1, 1:-1] == 1)


def trace(lines: NDArray[np.bool_]) -> list[list[Pixel]]:
    """Follow lines of width one with a pen that goes as straight as it can and never twice.

    A stroke starts at the loose end that is furthest to the left and up (anywhere to the left on a
    closed curve), takes the straightest branch at each crossing, and ends where nothing is left to
    follow; then the pen goes to the next start. Every step between two pixels is drawn once.

    Returns:
        Strokes as lists of (row, column). An isolated pixel is given twice: a dot.
    """
    links = _links(lines)
    strokes = [[pixel, pixel] for pixel in links if not links[pixel]]
    while any(links.values()):
        loose = [pixel for pixel in links if len(links[pixel]) % 2]
        start = min(
            loose or [pixel for pixel in links if links[pixel]],
            key=lambda pixel: (pixel[1] - 0.6 * pixel[0], pixel),
        )
        path = [start]
        while links[path[-1]]:
            following = _straightest(links, path)
            links[path[-1]].discard(following)
            links[following].discard(path[-1])
            path.append(following)
        if len(path) > SHORTEST:
            strokes.append(path)
    return strokes


def _links(lines: NDArray[np.bool_]) -> dict[Pixel, set[Pixel]]:
    """Which pixels touch: by a side, or by a corner where no pixel touches both by a side."""
    pixels = {(int(row), int(column)) for row, column in np.argwhere(lines)}
    links: dict[Pixel, set[Pixel]] = {pixel: set() for pixel in sorted(pixels)}
    for here, (down, right) in product(links, product((-1, 0, 1), repeat=2)):
        other = (here[0] + down, here[1] + right)
        between = {(other[0], here[1]), (here[0], other[1])} - {here, other}
        if other != here and other in pixels and not between & pixels:
            links[here].add(other)
    return links


def _straightest(links: dict[Pixel, set[Pixel]], path: list[Pixel]) -> Pixel:
    """The branch at the end of the path whose next few pixels turn least."""
    here, options = path[-1], sorted(links[path[-1]])
    if len(path) == 1:
        return options[0]
    before = np.subtract(here, path[-1 - LOOK_AHEAD :][0])

    def cosine(branch: Pixel) -> float:
        previous, current = here, branch
        for _ in range(LOOK_AHEAD - 1):
            onward = links[current] - {previous, here}
            if len(onward) != 1:
                break
            previous, current = current, next(iter(onward))
        after = np.subtract(current, here)
        return float(before @ after / (np.linalg.norm(before) * np.linalg.norm(after) + 1e-9))

    return max(options, key=cosine)


def _smooth(path: Stroke, width: int = 7) -> Stroke:
    """Take the staircase of the pixels out of a path; its ends stay where they are."""
    if len(path) <= width:
        return path
    padded = np.pad(path, ((width // 2, width // 2), (0, 0)), mode="edge")
    mean = np.full(width, 1 / width)
    smooth = np.stack([np.convolve(padded[:, i], mean, "valid") for i in (0, 1)], 1)
    smooth[[0, -1]] = path[[0, -1]]
    return smooth
