r"""Penalties on the slope of a discriminator, as functions of the discriminator and its inputs.

A discriminator maps examples to logits; every function gives one value for each example.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.checks import (
    check_at_least,
    check_floating,
    check_nonempty,
    check_same_device,
    check_shape,
)

Discriminator = Callable[[Tensor], Tensor]


def r1_penalty(discriminator: Discriminator, x: Tensor) -> Tensor:
    r"""Half the squared norm of the logit's gradient at given examples: R1 on real ones.

    $$ R_1(x) = \tfrac12 \lVert \nabla_x \,\mathrm{logit}(x) \rVert^2 $$

    Multiply by the weight γ, take the mean and add it to the discriminator's loss. At generated
    examples the same function is known as R2.

    Args:
        discriminator: maps x to logits (B,), or (B/m,) where m examples are packed into one; it
            must not mix other examples of the batch (no batch normalisation).
        x: examples (B, …), floating point; no gradient flows back into them.

    Returns:
        (B,), never negative, with the graph to the discriminator's parameters.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: there are no examples.

    Reference: Mescheder et al. 2018, arXiv 1801.04406.

    >>> r1_penalty(lambda x: (x * torch.tensor([3.0, 4.0])).sum(1), torch.zeros(2, 2))
    tensor([12.5000, 12.5000])

    Taught in: gan.
    """
    return 0.5 * _input_gradient(discriminator, x).square().sum(1)


def gradient_penalty(
    discriminator: Discriminator,
    real: Tensor,
    fake: Tensor,
    *,
    target: float = 1.0,
    rng: torch.Generator | None = None,
) -> Tensor:
    r"""Squared distance of the gradient's norm from 1 between real and generated examples.

    $$ \bigl(\lVert \nabla_{\hat x} \,\mathrm{logit}(\hat x) \rVert - \mathtt{target}\bigr)^2,
       \qquad \hat x = u\, x_\text{real} + (1 - u)\, x_\text{fake}, \quad u \sim U(0, 1) $$

    One u for each example. The norm runs over all dimensions of one example.

    Args:
        discriminator: maps x to logits, as for `r1_penalty`.
        real: examples (B, …), floating point.
        fake: generated examples of the same shape.
        target: the norm that costs nothing, at least 0.
        rng: draws u.

    Returns:
        (B,), never negative, with the graph to the discriminator's parameters.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, there are no examples, or `target` is negative.

    Reference: Gulrajani et al. 2017, arXiv 1704.00028, with a weight of 10.

    >>> slope = torch.tensor([3.0, 4.0])
    >>> gradient_penalty(lambda x: (x * slope).sum(1), torch.zeros(2, 2), torch.ones(2, 2))
    tensor([16., 16.])

    Taught in: gan.
    """
    check_floating("real", real)
    check_floating("fake", fake)
    check_nonempty("real", real)
    check_shape("fake", fake, tuple(real.shape))
    check_at_least("target", target, 0.0)
    if rng is not None:
        check_same_device("rng", rng, "real", real.device)
    shape = (len(real), *[1] * (real.ndim - 1))
    u = torch.rand(shape, generator=rng, device=real.device, dtype=real.dtype)
    between = u * real.detach() + (1 - u) * fake.detach()
    squared = _input_gradient(discriminator, between).square().sum(1)  # (B,)
    # The root has no derivative at 0, where a discriminator is flat: keep away from it.
    norm = squared.clamp(min=torch.finfo(squared.dtype).tiny).sqrt()
    return (norm - target).square()


def _input_gradient(discriminator: Discriminator, x: Tensor) -> Tensor:
    """Gradient of each example's logit, flattened: (B, D)."""
    check_floating("x", x)
    check_nonempty("x", x)
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = discriminator(x)
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1)
