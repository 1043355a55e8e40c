"""Two levels of latent variables: a VAE whose prior and posterior are drawn from the top down.

Taught in: models/vae
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from helpers.checks import check_counts, check_shape
from helpers.distributions import Bernoulli, Gaussian
from helpers.models.vae import VAE


class TwoLevels:
    r"""A distribution of z = (z₂, z₁), the top level first: $r(z) = r(z_2)\, r(z_1 \mid z_2)$.

    Without `evidence` it is the prior, with $r(z_1 \mid z_2) = p(z_1 \mid z_2)$ from the network.
    With evidence $\mathcal N(z_1; \hat\mu, \hat\sigma^2)$, as from an x, it is a posterior, with
    $r(z_1 \mid z_2) \propto p(z_1 \mid z_2)\, \mathcal N(z_1; \hat\mu, \hat\sigma^2)$.

    Args:
        top: r(z₂), (B, L₂).
        network: maps z₂ to mu, then log_var of p(z₁|z₂), (B, 2L₁).
        evidence: (B, L₁).
    """

    def __init__(self, top: Gaussian, network: nn.Module, evidence: Gaussian | None = None) -> None:
        self.top, self.network, self.evidence = top, network, evidence

    def low(self, z2: Tensor) -> Gaussian:
        """The conditional r(z₁|z₂), (B, L₁)."""
        mu, log_var = self.network(z2).chunk(2, -1)
        prior = Gaussian(mu, 0.5 * log_var)
        return prior if self.evidence is None else product(self.evidence, prior)

    @property
    def mean(self) -> Tensor:
        """The mean of r(z₂), and that of r(z₁|z₂) there: (B, L₂ + L₁)."""
        return torch.cat([self.top.mean, self.low(self.top.mean).mean], -1)

    def rsample(self, rng: torch.Generator | None = None) -> Tensor:
        """A draw of both levels, through which gradients flow: (B, L₂ + L₁)."""
        z2 = self.top.rsample(rng)
        return torch.cat([z2, self.low(z2).rsample(rng)], -1)

    @torch.no_grad()
    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """A draw without gradient."""
        return self.rsample(rng)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log r(z₂) + log r(z₁|z₂), (B,), nats."""
        z2, z1 = self.split(z)
        return self.top.log_prob(z2) + self.low(z2).log_prob(z1)

    def kl_levels(self, other: TwoLevels, z: Tensor) -> Tensor:
        """The divergence from `other` in two parts, (2, B), nats, for a draw z of this one.

        That of z₂ is exact. That of z₁ is exact given z₂, so its mean over draws counts.
        """
        z2, _ = self.split(z)
        return torch.stack([self.top.kl(other.top), self.low(z2).kl(other.low(z2))])

    def split(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Both levels, z₂ and z₁."""
        width = self.top.mean.shape[-1]
        return z[..., :width], z[..., width:]


def product(a: Gaussian, b: Gaussian) -> Gaussian:
    r"""The Gaussian that is proportional to the product of two densities: precisions add.

    $$\sigma^{-2} = \sigma_a^{-2} + \sigma_b^{-2}, \qquad
      \mu = \sigma^2 (\sigma_a^{-2} \mu_a + \sigma_b^{-2} \mu_b)$$
    """
    share = torch.sigmoid(2 * (b.log_std - a.log_std))  # of a: σ²/σ_a²
    log_std = a.log_std + 0.5 * nn.functional.logsigmoid(2 * (b.log_std - a.log_std))
    return Gaussian(share * a.mean + (1 - share) * b.mean, log_std)


class HierarchicalVAE(VAE):
    r"""A VAE with two levels of latent variables, z = (z₂, z₁), and inference from the top down.

    $$p(x) = \int p(z_2)\, p(z_1 \mid z_2)\, p(x \mid z_1, z_2)\, \mathrm dz, \qquad
      q(z \mid x) = q(z_2 \mid x)\, q(z_1 \mid z_2, x)$$
    $$q(z_1 \mid z_2, x) \propto p(z_1 \mid z_2)\, \mathcal N(z_1; \hat\mu(x), \hat\sigma^2(x))$$

    `prior` and `posterior` are `TwoLevels`; all else is as in `VAE`, with L = L₂ + L₁.

    Args:
        encoder: maps x to (B, 2L₂ + 2L₁): mu and log_var of q(z₂|x), then those of the evidence.
        top_down: maps z₂, (B, L₂), to mu, then log_var of p(z₁|z₂), (B, 2L₁).
        decoder: maps z, (B, L₂ + L₁), to what `likelihood` reads.
        latents: L₂ and L₁.
        likelihood: as in `VAE`.
        beta: weight of both divergences in `loss`.

    Reference: Sønderby et al., arXiv:1602.02282.

    >>> from helpers.networks import MLP
    >>> networks = MLP(6, [16], 10), MLP(2, [8], 6), MLP(5, [16], 6)
    >>> model = HierarchicalVAE(*networks, (2, 3))
    >>> model.kl_levels(torch.zeros(4, 6)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        encoder: nn.Module,
        top_down: nn.Module,
        decoder: nn.Module,
        latents: Sequence[int],
        *,
        likelihood: Callable[[Tensor], Any] = Bernoulli,
        beta: float = 1.0,
    ) -> None:
        top, low = latents
        check_counts(**{"latents[0]": top, "latents[1]": low})
        super().__init__(encoder, decoder, top + low, likelihood=likelihood, beta=beta)
        self.top_down, self.latents = top_down, (top, low)

    def prior(self, n: int = 1) -> Any:
        """The prior p(z₂) p(z₁|z₂), a `TwoLevels` of n rows; p(z₂) = N(0, I)."""
        zeros = self._weight.new_zeros(n, self.latents[0])
        return TwoLevels(Gaussian(zeros, zeros), self.top_down)

    def elbo_terms(self, x: Tensor, *, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Both (B,), for one draw of z: log p(x|z), and the sum of `kl_levels`."""
        q = self.posterior(x)
        z = q.rsample(rng)
        return self.likelihood(z).log_prob(x), q.kl_levels(self.prior(), z).sum(0)

    @torch.no_grad()
    def kl_levels(self, x: Tensor, *, rng: torch.Generator | None = None) -> Tensor:
        """The divergence of each level, z₂ first, for one draw of z: (2, B), nats."""
        q = self.posterior(x)
        levels: Tensor = q.kl_levels(self.prior(), q.sample(rng))
        return levels

    def _posterior(self, x: Tensor) -> Any:
        output = self.encoder(self._unit(x))
        hint = "mu and log_var of z₂, then of the evidence for z₁"
        check_shape("encoder's output", output, (len(x), 2 * self.latent), hint=hint)
        top, low = self.latents
        mu2, log_var2, mu1, log_var1 = output.split([top, top, low, low], -1)
        evidence = Gaussian(mu1, 0.5 * log_var1)
        return TwoLevels(Gaussian(mu2, 0.5 * log_var2), self.top_down, evidence)

    def _weight_terms(
        self, x: Tensor, q: Any, k: int, rng: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        q = TwoLevels(_repeated(q.top, k), self.top_down, _repeated(q.evidence, k))
        z = q.rsample(rng)  # (K·B, L)
        log_ratio = self.prior().log_prob(z) - q.log_prob(z)
        repeated = x.expand(k, *x.shape).flatten(0, 1)  # (K·B, *event)
        log_likelihood = self.likelihood(z).log_prob(repeated)
        return log_likelihood.reshape(k, -1), log_ratio.reshape(k, -1)


def _repeated(q: Gaussian, k: int) -> Gaussian:
    return Gaussian(q.mean.repeat(k, 1), q.log_std.repeat(k, 1))
