"""A smooth density on the line: a mixture of normal densities."""

import math

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.distributions.support import Support, widen
from helpers.random import choose, normal


class NormalMixture:
    r"""Independent numbers, each from a mixture of K normal densities.

    $$ p(x) = \sum_{k=1}^K \pi_k\, \mathcal N(x; \mu_k, \sigma_k^2) $$

    Args:
        raw: (B, 3K, *event): logits of the weights, centres, and log-standard deviations. Where raw
            is zero, the densities are spread over standardised data: centres from −2 to 2.

    Reference: Bishop, Mixture density networks, 1994.

    Taught in: models/autoregressive
    """

    support = Support("float")

    def __init__(self, raw: Tensor) -> None:
        k = raw.shape[1] // 3
        if raw.shape[1] != 3 * k or k < 1:
            raise argument_error("raw", "have 3K channels", raw.shape[1])
        logits, centres, log_std = widen(raw.movedim(1, -1)).chunk(3, -1)  # (B, *event, K) each
        spread = torch.linspace(-2, 2, k) if k > 1 else torch.zeros(1)
        self.logits, self.mu, self.log_std = logits, centres + spread.to(raw), log_std - 1

    @property
    def mean(self) -> Tensor:
        """The means, (B, *event)."""
        return (self.logits.softmax(-1) * self.mu).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Summed over the event: (B, *event) to (B,), nats."""
        standard = (x[..., None] - self.mu) / self.log_std.exp()
        log_density = -0.5 * standard.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        terms = torch.logsumexp(self.logits.log_softmax(-1) + log_density, -1)
        return terms.reshape(len(x), -1).sum(1)

    @torch.no_grad()
    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """A component for each number, then the number: (B, *event)."""
        k = choose(self.logits.softmax(-1), rng)[..., None]
        mu, log_std = self.mu.gather(-1, k)[..., 0], self.log_std.gather(-1, k)[..., 0]
        return mu + log_std.exp() * normal(mu.shape, mu, rng)
