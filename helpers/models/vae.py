"""The variational autoencoder: a latent-variable model trained on a bound on its likelihood."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_between, check_counts, check_data, check_shape
from helpers.distributions import Bernoulli, Gaussian, Support
from helpers.distributions.support import widen
from helpers.networks import evaluating
from helpers.objectives.divergences import importance_weighted_bound
from helpers.random import normal


class VAE(nn.Module):
    r"""Latent-variable model with a learned approximate posterior.

    $$z \sim \mathcal N(0, I_L), \quad x \sim p(x \mid z), \qquad
      q(z \mid x) = \mathcal N(z; \mu(x), \mathrm{diag} \exp \mathtt{log\_var}(x))$$
    $$\log p(x) \ge \mathbb E_{q(z|x)} \log p(x \mid z) - \mathrm{KL}(q(z \mid x) \,\|\, p(z))$$

    Args:
        encoder: maps x as floats, (B, *event), to (B, 2L): first mu, then log_var. The levels of a
            categorical x come divided by the largest one.
        decoder: maps z, (B, L), to what `likelihood` reads. It is run once here, to learn the
            event's shape.
        latent: L, the number of latent dimensions.
        likelihood: turns the decoder's output into the distribution p(x|z): `Bernoulli`,
            `Categorical`, or a `GaussianLikelihood`.
        beta: weight of the KL in `loss`, a plain attribute that a callback may change; 1 is the
            bound on the likelihood.

    All log-probabilities and divergences are in nats and summed over event dimensions.

    Reference: Kingma and Welling, arXiv:1312.6114; beta: Higgins et al., ICLR 2017.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> x = torch.tensor([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0]])
    >>> sorted(model.loss(x))
    ['kl', 'loss', 'reconstruction']
    >>> model.sample(3).shape
    torch.Size([3, 6])

    Taught in: models/vae
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent: int,
        *,
        likelihood: Callable[[Tensor], Any] = Bernoulli,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        check_between("beta", beta, 0, math.inf, ends="[)")
        self.encoder, self.decoder, self.latent, self.beta = encoder, decoder, latent, beta
        self.observation = likelihood
        with torch.no_grad(), evaluating(self):
            example = self.likelihood(self._weight.new_zeros(1, latent))
        self.event: tuple[int, ...] = tuple(example.mean.shape[1:])
        self.support: Support = example.support

    def prior(self, n: int = 1) -> Any:
        """The prior p(z) = N(0, I), a `Gaussian` with the shape (n, L)."""
        zeros = self._weight.new_zeros(n, self.latent)
        return Gaussian(zeros, zeros)

    def posterior(self, x: Tensor) -> Any:
        """The approximate posterior q(z|x), a `Gaussian` with the shape (B, L)."""
        return self._posterior(self._check(x))

    def likelihood(self, z: Tensor) -> Any:
        """The distribution p(x|z), (B, *event), for z of shape (B, L)."""
        check_shape("z", z, ("B", self.latent))
        return self.observation(self.decoder(z))

    def elbo_terms(self, x: Tensor, *, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        r"""The two terms of the bound, both (B,): log p(x|z) of one draw of z, and the exact KL.

        $$\mathrm{ELBO}(x) = \mathbb E_q \log p(x \mid z) - \mathrm{KL}(q \,\|\, p), \qquad
          z = \mu + \mathrm{std} \odot \varepsilon, \quad \varepsilon \sim \mathcal N(0, I)$$
        """
        q = self.posterior(x)
        z = q.rsample(rng)
        return self.likelihood(z).log_prob(x), q.kl_standard()

    def loss(
        self, x: Tensor, *, num_samples: int = 1, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What training minimises: reconstruction + beta · KL, or the importance-weighted bound.

        Args:
            x: (B, *event).
            num_samples: 1 for the ELBO; K > 1 for −log of the mean of K weights (IWAE), which needs
                beta = 1.
            rng: source of the draws.

        Returns:
            Means over the batch, nats: ``loss`` with graph; detached ``reconstruction``,
            −log p(x|z), and ``kl``, exact with `num_samples` = 1, else a mean over the draws. With
            `num_samples` = 1, loss = reconstruction + beta · kl.
        """
        check_counts(num_samples=num_samples)
        if num_samples == 1:
            log_likelihood, kl = self.elbo_terms(x, rng=rng)
            loss = (self.beta * kl - log_likelihood).mean()
        else:
            if self.beta != 1:
                raise argument_error("beta", "be 1 when num_samples > 1", self.beta)
            x = self._check(x)
            q = self._posterior(x)
            log_likelihood, log_ratio = self._weight_terms(x, q, num_samples, rng)
            loss = -importance_weighted_bound(log_likelihood + log_ratio).mean()
            kl = -log_ratio
        reconstruction = -log_likelihood.detach().mean()
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl.detach().mean()}

    def log_weights(
        self, x: Tensor, *, num_samples: int, rng: torch.Generator | None = None
    ) -> Tensor:
        """Log importance weights log p(x|z) + log p(z) − log q(z|x) of draws z ~ q(z|x): (K, B).

        Their exponentials have mean p(x).
        """
        x = self._check(x)
        log_likelihood, log_ratio = self._weight_terms(x, self._posterior(x), num_samples, rng)
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
            x: (B, *event).
            num_samples: K; the bound tightens as it grows. State it beside every figure.
            rng: source of the draws.
            chunk: how many pairs of example and sample are decoded at once: bounds the memory.

        Returns:
            (B,), nats, higher is better.

        Reference: Burda et al., arXiv:1509.00519.
        """
        check_counts(num_samples=num_samples, chunk=chunk)
        bounds = []
        with evaluating(self):
            for part in torch.split(self._check(x), chunk):
                q, log_sums = self._posterior(part), []
                rows = max(1, chunk // len(part))
                for start in range(0, num_samples, rows):
                    k = min(rows, num_samples - start)
                    log_likelihood, log_ratio = self._weight_terms(part, q, k, rng)
                    log_sums.append(torch.logsumexp(log_likelihood + log_ratio, 0))
                log_sum = torch.logsumexp(torch.stack(log_sums), 0)
                bounds.append(log_sum - math.log(num_samples))
        return torch.cat(bounds)

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Draw n examples, (n, *event): z from the prior, then x from p(x|z) (draws, no means)."""
        with evaluating(self):
            z = self.prior(n).sample(rng)
            x: Tensor = self.likelihood(z).sample(rng)
        return x

    @torch.no_grad()
    def decode_mean(self, z: Tensor) -> Tensor:
        """The mean of p(x|z), without gradient or dropout: (..., L) to (..., *event).

        For a categorical x it is the expected level divided by the largest one, in [0, 1].
        """
        check_shape("z", z, (..., self.latent))
        with evaluating(self):
            mean = self._unit(self.likelihood(z.reshape(-1, self.latent)).mean)
        return mean.reshape(*z.shape[:-1], *self.event)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The mean of p(x|z) at the posterior's mean z = mu(x), shape (B, *event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.posterior(x).mean)

    @property
    def _weight(self) -> Tensor:
        """A parameter: knows the model's device and type."""
        return next(self.parameters())

    def _check(self, x: Tensor) -> Tensor:
        kind, low, high = self.support
        return check_data("x", x, ("B", *self.event), kind, like=self._weight, low=low, high=high)

    def _unit(self, x: Tensor) -> Tensor:
        """Levels as numbers in [0, 1]; other values as they are."""
        if self.support.kind == "integer":
            x = x.to(self._weight.dtype) / self.support.high
        return x

    def _posterior(self, x: Tensor) -> Any:
        output = self.encoder(self._unit(x))
        check_shape("encoder's output", output, (len(x), 2 * self.latent), hint="mu, then log_var")
        mu, log_var = output.chunk(2, -1)  # (B, L) each
        return Gaussian(mu, 0.5 * log_var)

    def _weight_terms(
        self, x: Tensor, q: Any, k: int, rng: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Log p(x|z) and log p(z) − log q(z|x) of k draws of q, both (K, B)."""
        eps = normal((k, *q.mean.shape), q.mean, rng)
        z = q.mean + q.std * eps  # (K, B, L)
        # Of the two normal densities the normalising constants cancel.
        log_ratio = (widen(eps).square() + 2 * widen(q.log_std) - widen(z).square()).sum(-1) / 2
        repeated = x.expand(k, *x.shape).flatten(0, 1)  # (K·B, *event)
        log_likelihood = self.likelihood(z.flatten(0, 1)).log_prob(repeated)
        return log_likelihood.reshape(k, len(x)), log_ratio
