r"""Mixtures of Gaussians with full covariances, fitted by EM, and what to do when one collapses."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_positive,
)
from helpers.models.mixture import Mixture


class GaussianMixture(Mixture):
    r"""A mixture of K Gaussians, each with its own full covariance.

    .. math:: p(x) = \sum_{k=1}^K \pi_k\, \mathcal N(x; \mu_k, \Sigma_k)

    The likelihood has no maximum: a component on a single point gains without limit as its
    covariance shrinks. A prior of A pseudo-examples of variance v bounds it, and the M-step becomes

    .. math:: \Sigma_k = \frac{S_k + A v I}{N_k + A},

    where S_k is the scatter around μ_k and N_k the number of examples of component k.

    Args:
        components: number K ≥ 1.
        prior_examples: A ≥ 0; zero is maximum likelihood, where a collapse is an error.
        prior_variance: v > 0, in squared units of the data.

    After fitting: ``weights`` (K,), ``means`` (K, D), ``covariances`` (K, D, D).

    >>> x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> one = GaussianMixture(1).fit(x)
    >>> one.means.tolist(), one.covariances[0].diagonal().tolist()
    ([[0.5, 0.5]], [0.25, 0.25])

    Taught in: background/classical_models
    """

    def __init__(
        self, components: int, *, prior_examples: float = 0.0, prior_variance: float = 1.0
    ) -> None:
        super().__init__(components)
        check_at_least("prior_examples", prior_examples, 0.0)
        check_positive("prior_variance", prior_variance)
        self.prior_examples = prior_examples
        self.prior_variance = prior_variance

    def _check_values(self, x: Tensor) -> None:
        check_floating("x", x)
        check_finite("x", x)

    def _first_guess(self, x: Tensor) -> None:
        self.means = x.mean(0).expand(self.components, -1)
        offsets = x - x.mean(0)
        covariance = offsets.T @ offsets / len(x)
        self.scale = float(covariance.diagonal().max())  # a variance to compare others with
        self.covariances = covariance.expand(self.components, -1, -1)

    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        counts = r.sum(0)[:, None]  # (K, 1)
        means = torch.where(alive[:, None], r.T @ x / counts.clamp_min(1e-8), self.means)
        offsets = x - means[:, None]  # (K, N, D)
        scatter = (r.T[..., None] * offsets).mT @ offsets  # (K, D, D)
        a, identity = self.prior_examples, torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        counts = counts[..., None]
        fitted = (scatter + a * self.prior_variance * identity) / (counts + a).clamp_min(1e-8)
        if a == 0:
            fitted = torch.where(alive[:, None, None], fitted, self.covariances)
        self.means, self.covariances = means, fitted
        self.cholesky = self._factorised(counts.flatten())

    def _factorised(self, counts: Tensor) -> Tensor:
        factors: Tensor
        factors, info = torch.linalg.cholesky_ex(self.covariances)
        pivots = factors.diagonal(dim1=1, dim2=2).square().amin(1)  # (K,) conditional variances
        rounding = 10 * factors.shape[1] * torch.finfo(factors.dtype).eps
        bad = (info > 0) | (pivots <= rounding * self.scale)
        if bad.any():
            k = int(bad.nonzero()[0])
            got = f"a singular one for component {k} (examples: {float(counts[k]):.3g})"
            hint = "set prior_examples above 0 or use fewer components"
            raise argument_error("x", "give each component a regular covariance", got, hint)
        return factors

    def _log_components(self, x: Tensor) -> Tensor:
        offsets = (x - self.means[:, None]).mT  # (K, D, N)
        white = torch.linalg.solve_triangular(self.cholesky, offsets, upper=False)
        log_det = 2.0 * self.cholesky.diagonal(dim1=1, dim2=2).log().sum(1)  # (K,)
        constant = x.shape[1] * math.log(2.0 * math.pi)
        log_density: Tensor = -0.5 * (white.square().sum(1) + log_det[:, None] + constant)
        return log_density.T  # (N, K)

    def _log_prior(self) -> Tensor | float:
        log_det = 2.0 * self.cholesky.diagonal(dim1=1, dim2=2).log().sum(1)
        trace = torch.cholesky_inverse(self.cholesky).diagonal(dim1=1, dim2=2).sum(1)
        return -0.5 * self.prior_examples * (log_det + self.prior_variance * trace).sum()

    def _sample_components(self, k: Tensor, rng: torch.Generator | None) -> Tensor:
        shape = (len(k), self.means.shape[1], 1)
        eps = torch.randn(shape, generator=rng, dtype=self.means.dtype, device=k.device)
        return self.means[k] + (self.cholesky[k] @ eps)[..., 0]
