r"""Draws from a normal prior, decoded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.checks import (
    check_at_least,
    check_finite,
    check_floating,
    check_nonempty,
    check_same_device,
    check_shape,
)
from helpers.networks import evaluating
from helpers.random import normal


class PriorDecoder(nn.Module):
    r"""A prior N(0, I) and a decoder that turns its draws into examples: what the hybrids share.

    Args:
        encoder: maps examples (B, \*event) to what the subclass reads from it.
        decoder: maps codes (B, L) to examples (B, \*event).
        latent: L.

    Raises:
        ValueError: `latent` is below 1.

    Taught in: hybrids.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        check_at_least("latent", latent, 1)
        self.encoder, self.decoder, self.latent = encoder, decoder, latent
        self.anchor: Tensor
        self.register_buffer("anchor", torch.zeros(()), persistent=False)  # knows device and type

    def latents(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Draw z from the prior N(0, I): (n, L)."""
        check_at_least("n", n, 1)
        return normal((n, self.latent), self.anchor, rng)

    @torch.no_grad()
    def decode_mean(self, z: Tensor) -> Tensor:
        r"""The decoder's output for codes (B, L), without gradient or dropout: (B, \*event)."""
        check_shape("z", z, ("B", self.latent))
        with evaluating(self):
            x: Tensor = self.decoder(z)
        return x

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Decode n codes drawn from the prior, without noise on the pixels: (n, \*event)."""
        return self.decode_mean(self.latents(n, rng=rng))

    def _check(self, x: Tensor) -> None:
        check_floating("x", x)
        check_nonempty("x", x)
        check_same_device("x", x, "the model", self.anchor.device)
        check_finite("x", x)

    def _run_encoder(self, x: Tensor, outputs: int, hint: str = "") -> Tensor:
        self._check(x)
        output: Tensor = self.encoder(x)
        check_shape("encoder's output", output, (len(x), outputs), hint=hint)
        return output

    def _run_decoder(self, z: Tensor, x: Tensor) -> Tensor:
        output: Tensor = self.decoder(z)
        check_shape("decoder's output", output, (len(z), *x.shape[1:]), hint="the shape of x")
        return output
