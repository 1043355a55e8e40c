"""A density of the plane in other units: each coordinate with mean 0 and standard deviation 1."""

import torch
from torch import Tensor

from helpers.checks import check_data
from helpers.data.toy.mixtures import IsotropicMixture, Limits


class Standardised:
    r"""A mixture in units of its own mean and standard deviations, coordinate by coordinate.

    $$ z = \frac{x - \mu}{\sigma}, \qquad \log p(z) = \log p(x) + \sum_d \log \sigma_d $$

    >>> from helpers.data.toy import TwoMoons
    >>> round(Standardised(TwoMoons(std=0.05, links=1000)).entropy(), 3)
    1.132

    Taught in: models/flow
    """

    def __init__(self, density: IsotropicMixture) -> None:
        self.density = density
        self.mean = density.means.mean(0)
        self.std = (density.means.var(0, correction=0) + density.std**2).sqrt()

    @property
    def limits(self) -> Limits:
        """Those of the density, in the new units."""
        left, right, bottom, top = self.density.limits
        corners = torch.tensor([[left, bottom], [right, top]], dtype=torch.float64)
        (left, bottom), (right, top) = ((corners - self.mean) / self.std).tolist()
        return (left, right, bottom, top)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of each point: (B, 2) → (B,) nats."""
        z = check_data("z", z, ("B", 2))
        std = self.std.to(z)
        return self.density.log_prob(self.mean.to(z) + std * z) + std.log().sum()

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Independent draws (n, 2), default dtype, on the device of `rng` (else the CPU)."""
        x = self.density.sample(n, rng=rng)
        return (x - self.mean.to(x)) / self.std.to(x)

    def entropy(self) -> float:
        """Differential entropy in nats."""
        return self.density.entropy() - float(self.std.log().sum())
