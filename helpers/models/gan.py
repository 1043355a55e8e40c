r"""The generative adversarial network: a sampler trained against a classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import (
    argument_error,
    check_at_least,
    check_floating,
    check_integer,
    check_nonempty,
    check_option,
    check_range,
    check_same_device,
    check_shape,
)
from helpers.networks import evaluating
from helpers.objectives import adversarial
from helpers.objectives import gradient_penalties as penalties
from helpers.random import normal


class GAN(nn.Module):
    r"""Two networks in a game: the generator makes examples, the discriminator tells them apart.

    $$ z \sim \mathcal N(0, I_L), \quad x = G(z), \qquad
       \min_G \max_D\; \mathbb E_{p} \log D(x) + \mathbb E_{z} \log\bigl(1 - D(G(z))\bigr) $$

    There is no `loss`, because no single number is minimised, and no `log_prob`, because the
    density of the samples is not known: their absence is the lesson.

    With `classes` the game is conditional: the generator also reads the class as a one-hot vector,
    and the discriminator has one logit for each class, of which the example's own counts.
    With `pack` = m the discriminator judges m examples at a time, concatenated along their first
    dimension, so that it can see a lack of variety.

    Args:
        generator: maps z, (B, L), to x, (B, *event); (B, L + K) with K classes.
        discriminator: maps x, (B, *event), to logits (B, 1); (B, K) with K classes. With packing,
            examples arrive as (B/m, m·C, …).
        latent: L.
        classes: K; 0 for no condition.
        kind: the losses, one of ``objectives.adversarial.KINDS``.
        pack: m, how many examples are judged together; not with classes.

    Raises:
        ValueError: an option is out of range or does not go with another.

    Reference: Goodfellow et al. 2014, arXiv 1406.2661; Mirza and Osindero 2014, arXiv 1411.1784
    (classes); Lin et al. 2018, arXiv 1712.04086 (packing).

    >>> from helpers.networks import MLP
    >>> gan = GAN(MLP(3, [16], 2), MLP(2, [16], 1), latent=3)
    >>> gan.sample(4).shape, gan.logits(torch.zeros(5, 2)).shape
    (torch.Size([4, 2]), torch.Size([5]))

    Taught in: gan.
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
        check_at_least("latent", latent, 1)
        check_at_least("classes", classes, 0)
        check_at_least("pack", pack, 1)
        check_option("kind", kind, adversarial.KINDS)
        if pack > 1 and classes:
            raise argument_error("pack", "be 1 for a conditional GAN", pack, "classes would mix")
        self.generator, self.discriminator = generator, discriminator
        self.latent, self.classes, self.kind, self.pack = latent, classes, kind, pack
        self.anchor: Tensor
        self.register_buffer("anchor", torch.zeros(()), persistent=False)  # knows device and type

    def latents(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Draw z from the prior: (n, L)."""
        check_at_least("n", n, 1)
        return normal((n, self.latent), self.anchor, rng)

    def generate(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        r"""G(z), with graph and in the mode that the generator is in.

        Args:
            z: (B, L).
            y: classes (B,), integers, for a conditional GAN only.

        Returns:
            (B, *event).
        """
        check_shape("z", z, ("B", self.latent))
        y = self._check_classes(y, len(z))
        if y is not None:
            z = torch.cat([z, F.one_hot(y, self.classes).to(z)], 1)  # (B, L + K)
        x: Tensor = self.generator(z)
        return x

    def logits(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        r"""The discriminator's logits: positive means real.

        Args:
            x: (B, *event); with packing B is a multiple of m.
            y: classes (B,), for a conditional GAN only.

        Returns:
            (B,), or (B/m,) with packing.

        Raises:
            TypeError: `x` is no floating-point tensor.
            ValueError: no examples, a wrong shape or device, or a batch that cannot be packed.
        """
        check_floating("x", x)
        check_nonempty("x", x)
        check_same_device("x", x, "the model", self.anchor.device)
        y = self._check_classes(y, len(x))
        if self.pack > 1:
            if len(x) % self.pack:
                expected = f"hold a multiple of pack={self.pack} examples"
                raise argument_error("x", expected, len(x))
            x = x.reshape(-1, self.pack * x.shape[1], *x.shape[2:])  # (B/m, m·C, …)
        values: Tensor = self.discriminator(x)
        check_shape("discriminator's output", values, (len(x), max(1, self.classes)))
        return values[:, 0] if y is None else values.gather(1, y[:, None])[:, 0]

    def discriminator_loss(
        self,
        x: Tensor,
        y: Tensor | None = None,
        *,
        r1: float = 0.0,
        r2: float = 0.0,
        gradient_penalty: float = 0.0,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""What the discriminator minimises; no gradient reaches the generator.

        Args:
            x: real examples (B, *event).
            y: their classes (B,), for a conditional GAN; the generated ones get the same.
            r1: weight γ of the penalty on real examples, at least 0.
            r2: the same on generated ones.
            gradient_penalty: weight of the penalty between real and generated examples.
            noise: standard deviation of the noise that is added to both kinds of examples.
            rng: draws z and the noise.

        Returns:
            ``loss``, a scalar with graph, and detached: ``real`` and ``fake``, the mean logits, and
            ``penalty``, the weighted sum of the penalties (0 without any).

        Raises:
            TypeError: `x` is no floating-point tensor.
            ValueError: a wrong shape, a negative weight, or classes missing.
        """
        weights = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty, "noise": noise}
        for name, value in weights.items():
            check_at_least(name, value, 0.0)
        check_floating("x", x)
        check_nonempty("x", x)
        with torch.no_grad():
            fake = self.generate(self.latents(len(x), rng=rng), y)
        real, fake = _blur(x, noise, rng), _blur(fake, noise, rng)
        real_logits, fake_logits = self.logits(real, y), self.logits(fake, y)
        loss = adversarial.discriminator_loss(real_logits, fake_logits, self.kind).mean()
        penalty = torch.zeros_like(loss)

        def judge(x: Tensor) -> Tensor:
            return self.logits(x, y)

        if r1:
            penalty = penalty + r1 * penalties.r1_penalty(judge, real).mean()
        if r2:
            penalty = penalty + r2 * penalties.r1_penalty(judge, fake).mean()
        if gradient_penalty:
            between = penalties.gradient_penalty(judge, real, fake, rng=rng)
            penalty = penalty + gradient_penalty * between.mean()
        return {
            "loss": loss + penalty,
            "real": real_logits.detach().mean(),
            "fake": fake_logits.detach().mean(),
            "penalty": penalty.detach(),
        }

    def generator_loss(
        self,
        n: int,
        y: Tensor | None = None,
        *,
        x: Tensor | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""What the generator minimises, for n fresh samples.

        Args:
            n: how many.
            y: classes (n,) for a conditional GAN.
            x: real examples (n, *event), read by the relativistic kind only.
            noise: standard deviation of the noise that is added before they are judged.
            rng: draws z and the noise.

        Returns:
            ``loss``, a scalar with graph to both networks.

        Raises:
            ValueError: `n` below 1, a negative `noise`, or classes missing.
        """
        check_at_least("noise", noise, 0.0)
        fake = self.generate(self.latents(n, rng=rng), y)
        fake_logits = self.logits(_blur(fake, noise, rng), y)
        real_logits = None
        if self.kind == "relativistic" and x is not None:
            with torch.no_grad():
                real_logits = self.logits(_blur(x, noise, rng), y)
        loss = adversarial.generator_loss(fake_logits, self.kind, real_logits=real_logits)
        return {"loss": loss.mean()}

    @torch.no_grad()
    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        r"""G(z) without gradient, in evaluation mode: (B, L) to (B, *event)."""
        with evaluating(self):
            return self.generate(z, y)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        y: Tensor | None = None,
        truncation: float | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw n examples.

        Args:
            n: how many, at least 1.
            y: classes (n,) for a conditional GAN; drawn uniformly by default.
            truncation: bound c on each coordinate of z, which is then drawn from the normal
                density restricted to [−c, c]: fewer odd examples, and less variety.
            rng: draws everything.

        Returns:
            (n, *event).

        Raises:
            ValueError: `n` below 1, `truncation` not positive, or a wrong `y`.
        """
        z = self.latents(n, rng=rng)
        if truncation is not None:
            check_at_least("truncation", truncation, 1e-6)
            # u in [0, 1) from the normal draw, moved into the bounds' share of the quantiles
            low = torch.special.ndtr(torch.tensor(-truncation).to(z))
            u = low + (1 - 2 * low) * torch.special.ndtr(z)
            z = torch.special.ndtri(u).clamp(-truncation, truncation)
        if self.classes and y is None:
            y = torch.randint(self.classes, (n,), generator=rng, device=z.device)
        return self.decode(z, y)

    def _check_classes(self, y: Tensor | None, n: int) -> Tensor | None:
        if not self.classes:
            if y is not None:
                raise argument_error("y", "be left out", "classes", "the GAN has classes=0")
            return None
        if y is None:
            raise argument_error("y", f"hold classes 0 to {self.classes - 1}", None)
        check_integer("y", y)
        check_shape("y", y, (n,))
        if y.device.type == "cpu":
            check_range("y", y, 0, self.classes - 1)
        return y.long()


def _blur(x: Tensor, noise: float, rng: torch.Generator | None) -> Tensor:
    """Instance noise: x + noise · ε."""
    return x + noise * normal(x.shape, x, rng) if noise else x
