r"""Densities and samples in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_positive
from helpers.plotting.arrays import Array, as_array
from helpers.plotting.style import DENSITY_COLOURS, INK, PALETTE


def density_2d(
    density: Callable[[Tensor], Tensor] | Array,
    *,
    limits: tuple[float, float, float, float] = (-3.0, 3.0, -3.0, 3.0),
    resolution: int = 200,
    device: torch.device | str = "cpu",
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    r"""A density in the plane, from its logarithm; white is zero.

    Args:
        density: log p as a function of points (B, 2) → (B,), or its values on a grid (R, S) whose
            rows run along the second axis from below, columns along the first from the left.
        limits: left, right, bottom, top.
        resolution: points along each axis, where `density` is a function.
        device: where the function wants its points.
        ax: where to draw; a new square figure by default.
        title: shown above.

    Returns:
        The axes.

    Raises:
        ValueError: limits in the wrong order, a grid or a result of the wrong shape, NaN or +inf.

    >>> normal = torch.distributions.Normal(torch.zeros(2), 1.0)
    >>> ax = density_2d(lambda x: normal.log_prob(x).sum(-1), resolution=50)
    >>> plt.close(ax.figure)
    """
    left, right, bottom, top = limits
    if not (left < right and bottom < top):
        raise argument_error("limits", "be (left, right, bottom, top) in this order", limits)
    if callable(density):
        check_at_least("resolution", resolution, 2)
        log_p = _evaluate(density, limits, resolution, device)
    else:
        log_p = as_array("density", density, allow_minus_inf=True)
        if log_p.ndim != 2 or 0 in log_p.shape:
            raise argument_error("density", "be a function or have shape (R, S)", log_p.shape)
    if ax is None:
        _, ax = plt.subplots(figsize=(4.2, 4.2))
    p = np.exp(log_p - log_p.max()) if np.isfinite(log_p.max()) else np.zeros_like(log_p)
    ax.imshow(
        p, extent=limits, origin="lower", cmap=DENSITY_COLOURS, vmin=0, interpolation="bilinear"
    )
    ax.set(xlim=(left, right), ylim=(bottom, top), autoscale_on=False)  # samples on top keep to it
    return _plane(ax, title)


def samples_2d(
    x: Array,
    *,
    labels: Array | None = None,
    names: Sequence[str] | None = None,
    size: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    r"""Points in the plane, coloured by class; each class carries its name at its median.

    Args:
        x: points (N, 2).
        labels: classes (N,), integers; more than the palette has take colours from a long map.
        names: text of the classes 0, 1, …; by default the integers.
        size: area of a point in square points; by default it falls with N.
        ax: where to draw; a new square figure by default.
        title: shown above.

    Returns:
        The axes.

    Raises:
        ValueError: wrong shapes, no points, values that are not finite, or too few names.

    >>> ax = samples_2d(torch.randn(50, 2), labels=torch.arange(50) % 2)
    >>> plt.close(ax.figure)
    """
    points = as_array("x", x)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise argument_error("x", "have shape (N, 2) with N of at least 1", points.shape)
    if size is None:
        size = float(np.clip(4000 / len(points), 2, 20))
    check_positive("size", size)
    if ax is None:
        _, ax = plt.subplots(figsize=(4.2, 4.2))
    dots: dict[str, Any] = {"s": size, "alpha": 0.7, "linewidths": 0}
    if labels is None:
        ax.scatter(*points.T, color=PALETTE[1], **dots)
        return _plane(ax, title)
    classes = as_array("labels", labels)
    if classes.shape != points.shape[:1]:
        raise argument_error("labels", f"have shape ({len(points)},)", classes.shape)
    if (classes != np.round(classes)).any():
        raise argument_error("labels", "be integers", "fractions")
    present = np.unique(classes).astype(int)
    if names is not None and (present.min() < 0 or present.max() >= len(names)):
        got = f"classes {present.min()} to {present.max()}"
        raise argument_error("labels", f"lie in 0 to {len(names) - 1}, one for each name", got)
    few = len(present) <= len(PALETTE)
    shades = 0.85 * plt.get_cmap("turbo")(np.linspace(0.03, 0.97, len(present)))[:, :3]  # (K, 3)
    for i, k in enumerate(present):
        member = points[classes == k]
        colour = PALETTE[i] if few else shades[i]
        ax.scatter(*member.T, color=colour, **dots)
        ax.annotate(
            names[k] if names is not None else str(k),
            np.median(member, axis=0),
            ha="center",
            va="center",
            fontsize=11,
            fontweight="bold",
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    return _plane(ax, title)


def _plane(ax: Axes, title: str | None) -> Axes:
    ax.set_aspect("equal")
    ax.grid(False)
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$")
    if title:
        ax.set_title(title)
    return ax


def _evaluate(
    log_prob: Callable[[Tensor], Tensor],
    limits: tuple[float, float, float, float],
    resolution: int,
    device: torch.device | str,
) -> NDArray[np.float64]:
    """The logarithm of the density at the middle of each pixel, a few thousand points at a time."""
    left, right, bottom, top = limits
    middle = (torch.arange(resolution, dtype=torch.get_default_dtype()) + 0.5) / resolution
    ys, xs = torch.meshgrid(
        bottom + (top - bottom) * middle, left + (right - left) * middle, indexing="ij"
    )
    points = torch.stack([xs, ys], -1).reshape(-1, 2)  # (R², 2)
    with torch.no_grad():
        parts = [log_prob(part.to(device)) for part in torch.split(points, 4096)]
    log_p = torch.cat(parts)
    if log_p.shape != points.shape[:1]:
        got = f"{tuple(parts[0].shape)} for {len(parts[0])} points"
        raise argument_error("density", "return one value for each point, shape (B,)", got)
    return as_array("density", log_p, allow_minus_inf=True).reshape(resolution, resolution)
