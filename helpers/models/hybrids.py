r"""Autoencoders with an adversary: the adversarial autoencoder and the VAE/GAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from helpers.checks import argument_error, check_at_least, check_positive, check_shape
from helpers.models.prior_decoder import PriorDecoder
from helpers.models.vae_observations import GaussianObservation
from helpers.networks import evaluating
from helpers.objectives import adversarial
from helpers.objectives.divergences import kl_standard_normal
from helpers.random import normal


class AdversarialAutoencoder(PriorDecoder):
    r"""An autoencoder whose codes are pushed towards N(0, I) by a discriminator of codes.

    For the discriminator a draw of the prior is real and the code of an example is generated:

    $$ L_{AE} = -\mathbb E_x \log \mathcal N(x; g(f(x)), \mathrm{std}^2 I) $$
    $$ L_D = -\mathbb E_{z \sim \mathcal N(0, I)} \log D(z) - \mathbb E_x \log(1 - D(f(x))), \qquad
       L_f = -\mathbb E_x \log D(f(x)) $$

    The game constrains the aggregate posterior, the distribution of f(x) over all x, and no code of
    a single example. There is no bound on the likelihood, hence no `loss` and no `log_prob_bound`.

    Args:
        encoder: f, maps x (B, \*event) to codes (B, L).
        decoder: g, maps codes (B, L) to means (B, \*event).
        discriminator: maps codes (B, L) to logits (B, 1); positive means drawn from the prior.
        latent: L.
        std: of the Gaussian likelihood in units of x, or ``"learned"``.

    Raises:
        ValueError: an option is out of range.

    Reference: Makhzani et al. 2015, arXiv 1511.05644.

    >>> from helpers.networks import MLP
    >>> model = AdversarialAutoencoder(MLP(6, [8], 2), MLP(2, [8], 6), MLP(2, [8], 1), 2)
    >>> model.encode(torch.zeros(5, 6)).shape, model.sample(3).shape
    (torch.Size([5, 2]), torch.Size([3, 6]))

    Taught in: hybrids.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        latent: int,
        *,
        std: float | str = "learned",
    ) -> None:
        super().__init__(encoder, decoder, latent)
        self.discriminator, self.observation = discriminator, GaussianObservation(std)

    def encode(self, x: Tensor) -> Tensor:
        r"""The code f(x) of each example, with graph: (B, L)."""
        return self._run_encoder(x, self.latent)

    def reconstruct(self, x: Tensor) -> Tensor:
        r"""The decoded codes g(f(x)), without gradient or dropout: (B, \*event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.encode(x))

    def reconstruction_loss(self, x: Tensor) -> dict[str, Tensor]:
        r"""What encoder and decoder minimise together: ``loss``, the mean of −log p(x|f(x)), nats.

        Args:
            x: (B, \*event), finite floats.

        Raises:
            TypeError: `x` is no floating-point tensor.
            ValueError: no examples, a wrong shape or device, or values that are not finite.
        """
        means = self._run_decoder(self.encode(x), x)
        return {"loss": -self.observation.log_prob(means, x).mean()}

    def discriminator_loss(
        self, x: Tensor, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        r"""What the discriminator minimises; no gradient reaches the encoder.

        Returns:
            ``loss`` with graph; detached mean logits ``prior`` and ``codes``.
        """
        codes = self.encode(x).detach()
        prior_logits = self._judge(self.latents(len(x), rng=rng))
        code_logits = self._judge(codes)
        loss = adversarial.discriminator_loss(prior_logits, code_logits).mean()
        logits = {"prior": prior_logits, "codes": code_logits}
        return {"loss": loss, **{name: value.detach().mean() for name, value in logits.items()}}

    def encoder_loss(self, x: Tensor) -> dict[str, Tensor]:
        r"""What the encoder minimises to make its codes pass for draws of the prior: ``loss``."""
        return {"loss": adversarial.generator_loss(self._judge(self.encode(x))).mean()}

    def _judge(self, z: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(z)
        check_shape("discriminator's output", logits, (len(z), 1))
        return logits[:, 0]


class VAEGAN(PriorDecoder):
    r"""A VAE that measures its reconstructions with the features of a discriminator.

    With features $d(x)$ of the discriminator, a draw $z$ of $q(z|x)$ and a draw $z_p$ of the prior:

    $$ S(x) = \frac{\lVert d(x) - d(g(z)) \rVert^2}{2\,\mathtt{feature\_std}^2}, \qquad
       L_{enc} = \mathbb E_x [ S(x) + \mathrm{KL}(q(z|x) \,\|\, p(z)) ] $$
    $$ L_{dis} = -\mathbb E_x [ \log D(x) + \log(1 - D(g(z))) + \log(1 - D(g(z_p))) ] $$
    $$ L_{dec} = \mathbb E_x [ \gamma S(x) - \log D(g(z)) - \log D(g(z_p)) ] $$

    The decoder is at the same time the generator of a GAN; its adversarial loss is the
    non-saturating one. The similarity replaces a density of x, so there is no bound on log p(x).

    Args:
        encoder: maps x (B, \*event) to (B, 2L), first mu, then log_var.
        decoder: maps codes (B, L) to examples (B, \*event).
        features: maps x (B, \*event) to features, (B, …), which measure similarity.
        head: maps the features to logits (B, 1).
        latent: L.
        gamma: weight of the similarity in the decoder's loss, at least 0.
        feature_std: standard deviation of the normal density of the features, in their unit. Where
            it is large against their spread, the KL outweighs the similarity and q(z|x) collapses.

    Raises:
        ValueError: an option is out of range.

    Reference: Larsen et al. 2015, arXiv 1512.09300.

    >>> from helpers.networks import MLP
    >>> model = VAEGAN(MLP(6, [8], 4), MLP(2, [8], 6), MLP(6, [8], 5), MLP(5, [], 1), 2)
    >>> sorted(model.encoder_loss(torch.zeros(3, 6)))
    ['kl', 'loss', 'similarity']

    Taught in: hybrids.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        features: nn.Module,
        head: nn.Module,
        latent: int,
        *,
        gamma: float = 1.0,
        feature_std: float = 1.0,
    ) -> None:
        super().__init__(encoder, decoder, latent)
        check_at_least("gamma", gamma, 0.0)
        check_positive("feature_std", feature_std)
        self.features, self.head = features, head
        self.gamma, self.feature_std = gamma, feature_std

    def posterior(self, x: Tensor) -> Distribution:
        r"""The approximate posterior q(z|x), batch shape (B,), event shape (L,)."""
        mu, log_var = self._encode(x)
        return Independent(Normal(mu, (0.5 * log_var).exp()), 1)

    def reconstruct(self, x: Tensor) -> Tensor:
        r"""The decoder's output at the posterior's mean: (B, \*event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.posterior(x).mean)

    def similarity(self, x: Tensor, other: Tensor) -> Tensor:
        r"""Squared distance of features over 2·feature_std², of two batches (B, \*event): (B,)."""
        if x.shape != other.shape:
            raise argument_error("other", f"have the shape {tuple(x.shape)}", tuple(other.shape))
        difference = self.features(x) - self.features(other)
        squares: Tensor = difference.flatten(1).square().sum(1)
        return squares / (2 * self.feature_std**2)

    def encoder_loss(self, x: Tensor, *, rng: torch.Generator | None = None) -> dict[str, Tensor]:
        r"""What the encoder minimises: ``loss``; detached ``similarity`` and ``kl``, in nats."""
        (mu, log_var), x_hat = self._redraw(x, rng)
        similarity, kl = self.similarity(x, x_hat).mean(), kl_standard_normal(mu, log_var).mean()
        terms = {"similarity": similarity.detach(), "kl": kl.detach()}
        return {"loss": similarity + kl, **terms}

    def decoder_loss(self, x: Tensor, *, rng: torch.Generator | None = None) -> dict[str, Tensor]:
        r"""What the decoder minimises: ``loss``; detached ``similarity`` and ``adversarial``."""
        x_hat = self._redraw(x, rng)[1]
        x_prior = self._run_decoder(self.latents(len(x), rng=rng), x)
        similarity = self.similarity(x, x_hat).mean()
        both = [adversarial.generator_loss(self.logits(fake)) for fake in (x_hat, x_prior)]
        fooling = (both[0] + both[1]).mean()
        terms = {"similarity": similarity.detach(), "adversarial": fooling.detach()}
        return {"loss": self.gamma * similarity + fooling, **terms}

    def discriminator_loss(
        self, x: Tensor, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        r"""What the discriminator minimises, ``loss``; no gradient reaches the other networks."""
        with torch.no_grad():
            x_hat = self._redraw(x, rng)[1]
            x_prior = self._run_decoder(self.latents(len(x), rng=rng), x)
        real, redrawn, drawn = self.logits(x), self.logits(x_hat), self.logits(x_prior)
        # The two kinds of generated examples count one each, as in the article.
        second = -adversarial.generator_loss(drawn, "minimax")
        return {"loss": (adversarial.discriminator_loss(real, redrawn) + second).mean()}

    def logits(self, x: Tensor) -> Tensor:
        r"""The discriminator's logits of examples (B, \*event): (B,), positive means real."""
        self._check(x)
        logits: Tensor = self.head(self.features(x))
        check_shape("head's output", logits, (len(x), 1))
        return logits[:, 0]

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        output = self._run_encoder(x, 2 * self.latent, "mu, then log_var")
        mu, log_var = output.chunk(2, -1)  # (B, L) each
        return mu, log_var

    def _redraw(
        self, x: Tensor, rng: torch.Generator | None
    ) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Posterior parameters, and x decoded from one reparameterised draw."""
        mu, log_var = self._encode(x)
        z = mu + (0.5 * log_var).exp() * normal(mu.shape, mu, rng)
        return (mu, log_var), self._run_decoder(z, x)
