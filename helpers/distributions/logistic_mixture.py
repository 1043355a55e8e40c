"""A smooth density over numbers that are known only up to a bin."""

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.random import choose, uniform


class LogisticMixture:
    r"""A mixture of K logistic densities on the line, integrated over bins.

    $$ P(v) = \sum_k \pi_k \big( \sigma((b_{v+1} - \mu_k)/s_k) - \sigma((b_v - \mu_k)/s_k) \big) $$

    One batch entry is one number.

    Args:
        mu: (..., K), centres in the unit of the borders.
        log_scale: log s, likewise; the three broadcast.
        logits: of π, likewise.
        edges: (V + 1,), the borders b of the bins, rising from −∞ to ∞.

    Reference: Salimans et al., arXiv:1701.05517, section 2.1, for equal bins.

    Taught in: applications/speech
    """

    def __init__(self, mu: Tensor, log_scale: Tensor, logits: Tensor, edges: Tensor) -> None:
        log_scale = log_scale.clamp(-30, 30)  # no overflow, so every gradient is finite
        parts: list[Tensor] = torch.broadcast_tensors(mu, log_scale, logits)  # type: ignore[no-untyped-call]
        self.mu, self.log_scale, self.logits = parts
        self.edges = edges

    @property
    def weights(self) -> Tensor:
        """Probabilities π of the components, (..., K)."""
        return self.logits.softmax(-1)

    @property
    def mean(self) -> Tensor:
        """Mean of the density before it is cut into bins, (...), in the unit of the borders."""
        return (self.weights * self.mu).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of bins: (...) int64, 0 … V − 1 → (...), nats; all V sum to 1."""
        a, b = self._standard(self.edges[x]), self._standard(self.edges[x + 1])
        # σ(b) − σ(a) = σ(b) σ(−a) (1 − e^{a−b}): no difference of two numbers near 1
        gap = (a - b).clamp(max=-1e-20)  # far from all bins, a and b are rounded to one number
        log_mass = F.logsigmoid(b) + F.logsigmoid(-a) + torch.log(-torch.expm1(gap))
        return torch.logsumexp(self.logits.log_softmax(-1) + log_mass, -1)

    def _standard(self, edge: Tensor) -> Tensor:
        """(edge − μ) / s; an infinite border is kept out of the division and of its gradient."""
        edge = edge[..., None]
        finite = (edge.nan_to_num(0, 0, 0) - self.mu) / self.log_scale.exp()
        return torch.where(edge.isinf(), edge, finite)

    @torch.no_grad()
    def sample(self, *, rng: torch.Generator | None = None) -> Tensor:
        """One bin for each batch entry: (...) int64."""
        k = choose(self.weights, rng)[..., None]
        mu, log_scale = self.mu.gather(-1, k), self.log_scale.gather(-1, k)
        value = mu + log_scale.exp() * torch.logit(uniform(k.shape, mu, rng))
        return torch.bucketize(value, self.edges[1:-1].contiguous(), right=True)[..., 0]
