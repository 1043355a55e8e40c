"""Normal distributions of independent values."""

import math

import torch
from torch import Tensor, nn

from helpers.checks import check_between
from helpers.distributions.support import Support, widen
from helpers.random import normal


class Gaussian:
    r"""Independent normal values, each with its own mean and standard deviation.

    $$\log p(x) = -\sum_d \frac{(x_d - \mu_d)^2}{2 \sigma_d^2} + \log \sigma_d
      + \tfrac12 \log 2 \pi$$

    Args:
        mean: $\mu$, shape (B, *event).
        log_std: $\log \sigma$, same shape.

    >>> Gaussian(torch.zeros(2, 3), torch.zeros(2, 3)).log_prob(torch.zeros(2, 3))
    tensor([-2.7568, -2.7568])

    Taught in: models/vae
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
        r"""Divergence KL(self‖other), exact and never negative: (B,), nats.

        $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \sum_d \left(\frac{(\mu_q - \mu_p)^2}{\sigma_p^2}
          + \frac{\sigma_q^2}{\sigma_p^2} - 1 - \log \frac{\sigma_q^2}{\sigma_p^2}\right)$$

        >>> p = Gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
        >>> Gaussian(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), torch.zeros(2, 2)).kl(p)
        tensor([0.0000, 2.5000])
        """
        shift = (widen(self.mean) - widen(other.mean)) / widen(other.std)
        log_ratio = 2 * (widen(self.log_std) - widen(other.log_std))
        # expm1(r) - r keeps the digits that exp(r) - 1 - r loses near r = 0.
        return 0.5 * (shift.square() + log_ratio.expm1() - log_ratio).flatten(1).sum(-1)


class IsotropicGaussian(Gaussian):
    r"""Independent normal values that share one standard deviation.

    $$\log p(x) = -\frac{\lVert x - \mu \rVert^2}{2 \sigma^2}
      - D \left(\log \sigma + \tfrac12 \log 2 \pi\right)$$

    Args:
        mean: $\mu$, shape (B, *event), D values in an event.
        log_std: $\log \sigma$, a scalar.

    Taught in: models/vae
    """

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event: (B, *event) to (B,), nats."""
        mean, log_std = widen(self.mean), widen(self.log_std)
        squares = (x - mean).reshape(len(x), -1).square().sum(1) * torch.exp(-2 * log_std)
        constant = log_std + 0.5 * math.log(2 * math.pi)
        return -0.5 * squares - mean[0].numel() * constant


class GaussianLikelihood(nn.Module):
    """Turns a decoder's output into an `IsotropicGaussian` around it.

    A fixed std sets the weight of reconstruction against KL as surely as beta does. Learning it
    removes that choice, and is sound as long as the data are not constant or discrete (the
    likelihood of discrete data is unbounded).

    Args:
        std: of the noise, in units of x.
        learned: whether std is a parameter, one for all values, that starts at `std`.

    >>> GaussianLikelihood(std=2.0)(torch.zeros(2, 3)).std
    tensor(2.)

    Taught in: models/vae
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
