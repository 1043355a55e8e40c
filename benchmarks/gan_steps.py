"""Training steps of one and the same DCGAN on 32×32 images: ours, and a plain PyTorch loop.

Each step is one update of the discriminator and one of the generator. Like `benchmarks.steps`, this
file is also the worker that is timed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.steps import TrainingStep, run_worker
from helpers.networks import ConvDiscriminator, ConvGenerator

IMAGE, LATENT, DISTINCT_BATCHES = (1, 32, 32), 100, 8
BETAS, LEARNING_RATE = (0.5, 0.999), 2e-4


def make_batches(batch_size: int, seed: int) -> list[Tensor]:
    """Images of random pixels; their content is irrelevant. Each (B, 1, 32, 32)."""
    generator = torch.Generator().manual_seed(seed)
    return list(torch.rand((DISTINCT_BATCHES, batch_size, *IMAGE), generator=generator))


def make_networks(seed: int) -> tuple[ConvGenerator, ConvDiscriminator]:
    """100 → 4×4×128 → 8×8×64 → 16×16×32 → 32×32×16 → 32×32, and back by three halvings."""
    torch.manual_seed(seed)
    return ConvGenerator(LATENT, IMAGE, (128, 64, 32, 16)), ConvDiscriminator(IMAGE, (32, 64, 128))


def helpers_step(seed: int, *, fused: bool = False, channels_last: bool = False) -> TrainingStep:
    """The GAN and the step that the book uses.

    `fused` chooses Adam's fused form, `channels_last` the order of the weights in memory.
    """
    from helpers.models.gan import GAN
    from helpers.training import players_step

    generator, discriminator = make_networks(seed)
    gan = GAN(generator, discriminator, LATENT)
    if channels_last:
        gan.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first, second = (
        torch.optim.Adam(p.parameters(), LEARNING_RATE, betas=BETAS, fused=fused or None)
        for p in (discriminator, generator)
    )
    return players_step(
        {
            "discriminator": (gan.discriminator_loss, first),
            "generator": (lambda x: gan.generator_loss(len(x)), second),
        }
    )


def plain_step(seed: int) -> TrainingStep:
    """What one would type in a notebook for the same two losses: no checks, nothing frozen."""
    generator, discriminator = make_networks(seed)
    first = torch.optim.Adam(discriminator.parameters(), LEARNING_RATE, betas=BETAS)
    second = torch.optim.Adam(generator.parameters(), LEARNING_RATE, betas=BETAS)

    def step(x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = generator.layers(torch.randn(len(x), LATENT))
        real_logits = discriminator.layers(x)
        fake_logits = discriminator.layers(fake)
        critic = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        first.zero_grad()
        critic.backward()  # type: ignore[no-untyped-call]
        first.step()
        fake = generator.layers(torch.randn(len(x), LATENT))
        loss = F.softplus(-discriminator.layers(fake)).mean()
        second.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        second.step()
        return {"discriminator": critic.detach(), "generator": loss.detach()}

    return step


MAKERS: dict[str, Callable[[int], TrainingStep]] = {
    "helpers": helpers_step,
    "helpers, fused Adam": lambda seed: helpers_step(seed, fused=True),
    "helpers, channels last": lambda seed: helpers_step(seed, channels_last=True),
    "helpers, both": lambda seed: helpers_step(seed, fused=True, channels_last=True),
    "plain": plain_step,
}


if __name__ == "__main__":
    run_worker(MAKERS, make_batches, __doc__, report="generator")
