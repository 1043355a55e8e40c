"""Normal distributions of independent values.

Taught in: models/vae
"""

import math

import torch
from torch import Tensor, nn

from helpers.checks import check_between
from helpers.distributions.support import Support, widen
from helpers.objectives.divergences import kl_normal, kl_standard_normal
from helpers.random import normal


class Gaussian:
    r"""Independent normal values, each with its own mean and standard deviation, (B, *event).

    $$\log p(x) = -\sum_d \frac{(x_d - \mu_d)^2}{2 \sigma_d^2} + \log \sigma_d
      + \tfrac12 \log 2 \pi$$
    """

    support = Support("float")

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean, self.log_std = mean, log_std

    @property
    def std(self) -> Tensor:
        r"""Standard deviations $\sigma$."""
        return self.log_std.exp()

    def rsample(self, rng: torch.Generator | None = None) -> Tensor:
        r"""A draw $\mu + \sigma \odot \varepsilon$, through which gradients flow."""
        return self.mean + self.std * normal(self.mean.shape, self.mean, rng)

    @torch.no_grad()
    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """A draw without gradient, (B, *event)."""
        return self.rsample(rng)

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event, nats: (B, *event) to (B,); or (K, B, *event) to (K, B)."""
        mean, log_std = widen(self.mean), widen(self.log_std)
        standard = (x - mean) / log_std.exp()
        log_density = -0.5 * standard.square() - log_std - 0.5 * math.log(2 * math.pi)
        return log_density.flatten(1 - mean.ndim).sum(-1)

    def kl(self, other: "Gaussian") -> Tensor:
        """Divergence KL(self‖other), exact and never negative: (B,), nats; see `kl_normal`."""
        own = widen(self.mean), widen(self.log_std)
        return kl_normal(*own, widen(other.mean), widen(other.log_std))

    def kl_standard(self) -> Tensor:
        """The same from N(0, I), the usual prior: (B,), nats."""
        return kl_standard_normal(widen(self.mean), widen(self.log_std))


class IsotropicGaussian(Gaussian):
    r"""Independent normal values that share one standard deviation: log_std is a scalar.

    $$\log p(x) = -\frac{\lVert x - \mu \rVert^2}{2 \sigma^2}
      - D \left(\log \sigma + \tfrac12 \log 2 \pi\right)$$
    """

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event: (B, *event) to (B,), nats."""
        mean, log_std = widen(self.mean), widen(self.log_std)
        squares = (x - mean).reshape(len(x), -1).square().sum(1) * torch.exp(-2 * log_std)
        constant = log_std + 0.5 * math.log(2 * math.pi)
        return -0.5 * squares - mean[0].numel() * constant


class GaussianLikelihood(nn.Module):
    """Turns a decoder's output into an `IsotropicGaussian` around it, with a fixed or learned std.

    A fixed std sets the weight of reconstruction against KL as surely as beta does. Learning it is
    sound as long as the data are not constant or discrete (their likelihood is unbounded).
    """

    log_std: Tensor

    def __init__(self, std: float = 1.0, *, learned: bool = False) -> None:
        super().__init__()
        check_between("std", std, 0, ends="()")
        log_std = torch.tensor(math.log(std))
        if learned:
            self.log_std = nn.Parameter(log_std)
        else:
            self.register_buffer("log_std", log_std)

    def forward(self, mean: Tensor) -> IsotropicGaussian:
        return IsotropicGaussian(mean, self.log_std)
