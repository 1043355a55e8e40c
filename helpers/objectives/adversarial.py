r"""Losses of the adversarial game, as functions of the discriminator's logits.

A logit is the discriminator's last number before any sigmoid: D(x) = sigmoid(logit). Every
function gives one value for each example, to be minimised by the player in its name.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from helpers.checks import (
    argument_error,
    check_floating,
    check_option,
    check_shape,
)

KINDS = ("minimax", "non-saturating", "least-squares", "wasserstein", "hinge", "relativistic")


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, kind: str = "non-saturating"
) -> Tensor:
    r"""What the discriminator minimises, for pairs of a real and a generated example.

    With logits $a$ of a real and $b$ of a generated example:

    $$ \begin{aligned}
    \text{minimax, non-saturating:}\quad & -\log \sigma(a) - \log(1 - \sigma(b)) \\
    \text{least-squares:}\quad & \tfrac12 (a - 1)^2 + \tfrac12 b^2 \\
    \text{wasserstein:}\quad & b - a \\
    \text{hinge:}\quad & \max(0, 1 - a) + \max(0, 1 + b) \\
    \text{relativistic:}\quad & -\log \sigma(a - b)
    \end{aligned} $$

    The first is minus the value function: both terms carry the minus sign.

    Args:
        real_logits: a, shape (B,).
        fake_logits: b, shape (B,).
        kind: one of `KINDS`.

    Returns:
        (B,), in nats for the logistic kinds; its mean is the discriminator's loss.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or an unknown `kind`.

    Reference: Goodfellow et al. 2014, arXiv 1406.2661 (minimax, non-saturating); Mao et al. 2016,
    arXiv 1611.04076 (least squares); Arjovsky et al. 2017, arXiv 1701.07875; Miyato et al. 2018,
    arXiv 1802.05957 (hinge); Jolicoeur-Martineau 2018, arXiv 1807.00734 (relativistic).

    >>> import torch
    >>> zero = torch.zeros(2)
    >>> discriminator_loss(zero, zero)  # 2 log 2 where D = 1/2
    tensor([1.3863, 1.3863])

    Taught in: gan.
    """
    check_option("kind", kind, KINDS)
    _check_logits(real_logits=real_logits, fake_logits=fake_logits)
    if kind == "least-squares":
        return 0.5 * (real_logits - 1).square() + 0.5 * fake_logits.square()
    if kind == "wasserstein":
        return fake_logits - real_logits
    if kind == "hinge":
        return F.relu(1 - real_logits) + F.relu(1 + fake_logits)
    if kind == "relativistic":
        return F.softplus(fake_logits - real_logits)
    return F.softplus(-real_logits) + F.softplus(fake_logits)


def generator_loss(
    fake_logits: Tensor, kind: str = "non-saturating", *, real_logits: Tensor | None = None
) -> Tensor:
    r"""What the generator minimises, for each generated example.

    With the logit $b$ of a generated example (and $a$ of a real one for the last kind):

    $$ \begin{aligned}
    \text{minimax:}\quad & \log(1 - \sigma(b)) \\
    \text{non-saturating:}\quad & -\log \sigma(b) \\
    \text{least-squares:}\quad & \tfrac12 (b - 1)^2 \\
    \text{wasserstein, hinge:}\quad & -b \\
    \text{relativistic:}\quad & -\log \sigma(b - a)
    \end{aligned} $$

    Args:
        fake_logits: b, shape (B,), with the graph that leads back to the generator.
        kind: one of `KINDS`.
        real_logits: a, shape (B,), read by the relativistic kind only.

    Returns:
        (B,), in nats for the logistic kinds; its mean is the generator's loss.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, an unknown `kind`, or no `real_logits` where they are needed.

    Reference: as for `discriminator_loss`.

    >>> import torch
    >>> generator_loss(torch.tensor([-4.0, 0.0]), "minimax")
    tensor([-0.0181, -0.6931])
    >>> generator_loss(torch.tensor([-4.0, 0.0]), "non-saturating")
    tensor([4.0181, 0.6931])

    Taught in: gan.
    """
    check_option("kind", kind, KINDS)
    _check_logits(fake_logits=fake_logits)
    if kind == "minimax":
        return -F.softplus(fake_logits)
    if kind == "least-squares":
        return 0.5 * (fake_logits - 1).square()
    if kind in ("wasserstein", "hinge"):
        return -fake_logits
    if kind == "relativistic":
        if real_logits is None:
            hint = "the relativistic loss compares with real examples"
            raise argument_error("real_logits", "be given for this kind", None, hint)
        _check_logits(fake_logits=fake_logits, real_logits=real_logits)
        return F.softplus(real_logits - fake_logits)
    return F.softplus(-fake_logits)


def optimal_logit(log_p_data: Tensor, log_p_model: Tensor) -> Tensor:
    r"""Logit of the best discriminator between two known densities.

    $$ D^*(x) = \frac{p(x)}{p(x) + q(x)} = \sigma\bigl(\log p(x) - \log q(x)\bigr) $$

    Args:
        log_p_data: log p at each point, any shape, nats.
        log_p_model: log q at the same points.

    Returns:
        The logit, same shape, positive where data are the likelier.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.

    Reference: Goodfellow et al. 2014, arXiv 1406.2661.

    >>> import torch
    >>> p, q = torch.tensor([0.3]), torch.tensor([0.1])
    >>> optimal_logit(p.log(), q.log()).sigmoid()  # 0.3 / (0.3 + 0.1)
    tensor([0.7500])

    Taught in: gan.
    """
    check_floating("log_p_data", log_p_data)
    check_floating("log_p_model", log_p_model)
    check_shape("log_p_model", log_p_model, tuple(log_p_data.shape))
    return log_p_data - log_p_model


#: The value of the game where the generator has won: D = 1/2 everywhere.
VALUE_AT_OPTIMUM = -math.log(4)


def _check_logits(**logits: Tensor) -> None:
    first, *_ = logits.values()
    for name, value in logits.items():
        check_floating(name, value)
        check_shape(name, value, ("B",), hint="one logit for each example: squeeze the last 1")
        check_shape(name, value, tuple(first.shape))
