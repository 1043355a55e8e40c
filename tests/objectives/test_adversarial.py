"""Losses of the game against torch's own functions, closed forms and quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.objectives.adversarial import (
    KINDS,
    discriminator_loss,
    generator_loss,
    optimal_logit,
)
from helpers.random import seeded


def logits(seed: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    g = seeded(seed)
    a, b = 3 * torch.randn(2, 7, generator=g)
    return a.to(device), b.to(device)


@pytest.mark.equation("eq-gan-discriminator", frozen="73bf61d9")
def test_the_discriminators_loss_is_cross_entropy(seed: int, device: torch.device) -> None:
    """Independent answer: torch's binary cross-entropy with labels 1 (real) and 0 (generated)."""
    a, b = logits(seed, device)
    expected = F.binary_cross_entropy_with_logits(a, torch.ones_like(a), reduction="none")
    expected = expected + F.binary_cross_entropy_with_logits(
        b, torch.zeros_like(b), reduction="none"
    )
    for kind in ("minimax", "non-saturating"):
        torch.testing.assert_close(discriminator_loss(a, b, kind), expected)


@pytest.mark.equation("eq-gan-nonsaturating", frozen="93f4606f")
def test_the_generators_losses_are_log_probabilities(seed: int) -> None:
    """Independent answer: log-probabilities of torch's Bernoulli distribution."""
    _, b = logits(seed)
    fake = torch.distributions.Bernoulli(logits=b)
    torch.testing.assert_close(generator_loss(b, "minimax"), fake.log_prob(torch.zeros_like(b)))
    torch.testing.assert_close(
        generator_loss(b, "non-saturating"), -fake.log_prob(torch.ones_like(b))
    )


@pytest.mark.equation("eq-gan-gradients", frozen="82131b57")
def test_slopes_of_the_two_generator_losses(seed: int) -> None:
    """Independent answer: autograd; the slopes in the logit are −D and −(1 − D)."""
    _, b = logits(seed)
    b.requires_grad_()
    d = torch.sigmoid(b.detach())
    for kind, slope in (("minimax", -d), ("non-saturating", d - 1)):
        (gradient,) = torch.autograd.grad(generator_loss(b, kind).sum(), b)
        torch.testing.assert_close(gradient, slope)


@pytest.mark.equation("eq-gan-other-losses", frozen="d1a27cb7")
def test_the_other_kinds_by_hand() -> None:
    """Independent answer: numbers worked out by hand for logits 0.5, −2 and 3, −1.5."""
    a, b = torch.tensor([0.5, -2.0]), torch.tensor([3.0, -1.5])
    hand = {
        "least-squares": ([0.125 + 4.5, 4.5 + 1.125], [2.0, 3.125]),
        "wasserstein": ([2.5, 0.5], [-3.0, 1.5]),
        "hinge": ([0.5 + 4.0, 3.0 + 0.0], [-3.0, 1.5]),
    }
    for kind, (of_discriminator, of_generator) in hand.items():
        torch.testing.assert_close(discriminator_loss(a, b, kind), torch.tensor(of_discriminator))
        torch.testing.assert_close(generator_loss(b, kind), torch.tensor(of_generator))


@pytest.mark.parametrize("kind", KINDS)
def test_each_player_wants_what_it_should(kind: str, seed: int) -> None:
    """Raising real logits or lowering fake ones never hurts D near 0; raising fake ones helps G."""
    a, b = torch.zeros(5, requires_grad=True), torch.zeros(5, requires_grad=True)
    real, fake = torch.autograd.grad(discriminator_loss(a, b, kind).sum(), (a, b))
    assert (real < 0).all()
    assert (fake >= 0).all()
    loss = generator_loss(b, kind)
    (gradient,) = torch.autograd.grad(loss.sum(), b)
    assert (gradient < 0).all()


def test_extreme_logits_stay_finite() -> None:
    a = torch.tensor([1e4, -1e4], dtype=torch.float32)
    for kind in ("minimax", "non-saturating"):
        assert discriminator_loss(a, -a, kind).isfinite().all()
        assert generator_loss(a, kind).isfinite().all()


# ---- the optimal discriminator ----------------------------------------------------------------


def two_densities() -> tuple[Tensor, Tensor, Tensor]:
    x = torch.linspace(-12, 12, 24_001)
    p = torch.distributions.Normal(-0.5, 0.8).log_prob(x)
    q = torch.distributions.Normal(0.7, 1.3).log_prob(x)
    return x, p, q


@pytest.mark.equation("eq-gan-optimal", frozen="b3a68742")
def test_no_other_discriminator_is_better(seed: int) -> None:
    """Independent answer: gradient ascent on the value by quadrature ends at p / (p + q)."""
    x, log_p, log_q = two_densities()
    best = optimal_logit(log_p, log_q)
    p, q = log_p.exp(), log_q.exp()
    torch.testing.assert_close(best.sigmoid(), p / (p + q))

    def value(logit: Tensor) -> Tensor:
        return -torch.trapezoid(p * F.softplus(-logit) + q * F.softplus(logit), x)

    inside = best.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(inside), inside)
    assert gradient.abs().max() < 1e-12
    for _ in range(5):
        other = best + torch.randn(1).item() * torch.sin(x) + 0.3 * torch.randn(1).item()
        assert value(other) < value(best)


@pytest.mark.equation("eq-gan-jensen-shannon", frozen="94c5dd1c")
def test_the_value_is_a_jensen_shannon_divergence() -> None:
    """Independent answer: the divergence by quadrature of its two KL terms."""
    x, log_p, log_q = two_densities()
    p, q, m = log_p.exp(), log_q.exp(), (log_p.exp() + log_q.exp()) / 2
    js = torch.trapezoid(0.5 * p * (p / m).log() + 0.5 * q * (q / m).log(), x)
    best = optimal_logit(log_p, log_q)
    value = -torch.trapezoid(p * F.softplus(-best) + q * F.softplus(best), x)
    torch.testing.assert_close(value, 2 * js - math.log(4))
    assert -math.log(4) < value < 0


@pytest.mark.equation("eq-gan-value", frozen="b80b4157")
def test_the_loss_is_minus_the_value(seed: int) -> None:
    """Independent answer: log-probabilities of the labels 1 and 0 by torch's Bernoulli."""
    a, b = logits(seed)
    real = torch.distributions.Bernoulli(logits=a).log_prob(torch.ones_like(a))
    fake = torch.distributions.Bernoulli(logits=b).log_prob(torch.zeros_like(b))
    torch.testing.assert_close(discriminator_loss(a, b), -(real + fake))
    assert not torch.allclose(discriminator_loss(b, a), -(real + fake))  # the roles matter
    zero = torch.zeros(3)
    torch.testing.assert_close(discriminator_loss(zero, zero), torch.full((3,), math.log(4)))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda a: discriminator_loss(a[:, None], a[:, None]),
            r"real_logits must have shape \(B,\)",
        ),
        (lambda a: discriminator_loss(a, a[:2]), r"fake_logits must have shape \(3,\), got \(2,\)"),
        (lambda a: optimal_logit(a, a[:2]), r"log_p_model must have shape \(3,\), got \(2,\)"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(
    call: Callable[[Tensor], Tensor], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(3))
