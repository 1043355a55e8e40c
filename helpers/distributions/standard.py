"""Fixed distributions at the end of a flow: what data become when nothing is left to explain."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.distributions.support import Support, widen
from helpers.random import normal, uniform


class StandardNormal:
    r"""Independent standard normal values: $\log p(z) = -\tfrac12 \sum_d (z_d^2 + \log 2\pi)$."""

    support = Support("float")

    def log_prob(self, z: Tensor) -> Tensor:
        """(B, *event) to (B,), nats."""
        return -0.5 * (widen(z).square() + math.log(2 * math.pi)).flatten(1).sum(1)

    def sample(
        self, shape: Sequence[int], like: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Draws of this shape, with the device and type of `like`."""
        return normal(shape, like, rng)


class StandardUniform:
    """Independent values that are uniform on [0, 1]: the density is 1 there."""

    support = Support("float", 0, 1)

    def log_prob(self, z: Tensor) -> Tensor:
        """Zeros (B,), for z in the unit cube."""
        return widen(z).new_zeros(len(z))

    def sample(
        self, shape: Sequence[int], like: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Draws of this shape, with the device and type of `like`."""
        return uniform(shape, like, rng)
