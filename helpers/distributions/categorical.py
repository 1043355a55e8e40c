"""Values with finitely many levels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.distributions.support import Support, widen
from helpers.random import choose


class Categorical:
    r"""Independent values with the levels 0 … V − 1, from logits l of shape (B, V, *event).

    $$\log p(x) = \sum_d \log \mathrm{softmax}(l_d)_{x_d}$$

    >>> Categorical(torch.zeros(2, 4, 3)).log_prob(torch.ones(2, 3).long())
    tensor([-4.1589, -4.1589])

    Taught in: models/vae
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
