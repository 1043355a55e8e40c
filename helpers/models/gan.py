"""The generative adversarial network: a sampler trained against a classifier."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from helpers.checks import argument_error, check_counts, check_data, check_option, check_shape
from helpers.networks import evaluating, frozen
from helpers.objectives import adversarial, penalties
from helpers.random import normal


class GAN(nn.Module):
    r"""Two networks in a game: the generator makes examples, the discriminator tells them apart.

    $$ z \sim \mathcal N(0, I_L), \quad x = G(z), \qquad
       \min_G \max_D\; \mathbb E_{p} \log D(x) + \mathbb E_{z} \log\bigl(1 - D(G(z))\bigr) $$

    There is no `loss`, because no single number is minimised, and no `log_prob`, because the
    density of the samples is not known. One training step is `training.players_step` with the two
    losses below.

    Args:
        generator: maps z, (B, L), to x, (B, *event); with K classes z and a one-hot, (B, L + K).
        discriminator: maps x, (B, *event), to logits (B, 1); with K classes one for each, (B, K).
            With packing it judges m examples at a time, joined along their first dimension:
            (B/m, m·C, …).
        latent: L.
        classes: K; 0 for no condition.
        kind: the losses, one of ``objectives.KINDS``.
        pack: m; not with classes.

    Reference: Goodfellow et al. 2014, arXiv 1406.2661; Mirza and Osindero 2014, arXiv 1411.1784
    (classes); Lin et al. 2018, arXiv 1712.04086 (packing).

    Taught in: models/gan
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent: int,
        *,
        classes: int = 0,
        kind: str = "non-saturating",
        pack: int = 1,
    ) -> None:
        super().__init__()
        check_counts(latent=latent, pack=pack)
        check_option("kind", kind, adversarial.KINDS)
        if pack > 1 and classes:
            raise argument_error("pack", "be 1 for a conditional GAN", pack, "classes would mix")
        self.generator, self.discriminator = generator, discriminator
        self.latent, self.classes, self.kind, self.pack = latent, classes, kind, pack

    def latents(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """Draw z from the prior: (n, L)."""
        return normal((n, self.latent), self._weight, rng)

    def logits(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The discriminator's logits of examples (B, *event): (B,), or (B/m,) with packing."""
        x = check_data("x", x, (..., "D"), like=self._weight)
        return self._judge(x, self._labels(y, len(x)))

    def discriminator_loss(
        self,
        x: Tensor,
        y: Tensor | None = None,
        *,
        r1: float = 0.0,
        gradient_penalty: float = 0.0,
        noise: float = 0.0,
        rng: Generator | None = None,
    ) -> dict[str, Tensor]:
        """What the discriminator minimises; the generator neither moves nor gets a gradient.

        Args:
            x: real examples (B, *event).
            y: their classes (B,), for a conditional GAN; the generated ones get the same.
            r1: weight γ of the penalty on real examples.
            gradient_penalty: weight of the penalty between real and generated examples.
            noise: standard deviation of the noise that is added to both kinds of examples.
            rng: draws z and the noise.

        Returns:
            ``loss``, the mean logits ``real`` and ``fake``, and the weighted ``penalty``.
        """
        x = check_data("x", x, (..., "D"), like=self._weight)
        y = self._labels(y, len(x))
        with torch.no_grad(), frozen(self.generator):
            fake = self._generate(self.latents(len(x), rng=rng), y)
        real, fake = _blur(x, noise, rng), _blur(fake, noise, rng)
        a, b = self._judge(real, y), self._judge(fake, y)
        loss = adversarial.discriminator_loss(a, b, self.kind).mean()
        penalty = torch.zeros_like(loss)

        def judge(x: Tensor) -> Tensor:
            return self._judge(x, y)

        if r1:
            penalty = penalty + r1 * penalties.r1_penalty(judge, real).mean()
        if gradient_penalty:
            between = penalties.gradient_penalty(judge, real, fake, rng=rng)
            penalty = penalty + gradient_penalty * between.mean()
        terms = {"real": a.mean(), "fake": b.mean(), "penalty": penalty}
        return {"loss": loss + penalty, **{name: term.detach() for name, term in terms.items()}}

    def generator_loss(
        self, n: int, y: Tensor | None = None, *, noise: float = 0.0, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """What the generator minimises, for n fresh samples; the discriminator does not move."""
        z, y = self.latents(n, rng=rng), self._labels(y, n)
        fake = self._generate(z, y)
        with frozen(self.discriminator):
            logits = self._judge(_blur(fake, noise, rng), y)
        return {"loss": adversarial.generator_loss(logits, self.kind).mean()}

    @torch.no_grad()
    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """G(z) without gradient, in evaluation mode: (B, L) to (B, *event)."""
        z = check_data("z", z, ("B", self.latent), like=self._weight)
        y = self._labels(y, len(z))
        with evaluating(self):
            return self._generate(z, y)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        truncation: float | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """Draw n examples: (n, *event).

        Args:
            n: how many.
            y: classes (n,) for a conditional GAN; drawn uniformly by default.
            truncation: bound c on each coordinate of z, which is then drawn from the normal
                density restricted to [−c, c]: fewer odd examples, and less variety.
        """
        z = self.latents(n, rng=rng)
        if truncation is not None:
            # u in [0, 1) from the normal draw, moved into the bounds' share of the quantiles
            low = torch.special.ndtr(torch.tensor(-truncation).to(z))
            u = low + (1 - 2 * low) * torch.special.ndtr(z)
            z = torch.special.ndtri(u).clamp(-truncation, truncation)
        if self.classes and y is None:
            y = torch.randint(self.classes, (n,), generator=rng, device=z.device)
        y = self._labels(y, n)
        with evaluating(self):
            return self._generate(z, y)

    @property
    def _weight(self) -> Tensor:
        """One of the generator's, which knows the device and the type."""
        return next(self.generator.parameters())

    def _generate(self, z: Tensor, y: Tensor | None) -> Tensor:
        if y is not None:
            z = torch.cat([z, F.one_hot(y, self.classes).to(z)], 1)  # (B, L + K)
        x: Tensor = self.generator(z)
        return x

    def _judge(self, x: Tensor, y: Tensor | None) -> Tensor:
        if len(x) % self.pack:
            hint, m = "Batches(…, drop_last=True) leaves a small rest out", self.pack
            raise argument_error("x", f"hold a multiple of pack={m} examples", len(x), hint)
        x = x.reshape(-1, self.pack * x.shape[1], *x.shape[2:])  # (B/m, m·C, …)
        values: Tensor = self.discriminator(x)
        check_shape("discriminator's output", values, (len(x), max(1, self.classes)))
        return values[:, 0] if y is None else values.gather(1, y[:, None])[:, 0]

    def _labels(self, y: Tensor | None, n: int) -> Tensor | None:
        """Classes as int64; none where the GAN has none."""
        if y is None and not self.classes:
            return None
        hint, high = f"the GAN has classes={self.classes}", self.classes - 1
        return check_data("y", y, (n,), "integer", like=self._weight, low=0, high=high, hint=hint)


def _blur(x: Tensor, noise: float, rng: Generator | None) -> Tensor:
    """Instance noise: x + noise · ε."""
    return x + noise * normal(x.shape, x, rng) if noise else x
