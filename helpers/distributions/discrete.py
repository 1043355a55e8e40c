"""Values with two or finitely many levels.

Taught in: models/vae
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.distributions.support import Support, widen
from helpers.random import choose


class Bernoulli:
    r"""Independent values 0 and 1, with the probabilities p = sigmoid(logits) of a 1.

    $$\log p(x) = \sum_d x_d \log p_d + (1 - x_d) \log(1 - p_d)$$

    Grey values between 0 and 1 are no values of this distribution: over [0, 1] the formula's
    exponential does not integrate to 1, so the number compares with nothing.

    Logits and values have shape (B, *event), log-probabilities (B,).

    >>> Bernoulli(torch.zeros(2, 3)).log_prob(torch.ones(2, 3))
    tensor([-2.0794, -2.0794])
    """

    support = Support("binary", 0, 1)

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


class Categorical:
    r"""Independent values with the levels 0 … V − 1, from logits l of shape (B, V, *event).

    $$\log p(x) = \sum_d \log \mathrm{softmax}(l_d)_{x_d}$$

    >>> Categorical(torch.zeros(2, 4, 3)).log_prob(torch.ones(2, 3).long())
    tensor([-4.1589, -4.1589])
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        self.support = Support("integer", 0, logits.shape[1] - 1)

    @property
    def mean(self) -> Tensor:
        """The expected level, in [0, V − 1]: (B, *event)."""
        levels = torch.arange(self.logits.shape[1]).to(self.logits)
        return torch.einsum("bv...,v->b...", self.logits.softmax(1), levels)

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event: integers (B, *event) to (B,), nats."""
        nll = F.cross_entropy(widen(self.logits), x.long(), reduction="none")
        return -nll.reshape(len(x), -1).sum(1)

    @torch.no_grad()
    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """Levels, (B, *event), int64."""
        return choose(self.logits.movedim(1, -1).softmax(-1), rng)
