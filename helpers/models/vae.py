r"""The variational autoencoder: a latent-variable model trained on a bound on its likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from helpers.checks import (
    argument_error,
    check_at_least,
    check_nonempty,
    check_same_device,
    check_shape,
)
from helpers.models.vae_observations import make_observation
from helpers.networks import evaluating
from helpers.objectives.divergences import importance_weighted_bound, kl_standard_normal
from helpers.random import normal


class VAE(nn.Module):
    r"""Latent-variable model with a learned approximate posterior.

    $$z \sim \mathcal N(0, I_L), \quad x \sim p(x \mid z), \qquad
      q(z \mid x) = \mathcal N(z; \mu(x), \mathrm{diag} \exp \mathtt{log\_var}(x))$$
    $$\log p(x) \ge \mathbb E_{q(z|x)} \log p(x \mid z) - \mathrm{KL}(q(z \mid x) \,\|\, p(z))$$

    Args:
        encoder: maps x as floats, (B, *event), to (B, 2L): first mu, then log_var.
        decoder: maps z, (B, L), to (B, *event): logits for ``"bernoulli"``, means for
            ``"gaussian"``; or to (B, num_levels, *event), logits, for ``"categorical"``.
        latent: L, the number of latent dimensions.
        likelihood: ``"bernoulli"``, x floats that are 0 or 1; ``"categorical"``, x int64 levels
            0 … num_levels − 1 (the encoder sees levels/(num_levels − 1)); ``"gaussian"``, x floats.
        num_levels: number of levels, read by the categorical likelihood only.
        beta: weight of the KL in `loss`, a plain attribute that a callback may change; 1 is the
            bound on the likelihood.
        std: standard deviation of the Gaussian likelihood, or ``"learned"`` for one parameter.
        allow_grey: let the Bernoulli formula take x in [0, 1]; the numbers are then binary
            cross-entropies and no log-likelihoods.

    Values of x are checked at every call, except by `loss` on an accelerator, where reading them
    back would stall the queue; shapes, types and devices are always checked. All log-probabilities
    and divergences are in nats and summed over event dimensions.

    Raises:
        ValueError: an option is unknown or out of range.

    Reference: Kingma and Welling, arXiv:1312.6114; beta: Higgins et al., ICLR 2017.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> x = torch.tensor([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0]])
    >>> sorted(model.loss(x))
    ['kl', 'loss', 'reconstruction']
    >>> model.sample(3).shape
    torch.Size([3, 6])

    Taught in: Variational autoencoders.
    """

    prior_mu: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent: int,
        *,
        likelihood: str = "bernoulli",
        num_levels: int = 17,
        beta: float = 1.0,
        std: float | str = 1.0,
        allow_grey: bool = False,
    ) -> None:
        super().__init__()
        check_at_least("latent", latent, 1)
        check_at_least("beta", beta, 0.0)
        self.encoder, self.decoder, self.latent, self.beta = encoder, decoder, latent, beta
        self.observation = make_observation(
            likelihood, num_levels=num_levels, std=std, allow_grey=allow_grey
        )
        like = next(decoder.parameters(), torch.zeros(()))  # its device and dtype are the model's
        self.register_buffer("prior_mu", like.new_zeros(latent), persistent=False)
        self.observation.to(like.device)

    def prior(self) -> Distribution:
        r"""The prior p(z) = N(0, I), event shape (L,)."""
        return Independent(Normal(self.prior_mu, torch.ones_like(self.prior_mu)), 1)

    def posterior(self, x: Tensor) -> Distribution:
        r"""The approximate posterior q(z|x), batch shape (B,), event shape (L,).

        Raises:
            TypeError: x has the wrong type.
            ValueError: x has the wrong shape, device or values, or is empty.
        """
        mu, log_var = self._encode(x, check_values=True)
        return Independent(Normal(mu, (0.5 * log_var).exp()), 1)

    def likelihood(self, z: Tensor) -> Distribution:
        r"""The distribution p(x|z), batch shape that of z without its last dimension.

        Args:
            z: shape (B, L), or (K, B, L) with samples first.
        """
        return self.observation.distribution(self._decode(z), tuple(z.shape[:-1]))

    def elbo_terms(self, x: Tensor, *, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        r"""The two terms of the bound, the first from one reparameterised draw of z.

        $$\mathrm{ELBO}(x) = \mathbb E_q \log p(x \mid z) - \mathrm{KL}(q \,\|\, p), \qquad
          z = \mu + \mathrm{std} \odot \varepsilon, \quad \varepsilon \sim \mathcal N(0, I)$$

        Returns:
            log p(x|z), shape (B,), an unbiased draw, and KL, shape (B,), exact and never negative.
        """
        mu, log_var = self._encode(x, check_values=True)
        return self._elbo_terms(x, mu, log_var, rng)

    def log_weights(
        self, x: Tensor, *, num_samples: int, rng: torch.Generator | None = None
    ) -> Tensor:
        r"""Log importance weights log p(x|z) + log p(z) − log q(z|x) of draws z ~ q(z|x).

        Returns:
            Shape (K, B) with K = `num_samples`, with gradient; their exponentials have mean p(x).
        """
        check_at_least("num_samples", num_samples, 1)
        mu, log_var = self._encode(x, check_values=True)
        log_likelihood, log_ratio = self._weight_terms(x, mu, log_var, num_samples, rng)
        return log_likelihood + log_ratio

    @torch.no_grad()
    def log_prob_bound(
        self,
        x: Tensor,
        *,
        num_samples: int,
        rng: torch.Generator | None = None,
        chunk: int = 2048,
    ) -> Tensor:
        r"""Importance-weighted lower bound on log p(x), without gradient or dropout.

        $$\mathcal L_K(x) = \log \frac1K \sum_{k=1}^K \frac{p(x, z_k)}{q(z_k \mid x)}
          \le \log p(x) \quad \text{on average}$$

        Args:
            x: shape (B, *event).
            num_samples: K; the bound tightens as it grows. State it beside every figure.
            rng: source of the draws.
            chunk: how many pairs of example and sample are decoded at once: bounds the memory.

        Returns:
            Shape (B,), nats, higher is better.

        Reference: Burda et al., arXiv:1509.00519.
        """
        check_at_least("num_samples", num_samples, 1)
        check_at_least("chunk", chunk, 1)
        self.observation.check_type(x)
        bounds = []
        with evaluating(self):
            for part in torch.split(x, chunk):
                mu, log_var = self._encode(part, check_values=True)
                total = torch.full_like(mu[:, 0], -math.inf)  # log of the sum of weights so far
                rows = max(1, chunk // len(part))
                for start in range(0, num_samples, rows):
                    k = min(rows, num_samples - start)
                    log_likelihood, log_ratio = self._weight_terms(part, mu, log_var, k, rng)
                    log_sum = torch.logsumexp(log_likelihood + log_ratio, 0)
                    total = torch.logaddexp(total, log_sum)
                bounds.append(total - math.log(num_samples))
        return torch.cat(bounds)

    def loss(
        self, x: Tensor, *, num_samples: int = 1, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        r"""What training minimises: reconstruction + beta · KL, or the importance-weighted bound.

        Args:
            x: shape (B, *event).
            num_samples: 1 for the ELBO; K > 1 for −log of the mean of K weights (IWAE), which needs
                beta = 1.
            rng: source of the draws.

        Returns:
            Means over the batch, nats: ``loss`` with graph; detached ``reconstruction``,
            −log p(x|z), and ``kl``. With `num_samples` = 1, loss = reconstruction + beta · kl.
        """
        check_at_least("num_samples", num_samples, 1)
        if num_samples > 1 and self.beta != 1:
            hint = "the importance-weighted objective has no KL to weigh"
            raise argument_error("beta", "be 1 when num_samples > 1", self.beta, hint)
        mu, log_var = self._encode(x, check_values=self.prior_mu.device.type == "cpu")
        if num_samples == 1:
            log_likelihood, kls = self._elbo_terms(x, mu, log_var, rng)
            weighted_kls = kls if self.beta == 1 else self.beta * kls  # (B,)
            loss = (weighted_kls - log_likelihood).mean()  # one mean: a graph with fewer nodes
            reconstruction, kl = -log_likelihood.detach().mean(), kls.detach().mean()
            return {"loss": loss, "reconstruction": reconstruction, "kl": kl}
        terms = self._weight_terms(x, mu, log_var, num_samples, rng)
        loss = -importance_weighted_bound(terms[0] + terms[1]).mean()
        reconstruction, kl = -terms[0].mean(), kl_standard_normal(mu, log_var).mean()
        return {"loss": loss, "reconstruction": reconstruction.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Draw n examples: z from the prior, then x from p(x|z) (draws, no means).

        Returns:
            Shape (n, *event), of the type that the model takes as x.
        """
        check_at_least("n", n, 1)
        z = normal((n, self.latent), self.prior_mu, rng)
        with evaluating(self):
            return self.observation.sample(self._decode(z), rng)

    @torch.no_grad()
    def decode_mean(self, z: Tensor) -> Tensor:
        r"""The mean of p(x|z), without gradient or dropout.

        Args:
            z: shape (..., L).

        Returns:
            Shape (..., *event): probabilities of a 1 for Bernoulli; means for Gaussian; for
            categorical the expected level divided by num_levels − 1, in [0, 1].
        """
        with evaluating(self):
            mean = self.observation.mean(self._decode(z))
        return mean.reshape(*z.shape[:-1], *mean.shape[1:])

    def reconstruct(self, x: Tensor) -> Tensor:
        r"""The mean of p(x|z) at the posterior's mean z = mu(x), shape (B, *event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.posterior(x).mean)

    def _encode(self, x: Tensor, *, check_values: bool) -> tuple[Tensor, Tensor]:
        observation, own = self.observation, self.prior_mu  # each look-up in a module costs
        observation.check_type(x)
        check_nonempty("x", x)
        check_same_device("x", x, "the model", own.device)
        if x.ndim < 2:
            raise argument_error("x", "have shape (B, *event)", tuple(x.shape), "add x[None]")
        if x.is_floating_point() and x.dtype != own.dtype:
            expected = f"have the model's type {own.dtype}"
            raise argument_error("x", expected, x.dtype, "convert it with x.to(…)", TypeError)
        if check_values:
            observation.check_values(x)
        output = self.encoder(observation.encoder_input(x, own.dtype))
        check_shape("encoder's output", output, (len(x), 2 * self.latent), hint="mu, then log_var")
        mu, log_var = output.chunk(2, -1)  # (B, L) each
        return mu, log_var

    def _decode(self, z: Tensor) -> Tensor:
        check_shape("z", z, (..., self.latent))
        parameters: Tensor = self.decoder(z if z.ndim == 2 else z.reshape(-1, self.latent))
        return parameters

    def _elbo_terms(
        self, x: Tensor, mu: Tensor, log_var: Tensor, rng: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        z = mu + (0.5 * log_var).exp() * normal(mu.shape, mu, rng)
        return self._log_likelihood(x, z), kl_standard_normal(mu, log_var)

    def _weight_terms(
        self, x: Tensor, mu: Tensor, log_var: Tensor, k: int, rng: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        r"""Log p(x|z) and log p(z) − log q(z|x) of K draws, both (K, B)."""
        eps = normal((k, *mu.shape), mu, rng)  # (K, B, L)
        z = mu + (0.5 * log_var).exp() * eps
        # The normalising constants of the two normal densities cancel.
        log_ratio = 0.5 * (eps.square() + log_var - z.square()).sum(-1)
        return self._log_likelihood(x, z), log_ratio

    def _log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        r"""Log p(x|z) for z of shape (B, L) or (K, B, L): shape (B,) or (K, B)."""
        observation = self.observation
        parameters = self._decode(z)  # (B, …) or (K·B, …)
        event = observation.event_shape(parameters)
        if x.shape[1:] != event:
            check_shape("x", x, ("B", *event), hint="the decoder's output has the shape of x")
        if z.ndim == 2:
            return observation.log_prob(parameters, x)
        x = x.expand(len(z), *x.shape).reshape(-1, *event)  # (K·B, *event)
        return observation.log_prob(parameters, x).reshape(z.shape[:-1])
