"""Probabilistic PCA: the linear latent-variable model whose likelihood has a closed form."""

import math
from typing import Self

import torch
from torch import Generator, Tensor, nn
from torch.distributions import MultivariateNormal

from helpers.checks import argument_error, check_between, check_data
from helpers.random import normal


class ProbabilisticPCA(nn.Module):
    r"""Linear map of a normal latent variable, plus isotropic normal noise.

    $$z \sim \mathcal N(0, I_L), \quad x \mid z \sim \mathcal N(W z + b, \sigma^2 I)
      \quad\Rightarrow\quad x \sim \mathcal N(b, C), \qquad C = W W^\top + \sigma^2 I$$

    `fit` finds the maximum of the likelihood in closed form: with eigenvalues $\lambda_1 \ge \dots
    \ge \lambda_D$ and eigenvectors $u_i$ of the data's covariance (divided by N),

    $$b = \bar x, \quad \sigma^2 = \frac{1}{D - L} \sum_{i > L} \lambda_i, \quad
      W = U_L (\Lambda_L - \sigma^2 I)^{1/2}$$

    `features` is D and `latent` is L < D.

    Reference: Tipping and Bishop, Journal of the Royal Statistical Society B 61, 1999.

    >>> x = torch.tensor([[-2.0, 1.0], [2.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    >>> ProbabilisticPCA(2, 1).fit(x).std  # the root of the smaller variance
    tensor(0.7071)

    Taught in: models/vae
    """

    weight: Tensor
    bias: Tensor
    std: Tensor

    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        check_between("latent", latent, 1, features - 1)
        self.features, self.latent = features, latent
        self.register_buffer("weight", torch.zeros(features, latent))  # (D, L)
        self.register_buffer("bias", torch.zeros(features))  # (D,)
        self.register_buffer("std", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> Self:
        """Set the parameters to the maximum of the likelihood of the data (N, D).

        The model takes on their device and type. In L dimensions the likelihood is unbounded.
        """
        x = check_data("x", x, ("N", self.features))
        if len(x) < 2:
            raise argument_error("x", "hold at least 2 examples", len(x), "a variance needs two")
        self.bias = x.mean(0)
        centred = x - self.bias
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(x))  # ascending
        variance = values[: -self.latent].mean()
        if variance <= torch.finfo(x.dtype).eps * values[-1]:
            expected = f"vary in more than latent = {self.latent} directions"
            raise argument_error("x", expected, "no variance left", "take fewer latent dimensions")
        scale = (values[-self.latent :].flip(0) - variance).clamp(min=0).sqrt()  # (L,)
        self.weight = (vectors[:, -self.latent :].flip(1) * scale).contiguous()
        self.std = variance.sqrt()
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood: (B, D) to (B,), nats.

        With M = WᵀW + σ²I of size L×L, det C = σ^{2(D − L)} det M.
        """
        centred = self._centred(x)
        variance = self.std.square()
        factor = torch.linalg.cholesky(self._m())
        projected = torch.linalg.solve_triangular(factor, self.weight.T @ centred.T, upper=False)
        mahalanobis = (centred.square().sum(1) - projected.square().sum(0)) / variance
        log_det = (self.features - self.latent) * variance.log() + 2 * factor.diag().log().sum()
        log_prob: Tensor = -0.5 * (self.features * math.log(2 * math.pi) + log_det + mahalanobis)
        return log_prob

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """The exact posterior p(z|x) = N(M⁻¹Wᵀ(x − b), σ²M⁻¹), M = WᵀW + σ²I.

        After `fit` M is diagonal: a VAE with a linear encoder can match this posterior exactly.
        """
        inverse = torch.linalg.inv(self._m())
        mu = self._centred(x) @ self.weight @ inverse  # (B, L)
        return MultivariateNormal(mu, self.std.square() * inverse)

    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """Draw n examples: z, then x from p(x|z), (n, D)."""
        z = normal((n, self.latent), self.bias, rng)
        noise = self.std * normal((n, self.features), self.bias, rng)
        return z @ self.weight.T + self.bias + noise

    def _m(self) -> Tensor:
        return self.weight.T @ self.weight + self.std.square().expand(self.latent).diag()

    def _centred(self, x: Tensor) -> Tensor:
        return check_data("x", x, ("B", self.features), like=self.bias) - self.bias
