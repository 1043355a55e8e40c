"""The geometry of diagrams: outlines of boxes, lines between them, free places for labels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2); a box is (2, 2), its lower left and its upper right corner


def outline(kind: str, w: float, h: float) -> Points:
    """The vertices of the shape around a text of this size, about the origin."""
    a, b = w / 2 + 0.08, h / 2 + 0.06
    turn = 2 * np.pi * np.arange(64) / 64
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    if kind == "latent":  # the ellipse that holds the corners of the text
        a, b = 0.64 * w + 0.04, 0.8 * h + 0.04
        return circle * (max(a, b) if a < 1.2 * b else np.array([a, b]))
    if kind == "network":
        return 0.09 * circle + np.sign(np.round(circle, 9)) * (np.array([a, b]) - 0.09)
    if kind == "operation":
        a = w / 2 + b / 2 + 0.03
        x, y = np.array([a, a - b / 2, b / 2 - a, -a, b / 2 - a, a - b / 2]), [0, b, b, 0, -b, -b]
        return np.stack([x, y], 1)
    if kind in ("note", "point"):
        a, b = (w / 2 + 0.02, h / 2) if w else (0.0, 0.0)
    s = 0.25 * b if kind == "loss" else 0.0  # how far the sides lean over
    return np.array([(a + 2 * s, b), (-a, b), (-a - 2 * s, -b), (a, -b)])


def route(connector: str, start: Points, end: Points) -> Points:
    """The line that a connector means, from centre to centre, or from a place around to itself."""
    t = np.linspace(0, 1, 101)[:, None]
    if "~" in connector:
        left = np.array([start[1] - end[1], end[0] - start[0]])
        return dense((1 - t) * start + t * end + 0.8 * t * (1 - t) * left)
    if "|" not in connector:
        return dense(np.stack([start, end]))
    corner = (start[0], end[1]) if connector[0] == "|" else (end[0], start[1])
    return dense(np.stack([start, corner, end]))


def loop(shape: Points) -> Points:
    """A circle that begins and ends inside the shape, at its top."""
    wide, high = np.ptp(shape, axis=0) / 2
    radius, turn = min(0.13, 0.9 * wide), 2 * np.pi * np.linspace(-0.25, 0.75, 101)
    centre = (shape.min(0) + shape.max(0)) / 2 + [0, high + 0.6 * radius]
    return dense(centre + radius * np.stack([np.cos(turn), np.sin(turn)], 1))


def dense(line: Points) -> Points:
    """The same line with a point at least every hundredth of a unit."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.union1d(length, np.linspace(0, length[-1], int(length[-1] / 0.01) + 2))
    return np.stack([np.interp(at, length, line[:, i]) for i in (0, 1)], 1)


def corners(line: Points) -> Points:
    """The points of a line where it changes its direction, and its ends."""
    step = np.diff(line, axis=0)
    turn = np.diff(step / np.linalg.norm(step, axis=1, keepdims=True), axis=0)
    return line[[True, *(abs(turn).max(1) > 1e-6), True]]


def outside(line: Points, shape: Points) -> Points:
    """The line from where it leaves the shape."""
    path = Path(shape)
    if np.ptp(shape) == 0 or not path.contains_point(line[0]):
        return line
    first = int(np.argmin(path.contains_points(line)))
    inside, border = line[first - 1], line[first]
    for _ in range(30):
        middle = (inside + border) / 2
        inside, border = (middle, border) if path.contains_point(middle) else (inside, middle)
    return np.concatenate([border[None], line[first:]])


def beside(
    line: Points, size: Points, boxes: Sequence[Points], lines: Points, width: float
) -> Points:
    """A free box of this size beside the line, near its middle; (0, 2) if there is none."""
    step = np.diff(line, axis=0)
    length = np.cumsum(np.linalg.norm(step, axis=1))
    for share in (0.5, 0.45, 0.55, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9):
        i = int(np.searchsorted(length, share * length[-1]))
        normal = step[i, ::-1] * [-1, 1] / np.linalg.norm(step[i])
        normal *= 1 if normal[1] > 0.3 or (normal[0] > 0 and normal[1] > -0.3) else -1
        for side in (normal, -normal):  # above or to the right first
            centre = line[i] + side * (abs(side) @ size / 2 + 0.05)
            box = np.stack([centre - size / 2, centre + size / 2])
            crossed = ((lines > box[0] - 0.015) & (lines < box[1] + 0.015)).all(1).any()
            covered = any(((b[1] > box[0]) & (b[0] < box[1])).all() for b in boxes)
            wide = np.ptp(np.concatenate([lines, box, *boxes])[:, 0]) > width
            if not (crossed or covered or wide):
                return box
    return np.zeros((0, 2))
