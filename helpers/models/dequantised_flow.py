"""Integers under a density: noise fills the cell of each, and the bound pays for the noise."""

import math

import torch
from torch import Generator, Tensor, nn

from helpers.checks import argument_error, check_counts, check_data
from helpers.data.images import dequantise
from helpers.models.flow import Flow
from helpers.networks import evaluating
from helpers.objectives.divergences import importance_weighted_bound


class DequantisedFlow(nn.Module):
    r"""A flow over images of K levels, by uniform or by learned noise.

    The probability of an image is the integral of the density over its cell,

    $$P(k) = \int_{[0, 1)^D} p\!\left(\frac{k + u}{K}\right) \frac{du}{K^D},$$
    $$\log P(k) \ge \mathbb E_{q(u|k)} \left[\log p\!\left(\frac{k + u}{K}\right) - D \log K
      - \log q(u \mid k)\right].$$

    Uniform noise has log q = 0. Learned noise (variational dequantisation) can be tighter.

    Args:
        flow: the density p on [0, 1]^D.
        num_levels: K.
        noise: a flow on the unit cube with the D values k / (K − 1) as its condition, its density
            continuous (the gradient goes through the draw, past any jump); None for uniform noise.

    Reference: Theis et al., arXiv:1511.01844; Ho et al., arXiv:1902.00275; several
    draws: Hoogeboom et al., arXiv:2001.11235.

    Taught in: models/flow
    """

    def __init__(self, flow: Flow, num_levels: int, *, noise: Flow | None = None) -> None:
        super().__init__()
        check_counts(2, num_levels=num_levels)
        dims = math.prod(flow.event)
        if noise is not None and (noise.event != flow.event or noise.condition != dims):
            got = f"event {noise.event}, condition {noise.condition}"
            raise argument_error("noise", f"have event {flow.event}, condition {dims}", got)
        self.flow, self.noise, self.num_levels, self.dims = flow, noise, num_levels, dims

    def log_weights(
        self, x: Tensor, condition: Tensor | None = None, *, rng: Generator | None = None
    ) -> Tensor:
        """Log of p(x, u)/q(u|x) of one draw of u: (B,) nats; its exponential has mean P(x)."""
        k, levels = self._check(x), self.num_levels
        if self.noise is None:
            filled = dequantise(k, levels, dtype=self._weight.dtype, rng=rng)
            return self._log_density(filled, condition)
        k = k.to(self._weight.dtype)
        seed = self.noise.base.sample((len(k), *self.noise.latent), k, rng)
        u, log_det = self.noise.inverse(seed, k.flatten(1) / (levels - 1))
        log_q = self.noise.base.log_prob(seed) - log_det
        return self._log_density((k + u) / levels, condition) - log_q

    def loss(
        self, x: Tensor, condition: Tensor | None = None, *, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean of −log p(x, u) + log q(u|x) with one draw, a bound on −log P(x): nats."""
        return {"loss": -self.log_weights(x, condition, rng=rng).mean()}

    @torch.no_grad()
    def log_prob_bound(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        *,
        num_samples: int,
        rng: Generator | None = None,
    ) -> Tensor:
        """Lower bound on log P(x), (B,) nats, from the mean of so many weights, without dropout.

        It is low on average, and less so with more draws: state their number beside a figure.
        """
        check_counts(num_samples=num_samples)
        with evaluating(self):
            draws = [self.log_weights(x, condition, rng=rng) for _ in range(num_samples)]
        return importance_weighted_bound(torch.stack(draws))

    @torch.no_grad()
    def sample(
        self, n: int, *, rng: Generator | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """Draw n images of integers, (n, *event): the cells in which samples of the flow lie."""
        x = self.flow.sample(n, rng=rng, condition=condition)
        return (x * self.num_levels).long().clamp(0, self.num_levels - 1)

    def _log_density(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Log-density of K x, in units of levels; the networks' dropout stays as it is."""
        z, log_det = self.flow(x, condition)
        log_p: Tensor = self.flow.base.log_prob(z) + log_det
        return log_p - self.dims * math.log(self.num_levels)

    @property
    def _weight(self) -> Tensor:
        return next(self.parameters())

    def _check(self, x: Tensor) -> Tensor:
        shape, top = self.flow.event, self.num_levels - 1
        return check_data("x", x, ("B", *shape), "integer", like=self._weight, low=0, high=top)
