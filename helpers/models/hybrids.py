"""Autoencoders with an adversary: the adversarial autoencoder and the VAE/GAN."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from helpers.checks import check_between, check_data, check_shape
from helpers.distributions import Gaussian
from helpers.distributions.support import widen
from helpers.networks import evaluating
from helpers.objectives import adversarial
from helpers.random import normal


class _Autoencoder(nn.Module):
    """An encoder, and a decoder that also takes draws z of the prior N(0, I): what both share."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.latent = encoder, decoder, latent
        self.event = self.decode_mean(self._weight.new_zeros(1, latent)).shape[1:]

    def latents(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Draw z from the prior N(0, I): (n, L)."""
        return normal((n, self.latent), self._weight, rng)

    @torch.no_grad()
    def decode_mean(self, z: Tensor) -> Tensor:
        """The decoder's output for codes (B, L), without gradient or dropout: (B, *event)."""
        check_shape("z", z, ("B", self.latent))
        with evaluating(self):
            x: Tensor = self.decoder(z)
        return x

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Decode n codes drawn from the prior, without noise on the pixels: (n, *event)."""
        return self.decode_mean(self.latents(n, rng=rng))

    @property
    def _weight(self) -> Tensor:
        """A parameter: knows the model's device and type."""
        return next(self.parameters())

    def _check(self, x: Tensor) -> Tensor:
        hint = "the decoder's output has the shape of x"
        return check_data("x", x, ("B", *self.event), like=self._weight, hint=hint)

    def _encode(self, x: Tensor, outputs: int) -> Tensor:
        output: Tensor = self.encoder(x)
        check_shape("encoder's output", output, (len(x), outputs))
        return output


def _first_column(logits: Tensor) -> Tensor:
    check_shape("discriminator's output", logits, ("B", 1))
    return logits[:, 0]


class AdversarialAutoencoder(_Autoencoder):
    r"""An autoencoder whose codes are pushed towards N(0, I) by a discriminator of codes.

    For the discriminator a draw of the prior is real and the code of an example is generated:

    $$L_{AE} = -\mathbb E_x \log p(x \mid f(x)), \qquad L_f = -\mathbb E_x \log D(f(x))$$
    $$L_D = -\mathbb E_{z \sim \mathcal N(0, I)} \log D(z) - \mathbb E_x \log(1 - D(f(x)))$$

    The game constrains the aggregate posterior, the distribution of f(x) over all x, and no code of
    a single example. There is no bound on the likelihood, hence no `loss` and no `log_prob_bound`.

    Args:
        encoder: f, maps x (B, *event) to codes (B, L).
        decoder: g, maps codes (B, L) to means (B, *event).
        discriminator: maps codes (B, L) to logits (B, 1); positive means drawn from the prior.
        latent: L.
        likelihood: turns the decoder's output into p(x|z): a `GaussianLikelihood`, for instance.

    Reference: Makhzani et al. 2015, arXiv:1511.05644.

    Taught in: models/hybrids
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        latent: int,
        *,
        likelihood: Callable[[Tensor], Any],
    ) -> None:
        super().__init__(encoder, decoder, latent)
        self.discriminator, self.observation = discriminator, likelihood

    def encode(self, x: Tensor) -> Tensor:
        """The code f(x) of each example, with graph: (B, L)."""
        return self._encode(self._check(x), self.latent)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The decoded codes g(f(x)), without gradient or dropout: (B, *event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.encode(x))

    def reconstruction_loss(self, x: Tensor) -> dict[str, Tensor]:
        """What encoder and decoder minimise together: ``loss``, mean of −log p(x|f(x)), nats."""
        p = self.observation(self.decoder(self.encode(x)))
        return {"loss": -p.log_prob(x).mean()}

    def discriminator_loss(
        self, x: Tensor, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What the discriminator minimises; no gradient reaches the encoder.

        Returns:
            ``loss`` with graph; detached mean logits ``prior`` and ``codes``.
        """
        codes = self.encode(x).detach()
        on_prior = self._judge(self.latents(len(x), rng=rng))
        on_codes = self._judge(codes)
        loss = adversarial.discriminator_loss(on_prior, on_codes).mean()
        terms = {"prior": on_prior.detach().mean(), "codes": on_codes.detach().mean()}
        return {"loss": loss, **terms}

    def encoder_loss(self, x: Tensor) -> dict[str, Tensor]:
        """What the encoder minimises to make its codes pass for draws of the prior: ``loss``."""
        return {"loss": adversarial.generator_loss(self._judge(self.encode(x))).mean()}

    def _judge(self, z: Tensor) -> Tensor:
        return _first_column(self.discriminator(z))


class VAEGAN(_Autoencoder):
    r"""A VAE that measures its reconstructions with the features of a discriminator.

    With features $d(x)$ of the discriminator, a draw $z$ of $q(z|x)$ and a draw $z_p$ of the prior:

    $$S(x) = \frac{\lVert d(x) - d(g(z)) \rVert^2}{2\,\mathtt{feature\_std}^2}, \qquad
      L_{enc} = \mathbb E_x [ S(x) + \mathrm{KL}(q(z|x) \,\|\, p(z)) ]$$
    $$L_{dis} = -\mathbb E_x [ \log D(x) + \log(1 - D(g(z))) + \log(1 - D(g(z_p))) ]$$
    $$L_{dec} = \mathbb E_x [ \gamma S(x) - \log D(g(z)) - \log D(g(z_p)) ]$$

    The decoder is at the same time the generator of a GAN; its adversarial loss is the
    non-saturating one. The similarity replaces a density of x, so there is no bound on log p(x).

    Args:
        encoder: maps x (B, *event) to (B, 2L), first mu, then log_var.
        decoder: maps codes (B, L) to examples (B, *event).
        features: maps x (B, *event) to features, (B, …), which measure similarity.
        head: maps the features to logits (B, 1).
        latent: L.
        gamma: weight of the similarity in the decoder's loss, at least 0.
        feature_std: standard deviation of the normal density of the features, in their unit. Where
            it is large against their spread, the KL outweighs the similarity and q(z|x) collapses.

    Reference: Larsen et al. 2015, arXiv:1512.09300.

    Taught in: models/hybrids
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
        check_between("gamma", gamma, 0, math.inf, ends="[)")
        check_between("feature_std", feature_std, 0, ends="()")
        self.features, self.head = features, head
        self.gamma, self.feature_std = gamma, feature_std

    def posterior(self, x: Tensor) -> Gaussian:
        """The approximate posterior q(z|x), (B, L)."""
        mu, log_var = self._encode(self._check(x), 2 * self.latent).chunk(2, -1)  # (B, L) each
        return Gaussian(mu, 0.5 * log_var)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The decoder's output at the posterior's mean: (B, *event)."""
        with torch.no_grad(), evaluating(self):
            return self.decode_mean(self.posterior(x).mean)

    def similarity(self, x: Tensor, other: Tensor) -> Tensor:
        """Squared distance of features over 2·feature_std², of two batches (B, *event): (B,)."""
        check_shape("other", other, x.shape)
        difference = widen(self.features(x)) - widen(self.features(other))
        squares: Tensor = difference.flatten(1).square().sum(1)
        return squares / (2 * self.feature_std**2)

    def encoder_loss(self, x: Tensor, *, rng: torch.Generator | None = None) -> dict[str, Tensor]:
        """What the encoder minimises: ``loss``; detached ``similarity`` and ``kl``, in nats."""
        q = self.posterior(x)
        similarity = self.similarity(x, self.decoder(q.rsample(rng))).mean()
        kl = q.kl_standard().mean()
        return {"loss": similarity + kl, "similarity": similarity.detach(), "kl": kl.detach()}

    def decoder_loss(self, x: Tensor, *, rng: torch.Generator | None = None) -> dict[str, Tensor]:
        """What the decoder minimises: ``loss``; detached ``similarity`` and ``adversarial``."""
        x_hat, x_prior = self._generated(x, rng)
        similarity = self.similarity(x, x_hat).mean()
        both = [adversarial.generator_loss(self._judge(fake)) for fake in (x_hat, x_prior)]
        fooling = (both[0] + both[1]).mean()
        terms = {"similarity": similarity.detach(), "adversarial": fooling.detach()}
        return {"loss": self.gamma * similarity + fooling, **terms}

    def discriminator_loss(
        self, x: Tensor, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What the discriminator minimises, ``loss``; no gradient reaches the other networks."""
        with torch.no_grad():
            x_hat, x_prior = self._generated(x, rng)
        real, redrawn, drawn = self._judge(x), self._judge(x_hat), self._judge(x_prior)
        # The two kinds of generated examples count one each, as in the article.
        second = -adversarial.generator_loss(drawn, "minimax")
        return {"loss": (adversarial.discriminator_loss(real, redrawn) + second).mean()}

    def _generated(self, x: Tensor, rng: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Examples decoded from a draw of the posterior and from a draw of the prior."""
        z = self.posterior(x).rsample(rng)
        return self.decoder(z), self.decoder(self.latents(len(x), rng=rng))

    def _judge(self, x: Tensor) -> Tensor:
        """The discriminator's logits, (B,): positive means real."""
        return _first_column(self.head(self.features(x)))
