"""Mixtures of Gaussians with full covariances, fitted by EM, and what to do when one collapses."""

import math

import torch
from torch import Generator, Tensor

from helpers.checks import Dimension, argument_error, check_between, check_data
from helpers.models.mixture import Mixture
from helpers.random import normal


class GaussianMixture(Mixture):
    r"""A mixture of K Gaussians, each with its own full covariance.

    $$p(x) = \sum_{k=1}^K \pi_k\, \mathcal N(x; \mu_k, \Sigma_k)$$

    The likelihood has no maximum: a component on a single point gains without limit as its
    covariance shrinks. A prior of A pseudo-examples of variance v bounds it, and the M-step becomes

    $$\Sigma_k = \frac{S_k + A v I}{N_k + A},$$

    where S_k is the scatter around μ_k and N_k the number of examples of component k.

    Buffers after fitting: `weights` (K,), `means` (K, *event), `covariances` and their factors
    `cholesky` (K, D, D).

    Args:
        components: K.
        prior_examples: A; zero is maximum likelihood, where a collapse is an error.
        prior_variance: v, in squared units of the data.

    Taught in: background/classical_models
    """

    means: Tensor
    covariances: Tensor
    cholesky: Tensor

    def __init__(
        self, components: int, *, prior_examples: float = 0.0, prior_variance: float = 1.0
    ) -> None:
        super().__init__(components)
        check_between("prior_examples", prior_examples, 0)
        check_between("prior_variance", prior_variance, 0, ends="()")
        self.prior_examples, self.prior_variance = prior_examples, prior_variance
        self.register_buffer("means", torch.zeros(components, 0))
        self.register_buffer("covariances", torch.zeros(components, 0, 0))
        self.register_buffer("cholesky", torch.zeros(components, 0, 0))

    def _look(self, x: Tensor, shape: tuple[Dimension, ...] = ()) -> Tensor:
        return check_data("x", x, shape or ("B", *self.means.shape[1:]), like=self.weights)

    def _prepare(self, x: Tensor, event: torch.Size) -> None:
        self.means = x.mean(0).reshape(event).repeat(self.components, *[1] * len(event))
        offsets = x - x.mean(0)
        self.covariances = (offsets.T @ offsets / len(x)).repeat(self.components, 1, 1)

    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        counts = r.sum(0)[:, None]  # (K, 1)
        centre = x.mean(0)
        x = x - centre  # sums far from the origin would lose digits
        before = self.means.reshape(len(self.means), -1) - centre
        means = torch.where(alive[:, None], r.T @ x / counts.clamp_min(1e-8), before)
        offsets = x - means[:, None]  # (K, N, D)
        scatter = (r.T[..., None] * offsets).mT @ offsets  # (K, D, D)
        a, identity = self.prior_examples, torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        counts = counts[..., None]
        fitted = (scatter + a * self.prior_variance * identity) / (counts + a).clamp_min(1e-8)
        if a == 0:
            fitted = torch.where(alive[:, None, None], fitted, self.covariances)
        self.means, self.covariances = (means + centre).reshape(self.means.shape), fitted
        self.cholesky = _factorised(fitted, counts.flatten(), float(x.square().mean(0).max()))

    def _log_components(self, x: Tensor) -> Tensor:
        offsets = (x - self.means.reshape(self.components, 1, -1)).mT  # (K, D, N)
        white = torch.linalg.solve_triangular(self.cholesky, offsets, upper=False)
        constant = x.shape[1] * math.log(2.0 * math.pi)
        log_density: Tensor = -0.5 * (white.square().sum(1) + self._log_det()[:, None] + constant)
        return log_density.T  # (N, K)

    def _log_det(self) -> Tensor:
        return 2.0 * self.cholesky.diagonal(dim1=1, dim2=2).log().sum(1)  # (K,)

    def _log_prior(self) -> Tensor | float:
        trace = torch.cholesky_inverse(self.cholesky).diagonal(dim1=1, dim2=2).sum(1)
        return -0.5 * self.prior_examples * (self._log_det() + self.prior_variance * trace).sum()

    def _sample_components(self, k: Tensor, rng: Generator | None) -> Tensor:
        means = self.means[k]  # (n, *event)
        eps = normal((len(k), self.cholesky.shape[1], 1), means, rng)
        return means + (self.cholesky[k] @ eps).reshape(means.shape)


def _factorised(covariances: Tensor, counts: Tensor, scale: float) -> Tensor:
    """Cholesky factors; `scale` is the largest variance of the data, to compare others with."""
    factors: Tensor
    factors, info = torch.linalg.cholesky_ex(covariances)
    pivots = factors.diagonal(dim1=1, dim2=2).square().amin(1)  # (K,) conditional variances
    rounding = 10 * factors.shape[1] * torch.finfo(factors.dtype).eps
    bad = (info > 0) | (pivots <= rounding * scale)
    if bad.any():
        k = int(bad.nonzero()[0])
        got = f"a singular one for component {k} (examples: {float(counts[k]):.3g})"
        hint = "set prior_examples above 0 or use fewer components"
        raise argument_error("x", "give each component a regular covariance", got, hint)
    return factors
