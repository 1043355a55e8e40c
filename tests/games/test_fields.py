"""The fields of games against autograd, adaptive quadrature and what an equilibrium is."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad
from torch import Tensor

from helpers.games.fields import DiracGAN, bilinear_game, game_field
from helpers.random import seeded


def softplus(t: float) -> float:
    return max(t, 0.0) + math.log1p(math.exp(-abs(t)))


def noisy_value(theta: float, psi: float, std: float) -> float:
    """V by adaptive quadrature over the noise."""

    def integrand(e: float) -> float:
        density = math.exp(-(e**2) / 2) / math.sqrt(2 * math.pi)
        return density * (-softplus(-psi * std * e) - softplus(psi * (theta + std * e)))

    return quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-13)[0]


@pytest.mark.equation("eq-dynamics-field", frozen="70df2a1c")
def test_field_of_any_value_by_finite_differences(seed: int) -> None:
    """Central differences of a value of five parameters, three of them the first player's."""

    def value(p: Tensor) -> Tensor:
        return torch.sin(p[..., 0] * p[..., 3]) + p[..., 1] ** 2 * p[..., 4] - p[..., 2] * p[..., 3]

    points = torch.randn(4, 5, generator=seeded(seed))
    shift = 1e-6 * torch.eye(5)
    slope = torch.stack([(value(points + e) - value(points - e)) / 2e-6 for e in shift], -1)
    sign = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0])
    assert torch.allclose(game_field(value, first=3)(points), sign * slope, atol=1e-7)


def test_bilinear_field_and_its_second_derivatives(seed: int, device: torch.device) -> None:
    points = torch.randn(7, 2, generator=seeded(seed)).to(device)
    field = game_field(lambda p: p[..., 0] * p[..., 1])
    assert torch.allclose(bilinear_game(points), field(points))
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], device=device)
    for game in (bilinear_game, field):
        jacobian = torch.autograd.functional.jacobian(game, points[0])
        assert torch.allclose(jacobian, turn)


@pytest.mark.equation("eq-dynamics-dirac", frozen="e1afd4ed")
def test_value_of_the_dirac_gan(seed: int) -> None:
    """Bernoulli log-probabilities of torch.distributions, and -log 4 at the equilibrium."""
    theta, psi = torch.randn(2, 6, generator=seeded(seed))
    real = torch.distributions.Bernoulli(logits=psi * 0.0).log_prob(torch.ones(6))
    fake = torch.distributions.Bernoulli(logits=psi * theta).log_prob(torch.zeros(6))
    value = DiracGAN().value(torch.stack([theta, psi], -1))
    assert torch.allclose(value, real + fake, atol=1e-12)
    assert DiracGAN().value(torch.zeros(2)).item() == pytest.approx(-math.log(4), abs=1e-12)


@pytest.mark.equation("eq-dynamics-nash", frozen="1e4629f6")
def test_saddle_points_of_both_games_and_of_one_with_friction() -> None:
    """Every point of a grid as a deviation of one player."""
    others = torch.linspace(-4, 4, 81)
    zero = torch.zeros(81)
    gan = DiracGAN().value
    curved = lambda p: p[..., 0] ** 2 + p[..., 0] * p[..., 1] - p[..., 1] ** 2  # noqa: E731
    for value in (lambda p: p[..., 0] * p[..., 1], gan, curved):
        rest = value(torch.zeros(2))
        assert (value(torch.stack([zero, others], -1)) <= rest + 1e-12).all()
        assert (value(torch.stack([others, zero], -1)) >= rest - 1e-12).all()
    # and nowhere else: from (1, 0) the generator gains once the discriminator has answered
    assert gan(torch.tensor([1.0, -1.0])) > gan(torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("std", [0.0, 0.7, math.sqrt(2)])
def test_noisy_value_and_field_by_adaptive_quadrature(std: float, seed: int) -> None:
    theta, psi = (1.5 * torch.randn(2, generator=seeded(seed)).clamp(-1.5, 1.5)).tolist()
    gan, point = DiracGAN(gamma=0.6, noise_std=std), torch.tensor([theta, psi])
    assert gan.value(point).item() == pytest.approx(noisy_value(theta, psi, std), abs=1e-9)
    h = 1e-5
    by_theta = (noisy_value(theta + h, psi, std) - noisy_value(theta - h, psi, std)) / (2 * h)
    by_psi = (noisy_value(theta, psi + h, std) - noisy_value(theta, psi - h, std)) / (2 * h)
    expected = torch.tensor([by_theta, -by_psi + 0.6 * psi])
    assert torch.allclose(gan(point), expected, atol=1e-7)


def test_nonsaturating_generator_descends_its_own_loss(seed: int) -> None:
    point = torch.randn(2, generator=seeded(seed)).requires_grad_()
    gan = DiracGAN(noise_std=0.8, nonsaturating=True)
    nodes = torch.randn(400_000, generator=seeded(seed + 1))
    loss = torch.nn.functional.softplus(-point[1] * (point[0] + 0.8 * nodes)).mean()
    (grad,) = torch.autograd.grad(loss, point)
    assert gan(point)[0].item() == pytest.approx(grad[0].item(), abs=0.02)
    assert torch.equal(gan(point)[1], DiracGAN(noise_std=0.8)(point)[1])


def test_game_field_checks_its_value() -> None:
    with pytest.raises(ValueError, match=r"first must lie in \[1, 1\], got 2"):
        game_field(lambda p: p.sum(-1), first=2)(torch.zeros(2))
    with pytest.raises(ValueError, match=r"value\(point\) must have shape \(\), got \(2,\)"):
        game_field(lambda p: p)(torch.zeros(2))
