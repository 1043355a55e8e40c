r"""Densities in the plane that are known exactly: the oracles against which models are judged.

Each has ``log_prob(x)``, ``sample(n)``, ``entropy()``, and ``limits`` for drawing. A model cannot
beat the entropy: its expected negative log-likelihood is the entropy plus KL(data ‖ model), so the
gap to the entropy is what is left to learn.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_positive,
    check_shape,
)

Limits = tuple[float, float, float, float]


class IsotropicMixture:
    r"""Equally likely round Gaussians of one width.

    $$ p(x) = \frac1K \sum_{k=1}^K \mathcal N(x;\, m_k,\, s^2 I) $$

    Args:
        means: centres (K, 2), floating point.
        std: standard deviation s of every component, above zero.

    Raises:
        TypeError: `means` is no floating-point tensor, or `std` no number.
        ValueError: a wrong shape, no component, a mean that is not finite, or `std` not positive.

    >>> mixture = IsotropicMixture(torch.tensor([[0.0, 0.0]]), std=1.0)
    >>> round(mixture.log_prob(torch.zeros(1, 2)).item(), 4)  # −log 2π
    -1.8379
    >>> round(mixture.entropy(), 4)  # 1 + log 2π
    2.8379

    Taught in: classical_models.
    """

    def __init__(self, means: Tensor, std: float) -> None:
        check_floating("means", means)
        check_shape("means", means, ("K", 2))
        if len(means) == 0:
            raise argument_error("means", "hold at least one centre", "none")
        check_finite("means", means)
        check_positive("std", std)
        self.means = means.detach().to("cpu", torch.float64)  # cast to what log_prob is given
        self.std = float(std)

    @property
    def limits(self) -> Limits:
        """A rectangle (left, right, bottom, top) that reaches 6 standard deviations beyond."""
        return _around(self.means, 6 * self.std)

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Log-density of each point.

        Args:
            x: points (B, 2), floating point, on any device.

        Returns:
            (B,) nats.

        Raises:
            TypeError: `x` is no floating-point tensor.
            ValueError: a wrong shape.
        """
        check_floating("x", x)
        check_shape("x", x, ("B", 2))
        m = self.means.to(x)
        squared = (x[:, :1] - m[:, 0]) ** 2 + (x[:, 1:] - m[:, 1]) ** 2  # (B, K)
        log_normaliser = math.log(len(m)) + math.log(2 * math.pi * self.std**2)
        return torch.logsumexp(-0.5 * squared / self.std**2, dim=1) - log_normaliser

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Independent draws.

        Args:
            n: how many, at least 1.
            rng: draws them; PyTorch's global one by default.

        Returns:
            Points (n, 2) of PyTorch's default dtype, on the generator's device (else the CPU).

        Raises:
            ValueError: `n` below 1.
        """
        check_at_least("n", n, 1)
        device = rng.device if rng is not None else torch.device("cpu")
        k = torch.randint(len(self.means), (n,), generator=rng, device=device)
        noise = torch.randn(n, 2, generator=rng, device=device)
        return self.means.to(noise)[k] + self.std * noise

    def entropy(self) -> float:
        r"""Differential entropy −∫ p log p in nats, by quadrature with an error below 1e-6."""
        # The trapezoid rule converges faster than any power for such smooth densities: a step of
        # half a standard deviation leaves nothing to see, and 9 of them nothing outside.
        left, right, bottom, top = _around(self.means, 9 * self.std)
        step = self.std / 2
        total = 0.0
        ys = torch.arange(bottom, top + step, step, dtype=torch.float64)
        for x1 in torch.split(torch.arange(left, right + step, step, dtype=torch.float64), 16):
            log_p = self.log_prob(torch.cartesian_prod(x1, ys))
            total -= float((log_p.exp() * log_p).sum()) * step**2
        return total


class Ring(IsotropicMixture):
    r"""Separate modes on a circle: does a model find all of them?

    Args:
        modes: how many, at least 1.
        radius: of the circle, above zero.
        std: of each mode.

    >>> ring = Ring()
    >>> ring.means.shape, round(ring.entropy(), 4)  # log 8 + log(2πe · 0.01²)
    (torch.Size([8, 2]), -4.293)

    Taught in: gan.
    """

    def __init__(self, modes: int = 8, radius: float = 1.0, std: float = 0.01) -> None:
        check_at_least("modes", modes, 1)
        check_positive("radius", radius)
        angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
        super().__init__(radius * _polar(angle), std)


class Grid(IsotropicMixture):
    r"""Modes on a square lattice around the origin.

    Args:
        side: modes along each axis, at least 1.
        spacing: between neighbours, above zero.
        std: of each mode.

    >>> Grid().means.shape
    torch.Size([25, 2])

    Taught in: gan.
    """

    def __init__(self, side: int = 5, spacing: float = 1.0, std: float = 0.05) -> None:
        check_at_least("side", side, 1)
        check_positive("spacing", spacing)
        ticks = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
        super().__init__(torch.cartesian_prod(ticks, ticks).reshape(-1, 2), std)


class TwoMoons(IsotropicMixture):
    r"""Two interleaved half circles of radius 1, each a dense chain of Gaussians.

    Args:
        std: width of the crescents, above zero.
        links: Gaussians in each half circle; enough that the chain looks smooth.

    >>> TwoMoons().limits
    (-1.6, 2.6, -1.1, 1.6)

    Taught in: flow.
    """

    def __init__(self, std: float = 0.1, links: int = 65) -> None:
        check_at_least("links", links, 2)
        angle = torch.linspace(0, math.pi, links, dtype=torch.float64)
        upper = _polar(angle)
        lower = torch.tensor([1.0, 0.5], dtype=torch.float64) - upper
        super().__init__(torch.cat([upper, lower]), std)


class Spiral(IsotropicMixture):
    r"""Arms that wind outwards, equally likely all along, each a dense chain of Gaussians.

    Args:
        arms: how many, at least 1.
        turns: how often each arm winds round the origin, above zero.
        radius: where the arms end, above zero.
        std: width of the arms, above zero.
        links: Gaussians in each arm; enough that the chain looks smooth.

    >>> Spiral(arms=3).means.shape
    torch.Size([300, 2])

    Taught in: flow.
    """

    def __init__(
        self,
        arms: int = 2,
        turns: float = 1.0,
        radius: float = 2.0,
        std: float = 0.08,
        links: int = 100,
    ) -> None:
        check_at_least("arms", arms, 1)
        check_positive("turns", turns)
        check_positive("radius", radius)
        check_at_least("links", links, 2)
        # The length of an arm grows about as the square of its angle: hence the root.
        along = torch.linspace(0.02, 1, links, dtype=torch.float64).sqrt()
        start = 2 * math.pi * torch.arange(arms, dtype=torch.float64) / arms
        angle = start[:, None] + 2 * math.pi * turns * along  # (arms, links)
        super().__init__((radius * along[:, None] * _polar(angle)).reshape(-1, 2), std)


class Checkerboard:
    r"""Uniform on the dark cells of a board: sharp edges, zero in between.

    $$ p(x) = \frac{1}{\text{area of the dark cells}} \quad \text{on a dark cell, else } 0 $$

    Args:
        side: cells along each axis, at least 1; the one at the lower left is dark.
        width: of the whole board, which is centred at the origin; above zero.

    Raises:
        TypeError: `side` is no integer, or `width` no number.
        ValueError: an argument out of range.

    >>> board = Checkerboard()
    >>> board.log_prob(torch.tensor([[-1.5, -1.5], [-0.5, -1.5]])).tolist()  # dark, light
    [-2.079..., -inf]
    >>> board.entropy() == math.log(8)  # 8 dark cells of area 1
    True

    Taught in: flow.
    """

    def __init__(self, side: int = 4, width: float = 4.0) -> None:
        check_at_least("side", side, 1)
        check_positive("width", width)
        self.side = int(side)
        self.width = float(width)
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        self.dark = torch.nonzero((rows + columns) % 2 == 0)  # (cells, 2)

    @property
    def limits(self) -> Limits:
        """A rectangle (left, right, bottom, top) with a margin of an eighth of the board."""
        edge = 0.625 * self.width
        return (-edge, edge, -edge, edge)

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Log-density of each point: (B, 2) → (B,) nats, −inf on light cells and outside."""
        check_floating("x", x)
        check_shape("x", x, ("B", 2))
        cell = torch.floor((x + self.width / 2) * (self.side / self.width))  # (B, 2)
        inside = ((cell >= 0) & (cell < self.side)).all(1)
        dark = inside & (cell.sum(1) % 2 == 0)
        outside = torch.full_like(x[:, 0], -math.inf)
        return torch.where(dark, torch.full_like(outside, -self.entropy()), outside)

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Independent draws (n, 2), default dtype, on the generator's device (else the CPU)."""
        check_at_least("n", n, 1)
        device = rng.device if rng is not None else torch.device("cpu")
        k = torch.randint(len(self.dark), (n,), generator=rng, device=device)
        u = torch.rand(n, 2, generator=rng, device=device)
        # Rounding must not carry a draw over its cell's edge, where the density is zero.
        margin = 8 * self.side * torch.finfo(u.dtype).eps
        place = self.dark.to(device)[k] + margin + (1 - 2 * margin) * u  # (n, 2)
        return place * (self.width / self.side) - self.width / 2

    def entropy(self) -> float:
        r"""Differential entropy in nats: the logarithm of the dark area."""
        return math.log(len(self.dark) * (self.width / self.side) ** 2)


def _polar(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], -1)


def _around(points: Tensor, margin: float) -> Limits:
    low, high = points.min(0).values - margin, points.max(0).values + margin
    return (low[0].item(), high[0].item(), low[1].item(), high[1].item())
