"""Mixtures of round Gaussians: on a ring, on a grid, and along half circles."""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_data

Limits = tuple[float, float, float, float]


class IsotropicMixture:
    r"""Equally likely round Gaussians of one width.

    $$ p(x) = \frac1K \sum_{k=1}^K \mathcal N(x;\, m_k,\, s^2 I) $$

    >>> mixture = IsotropicMixture(torch.tensor([[0.0, 0.0]]), std=1.0)
    >>> round(mixture.entropy(), 4)  # 1 + log 2π
    2.8379

    Taught in: models/gan
    """

    def __init__(self, means: Tensor, std: float) -> None:
        means = check_data("means", means, ("K", 2))
        check_between("std", std, 0, ends="()")
        self.means = means.detach().to("cpu", torch.float64)  # cast to what log_prob is given
        self.std = std

    @property
    def limits(self) -> Limits:
        """A rectangle (left, right, bottom, top) that reaches 6 standard deviations beyond."""
        return _around(self.means, 6 * self.std)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each point, on any device: (B, 2) → (B,) nats."""
        x = check_data("x", x, ("B", 2))
        m = self.means.to(x)
        squared = (x[:, :1] - m[:, 0]) ** 2 + (x[:, 1:] - m[:, 1]) ** 2  # (B, K)
        log_normaliser = math.log(len(m)) + math.log(2 * math.pi * self.std**2)
        return torch.logsumexp(-0.5 * squared / self.std**2, dim=1) - log_normaliser

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Independent draws (n, 2), default dtype, on the device of `rng` (else the CPU)."""
        device = rng.device if rng is not None else torch.device("cpu")
        k = torch.randint(len(self.means), (n,), generator=rng, device=device)
        noise = torch.randn(n, 2, generator=rng, device=device)
        return self.means.to(noise)[k] + self.std * noise

    def entropy(self) -> float:
        """Differential entropy −∫ p log p in nats, by quadrature with an error below 1e-6."""
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
    """Separate modes on a circle: does a model find all of them?

    >>> ring = Ring()
    >>> ring.means.shape, round(ring.entropy(), 4)  # log 8 + log(2πe · 0.01²)
    (torch.Size([8, 2]), -4.293)

    Taught in: models/gan
    """

    def __init__(self, modes: int = 8, radius: float = 1.0, std: float = 0.01) -> None:
        angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
        super().__init__(radius * _polar(angle), std)


class EightGaussians(Ring):
    """Eight wide modes that touch: radius 4/√2, standard deviation 0.5/√2.

    Reference: Grathwohl et al., arXiv:1810.01367, whose code divides by 1.414.
    """

    def __init__(self) -> None:
        super().__init__(8, 4 / math.sqrt(2), 0.5 / math.sqrt(2))


class Grid(IsotropicMixture):
    """`side` by `side` modes of width `std` on a square lattice around the origin."""

    def __init__(self, side: int = 5, spacing: float = 1.0, std: float = 0.05) -> None:
        ticks = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
        super().__init__(torch.cartesian_prod(ticks, ticks).reshape(-1, 2), std)


class TwoMoons(IsotropicMixture):
    """Two interleaved half circles of radius 1, each a dense chain of Gaussians.

    Taught in: concepts/map_of_model_families
    """

    def __init__(self, std: float = 0.1, links: int = 65) -> None:
        angle = torch.linspace(0, math.pi, links, dtype=torch.float64)
        upper = _polar(angle)
        lower = torch.tensor([1.0, 0.5], dtype=torch.float64) - upper
        super().__init__(torch.cat([upper, lower]), std)


def _polar(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], -1)


def _around(points: Tensor, margin: float) -> Limits:
    low, high = points.min(0).values - margin, points.max(0).values + margin
    return (low[0].item(), high[0].item(), low[1].item(), high[1].item())
