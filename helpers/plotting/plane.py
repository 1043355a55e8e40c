"""Densities and samples in the plane."""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from torch import Tensor

from helpers.checks import check_shape
from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import DENSITY_COLOURS, INK, PALETTE, axes

Limits = tuple[float, float, float, float]


def density_2d(
    density: Callable[[Tensor], Tensor] | Array,
    *,
    limits: Limits = (-3.0, 3.0, -3.0, 3.0),
    resolution: int = 200,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """A density in the plane, from its logarithm; white is zero.

    Args:
        density: log p as a function of points (B, 2) → (B,), or its values on a grid (R, S) whose
            rows run along the second axis from below, columns along the first from the left.
        limits: left, right, bottom, top.
        resolution: points along each axis, where `density` is a function.
        ax: where to draw; a new square figure by default.
        title: shown above.
    """
    grid = _evaluate(density, limits, resolution) if callable(density) else density
    log_p = as_array("density", grid, allow_minus_inf=True)
    ax = _plane(ax, title)
    p = np.exp(log_p - log_p.max()) if np.isfinite(log_p.max()) else np.zeros_like(log_p)
    ax.imshow(
        p, extent=limits, origin="lower", cmap=DENSITY_COLOURS, vmin=0, interpolation="bilinear"
    )
    ax.set(xlim=limits[:2], ylim=limits[2:], autoscale_on=False)  # samples on top keep to it
    return ax


def samples_2d(
    x: Array,
    *,
    labels: Array | None = None,
    size: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Points (N, 2) in the plane, coloured by class; each class carries its number at its median.

    Args:
        x: the points.
        labels: classes (N,), integers; more than the palette has take colours from a long map.
        size: area of a point in square points; by default it falls with N.
        ax: where to draw; a new square figure by default.
        title: shown above.
    """
    points = as_array("x", x, ("N", 2))
    ax = _plane(ax, title)
    size = float(np.clip(4000 / len(points), 2, 20)) if size is None else size
    dots: dict[str, Any] = {"s": size, "alpha": 0.7, "linewidths": 0}
    if labels is None:
        ax.scatter(*points.T, color=PALETTE[1], **dots)
        return ax
    classes = as_array("labels", labels).astype(int)
    present = np.unique(classes)
    few = len(present) <= len(PALETTE)
    shades = 0.85 * plt.get_cmap("turbo")(np.linspace(0.03, 0.97, len(present)))[:, :3]  # (K, 3)
    for i, k in enumerate(present):
        member = points[classes == k]
        ax.scatter(*member.T, color=PALETTE[i] if few else shades[i], **dots)
        name = ax.annotate(str(k), np.median(member, axis=0), ha="center", va="center", color=INK)
        name.set(fontsize=11, fontweight="bold")
        name.set_path_effects([withStroke(linewidth=3, foreground="white")])
    return ax


def _plane(ax: Axes | None, title: str | None) -> Axes:
    ax = axes(ax, title, (4.2, 4.2))
    ax.grid(False)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return ax


def _evaluate(log_prob: Callable[[Tensor], Tensor], limits: Limits, resolution: int) -> Tensor:
    """The logarithm of the density at the middle of each pixel, a few thousand points at a time."""
    left, right, bottom, top = limits
    middle = (torch.arange(resolution, dtype=torch.get_default_dtype()) + 0.5) / resolution
    x, y = left + (right - left) * middle, bottom + (top - bottom) * middle
    points = torch.cartesian_prod(y, x).flip(1)  # (R², 2), row by row
    with torch.no_grad():
        log_p = torch.cat([log_prob(part) for part in torch.split(points, 4096)])
    check_shape("density's values", log_p, points.shape[:1], hint="one for each point")
    return log_p.reshape(resolution, resolution)
