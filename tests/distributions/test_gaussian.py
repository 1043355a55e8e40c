"""Normal distributions against quadrature, torch.distributions and draws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from helpers.distributions import Gaussian, GaussianLikelihood, IsotropicGaussian
from helpers.random import seeded
from tests.printed import tex
from tests.statistics import assert_mean_close

B, L = 5, 3


def random_gaussian(device: torch.device | str = "cpu") -> Gaussian:
    return Gaussian(torch.randn(B, L, device=device), 0.7 * torch.randn(B, L, device=device))


def standard(device: torch.device | str = "cpu") -> Gaussian:
    return Gaussian(torch.zeros(1, L, device=device), torch.zeros(1, L, device=device))


def torchs(q: Gaussian) -> Independent:
    return Independent(Normal(q.mean, q.std), 1)


def kl_by_quadrature(q: Gaussian, p: Gaussian) -> Tensor:
    """∫ q log(q/p) for each dimension by the trapezoidal rule, summed over the last dimension."""
    t = torch.linspace(-12, 12, 2001, device=q.mean.device)
    x = q.mean + q.std * t[:, None, None]  # (T, B, L)
    log_q, log_p = Normal(q.mean, q.std).log_prob(x), Normal(p.mean, p.std).log_prob(x)
    return (torch.trapezoid(log_q.exp() * (log_q - log_p), t, dim=0) * q.std).sum(-1)


@pytest.mark.equation("eq-vae-kl")
def test_kl_is_the_integral(device: torch.device) -> None:
    """Numerical integration of q log(q/p), and torch.distributions.kl_divergence."""
    q = random_gaussian(device)
    for p in (standard(device), random_gaussian(device)):
        kl = q.kl(p)
        assert kl.shape == (B,)
        torch.testing.assert_close(kl, kl_by_quadrature(q, p))
        torch.testing.assert_close(kl, kl_divergence(torchs(q), torchs(p)))
    assert q.kl(q).abs().max() == 0
    printed = tex("eq-vae-kl")
    rows = [printed(L=L, mu=mean, sigma=std) for mean, std in zip(q.mean, q.std)]
    torch.testing.assert_close(torch.stack(rows), q.kl(standard(device)))
    torch.testing.assert_close(torch.stack(rows), kl_by_quadrature(q, standard(device)))


@pytest.mark.equation("eq-vae-kl")
def test_kl_is_the_mean_of_the_log_ratio(device: torch.device, seed: int) -> None:
    """The average of log q(z) − log p(z) over draws from q, within 5 standard errors."""
    q, p = random_gaussian(device), standard(device)
    many = Gaussian(*(value.expand(20_000, B, L) for value in (q.mean, q.log_std)))
    z = many.sample(seeded(seed, device))  # (20000, B, L)
    assert_mean_close(torchs(q).log_prob(z) - torchs(p).log_prob(z), q.kl(p))


def test_kl_keeps_its_digits_near_zero() -> None:
    q = Gaussian(torch.zeros(1, 1), torch.full((1, 1), 0.5e-8))
    p = Gaussian(torch.zeros(1, 1), torch.zeros(1, 1))
    exact = 0.25e-16  # log_var²/4 to leading order; exp(log_var) − 1 − log_var has no digit of it
    torch.testing.assert_close(q.kl(p).item(), exact, rtol=1e-3, atol=0)


finite = st.floats(-8, 8)


@given(st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=6))
def test_kl_is_never_negative(rows: list[tuple[float, ...]]) -> None:
    mu_q, log_std_q, mu_p, log_std_p = torch.tensor(rows, dtype=torch.float64).T[:, None] / 2
    assert Gaussian(mu_q, log_std_q).kl(Gaussian(mu_p, log_std_p)) >= 0


def test_log_prob_is_torchs(device: torch.device) -> None:
    q, x = random_gaussian(device), torch.randn(4, B, L, device=device)
    torch.testing.assert_close(q.log_prob(x[0]), torchs(q).log_prob(x[0]))
    torch.testing.assert_close(q.log_prob(x), torchs(q).log_prob(x))  # samples first
    image = Gaussian(*torch.randn(2, B, 1, 4, 3, device=device))
    x = torch.randn(B, 1, 4, 3, device=device)
    expected = Normal(image.mean, image.std).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(image.log_prob(x), expected)


def test_one_std_for_all_values(device: torch.device) -> None:
    mean, x = torch.randn(2, B, 2, 3, device=device)
    p = GaussianLikelihood(0.3).to(device)(mean)
    torch.testing.assert_close(p.std.item(), 0.3)
    expected = Gaussian(mean, torch.full_like(mean, math.log(0.3))).log_prob(x)
    torch.testing.assert_close(p.log_prob(x), expected)


def test_the_density_integrates_to_one() -> None:
    x = torch.linspace(-6, 6, 2001)[:, None]
    density = IsotropicGaussian(torch.full((2001, 1), 0.7), torch.tensor(0.4).log()).log_prob(x)
    torch.testing.assert_close(torch.trapezoid(density.exp(), x[:, 0]).item(), 1.0)


def test_draws_have_the_moments_and_a_gradient(device: torch.device, seed: int) -> None:
    mean, std = torch.randn(2, 3, device=device), torch.tensor(0.3, device=device)
    p = IsotropicGaussian(mean.expand(20_000, 2, 3), std.log().requires_grad_())
    drawn = p.sample(seeded(seed, device))
    assert not drawn.requires_grad
    assert_mean_close(drawn, mean)
    assert_mean_close((drawn - mean).square(), torch.full_like(mean, 0.09))
    again = p.rsample(seeded(seed, device))
    torch.testing.assert_close(again.detach(), drawn, rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(again.sum(), [p.log_std])
    torch.testing.assert_close(gradient, (drawn - mean).sum())


def test_a_learned_std_is_stationary_at_the_residuals_root_mean_square() -> None:
    x = 3 * torch.randn(11, 4)
    likelihood = GaussianLikelihood(x.square().mean().sqrt().item(), learned=True)
    log_prob = likelihood(torch.zeros_like(x)).log_prob(x).sum()
    (gradient,) = torch.autograd.grad(log_prob, [likelihood.log_std])
    assert gradient.abs() < 1e-9
    assert not isinstance(GaussianLikelihood(0.5).log_std, nn.Parameter)
    with pytest.raises(ValueError, match=r"std must be a positive number, got -1.0"):
        GaussianLikelihood(-1.0)
