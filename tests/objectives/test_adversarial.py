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
from tests.printed import tex


def logits(seed: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    g = seeded(seed)
    a, b = 3 * torch.randn(2, 7, generator=g)
    return a.to(device), b.to(device)


def mean(values: Tensor) -> Tensor:
    return values.mean()


@pytest.mark.equation("eq-gan-discriminator")
def test_the_discriminators_loss_is_cross_entropy(seed: int, device: torch.device) -> None:
    """Independent answer: torch's binary cross-entropy with labels 1 (real) and 0 (generated)."""
    a, b = logits(seed, device)
    expected = F.binary_cross_entropy_with_logits(a, torch.ones_like(a), reduction="none")
    expected = expected + F.binary_cross_entropy_with_logits(
        b, torch.zeros_like(b), reduction="none"
    )
    for kind in ("minimax", "non-saturating"):
        torch.testing.assert_close(discriminator_loss(a, b, kind), expected)
    x, z = a / 3, (b / 3 - 1) / 2  # the logit is 3x and the generator 2z + 1
    printed = tex("eq-gan-discriminator")(
        E=mean, sigma=torch.sigmoid, ell=lambda x: 3 * x, G=lambda z: 2 * z + 1, x=x, z=z
    )
    torch.testing.assert_close(printed, expected.mean())


@pytest.mark.equation("eq-gan-nonsaturating")
def test_the_generators_losses_are_log_probabilities(seed: int) -> None:
    """Independent answer: log-probabilities of torch's Bernoulli distribution."""
    _, b = logits(seed)
    fake = torch.distributions.Bernoulli(logits=b)
    torch.testing.assert_close(generator_loss(b, "minimax"), fake.log_prob(torch.zeros_like(b)))
    expected = -fake.log_prob(torch.ones_like(b))
    torch.testing.assert_close(generator_loss(b, "non-saturating"), expected)
    printed = tex("eq-gan-nonsaturating")(
        E=mean, sigma=torch.sigmoid, ell=lambda x: 3 * x, G=lambda z: 2 * z + 1, z=(b / 3 - 1) / 2
    )
    torch.testing.assert_close(printed, expected.mean())


@pytest.mark.equation("eq-gan-gradients")
def test_slopes_of_the_two_generator_losses(seed: int) -> None:
    """Independent answer: autograd; the slopes in the logit are −D and −(1 − D)."""
    _, b = logits(seed)
    b.requires_grad_()
    for statement, kind in enumerate(("minimax", "non-saturating")):
        slope = tex("eq-gan-gradients", statement=statement)(D=torch.sigmoid(b.detach()))
        (gradient,) = torch.autograd.grad(generator_loss(b, kind).sum(), b)
        torch.testing.assert_close(gradient, slope)


@pytest.mark.equation("eq-gan-other-losses")
def test_the_other_kinds_by_hand() -> None:
    """Independent answer: numbers worked out by hand for logits 0.5, −2 and 3, −1.5."""
    a, b = torch.tensor([0.5, -2.0]), torch.tensor([3.0, -1.5])
    hand = {
        "least-squares": ([0.125 + 4.5, 4.5 + 1.125], [2.0, 3.125]),
        "wasserstein": ([2.5, 0.5], [-3.0, 1.5]),
        "hinge": ([0.5 + 4.0, 3.0 + 0.0], [-3.0, 1.5]),
    }
    for n, (kind, (of_discriminator, of_generator)) in enumerate(hand.items()):
        torch.testing.assert_close(discriminator_loss(a, b, kind), torch.tensor(of_discriminator))
        torch.testing.assert_close(generator_loss(b, kind), torch.tensor(of_generator))
        for printed, by_hand in ((2 * n, of_discriminator), (2 * n + 1, of_generator)):
            value = tex("eq-gan-other-losses", statement=printed)(a=a, b=b)
            torch.testing.assert_close(value, torch.tensor(by_hand))


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


@pytest.mark.equation("eq-gan-optimal")
def test_no_other_discriminator_is_better(seed: int) -> None:
    """Independent answer: gradient ascent on the value by quadrature ends at p / (p + q)."""
    x, log_p, log_q = two_densities()
    best = optimal_logit(log_p, log_q)
    p, q = log_p.exp(), log_q.exp()
    torch.testing.assert_close(best.sigmoid(), p / (p + q))
    ratio = tex("eq-gan-optimal", side=1)(p=lambda x: p, q=lambda x: q, x=x)
    torch.testing.assert_close(best.sigmoid(), ratio)
    difference = tex("eq-gan-optimal")(p=lambda x: p, q=lambda x: q, sigma=torch.sigmoid, x=x)
    torch.testing.assert_close(best.sigmoid(), difference)

    def value(logit: Tensor) -> Tensor:
        return -torch.trapezoid(p * F.softplus(-logit) + q * F.softplus(logit), x)

    inside = best.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(inside), inside)
    assert gradient.abs().max() < 1e-12
    for _ in range(5):
        other = best + torch.randn(1).item() * torch.sin(x) + 0.3 * torch.randn(1).item()
        assert value(other) < value(best)


@pytest.mark.equation("eq-gan-jensen-shannon")
def test_the_value_is_a_jensen_shannon_divergence() -> None:
    """Independent answer: the divergence as entropy of the mixture less the mean entropy."""
    x, log_p, log_q = two_densities()
    p, q, m = log_p.exp(), log_q.exp(), (log_p.exp() + log_q.exp()) / 2
    js = torch.trapezoid(0.5 * torch.special.xlogy(p, p) + 0.5 * torch.special.xlogy(q, q), x)
    js = js - torch.trapezoid(torch.special.xlogy(m, m), x)
    best = optimal_logit(log_p, log_q)
    value = -torch.trapezoid(p * F.softplus(-best) + q * F.softplus(best), x)
    printed = tex("eq-gan-jensen-shannon")(JS=lambda p, q: js, p=p, q=q)
    torch.testing.assert_close(value, printed)
    assert -math.log(4) < value < 0

    def kl(p: Tensor, m: Tensor) -> Tensor:
        return torch.trapezoid(torch.special.xlogy(p, p / m), x)

    printed = tex("eq-gan-jensen-shannon", statement=1)(KL=kl, p=p, q=q, m=m)
    torch.testing.assert_close(js, printed)
    torch.testing.assert_close(m, tex("eq-gan-jensen-shannon", statement=2)(p=p, q=q))


@pytest.mark.equation("eq-gan-value")
def test_the_loss_is_minus_the_value(seed: int) -> None:
    """Independent answer: quadrature of p log D + q log(1 − D); with p and q swapped it differs."""
    n, x = 200_000, torch.linspace(-14, 14, 28_001)
    p, q = torch.distributions.Normal(-1.0, 1.5), torch.distributions.Normal(0.8, 0.5)

    def log_d(x: Tensor, label: int) -> Tensor:  # log D for real, log(1 − D) for generated
        fair = torch.distributions.Bernoulli(logits=0.4 - 1.3 * x)
        return fair.log_prob(torch.full_like(x, label))

    def value(real: torch.distributions.Normal, fake: torch.distributions.Normal) -> float:
        inside = real.log_prob(x).exp() * log_d(x, 1) + fake.log_prob(x).exp() * log_d(x, 0)
        return torch.trapezoid(inside, x).item()

    real, fake = p.sample((n,)), q.sample((n,))
    loss = discriminator_loss(0.4 - 1.3 * real, 0.4 - 1.3 * fake)
    error = (loss.std() / math.sqrt(n)).item()
    assert abs(loss.mean().item() + value(p, q)) < 5 * error
    printed = tex("eq-gan-value")(
        E=mean,
        D=lambda x: torch.sigmoid(0.4 - 1.3 * x),
        G=lambda z: 0.5 * z + 0.8,
        x=real,
        z=(fake - 0.8) / 0.5,
    )
    torch.testing.assert_close(printed, -loss.mean())
    swapped = discriminator_loss(0.4 - 1.3 * fake, 0.4 - 1.3 * real)
    assert abs(swapped.mean().item() + value(p, q)) > 100 * error
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
