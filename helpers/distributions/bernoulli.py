"""Values that are 0 or 1."""

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.distributions.support import Support, widen


class Bernoulli:
    r"""Independent values 0 and 1, with the probabilities p = sigmoid(logits) of a 1.

    $$\log p(x) = \sum_d x_d \log p_d + (1 - x_d) \log(1 - p_d)$$

    Grey values between 0 and 1 are no values of this distribution: over [0, 1] the formula's
    exponential does not integrate to 1, so the number compares with nothing.

    Logits and values have shape (B, *event), log-probabilities (B,).

    >>> Bernoulli(torch.zeros(2, 3)).log_prob(torch.ones(2, 3))
    tensor([-2.0794, -2.0794])

    Taught in: models/vae
    """

    support = Support("binary")

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    @property
    def mean(self) -> Tensor:
        """The probabilities of a 1."""
        return self.logits.sigmoid()

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event, nats."""
        logits = widen(self.logits)
        nll = F.binary_cross_entropy_with_logits(logits, x.to(logits.dtype), reduction="none")
        return -nll.reshape(len(x), -1).sum(1)

    @torch.no_grad()
    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """Zeros and ones."""
        return torch.bernoulli(self.mean, generator=rng)
