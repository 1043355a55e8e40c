"""Penalties on the slope of a discriminator, one value for each example.

A discriminator maps examples (B, …) to logits (B,) without mixing the examples of a batch (no batch
normalisation): the gradient of one logit must be that of its own example.

Taught in: models/gan
"""

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.checks import check_shape
from helpers.random import uniform

Discriminator = Callable[[Tensor], Tensor]


def r1_penalty(discriminator: Discriminator, x: Tensor) -> Tensor:
    r"""Half the squared norm of the logit's gradient at real examples: (B, …) to (B,).

    $$ R_1(x) = \tfrac12 \lVert \nabla_x \,\mathrm{logit}(x) \rVert^2 $$

    Reference: Mescheder et al. 2018, arXiv 1801.04406.

    >>> r1_penalty(lambda x: (x * torch.tensor([3.0, 4.0])).sum(1), torch.zeros(2, 2))
    tensor([12.5000, 12.5000])
    """
    return 0.5 * _input_gradient(discriminator, x).square().sum(1)


def gradient_penalty(
    discriminator: Discriminator, real: Tensor, fake: Tensor, *, rng: torch.Generator | None = None
) -> Tensor:
    r"""Squared distance of the gradient's norm from 1 between real and generated examples: (B,).

    $$ \bigl(\lVert \nabla_{\hat x} \,\mathrm{logit}(\hat x) \rVert - 1\bigr)^2,
       \qquad \hat x = u\, x_\text{real} + (1 - u)\, x_\text{fake}, \quad u \sim U(0, 1) $$

    Reference: Gulrajani et al. 2017, arXiv 1704.00028, with a weight of 10.
    """
    check_shape("fake", fake, tuple(real.shape))
    u = uniform((len(real), *[1] * (real.ndim - 1)), real, rng)  # (B, 1, …)
    between = u * real.detach() + (1 - u) * fake.detach()
    squared = _input_gradient(discriminator, between).square().sum(1)  # (B,)
    # The root has no derivative at 0, where a discriminator is flat: keep away from it.
    norm = squared.clamp(min=torch.finfo(squared.dtype).tiny).sqrt()
    return (norm - 1).square()


def _input_gradient(discriminator: Discriminator, x: Tensor) -> Tensor:
    """Gradient of each example's logit, flattened: (B, D)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gradient.flatten(1)
