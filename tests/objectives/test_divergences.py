"""Divergences against quadrature, torch.distributions, and draws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from helpers.objectives.divergences import (
    effective_sample_size,
    importance_weighted_bound,
    js_categorical,
    kl_categorical,
    kl_normal,
    kl_standard_normal,
)
from tests.statistics import assert_mean_close

B, L, K = 5, 3, 7


def normal_parameters(device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.randn(B, L, device=device), 1.5 * torch.randn(B, L, device=device)


def kl_by_quadrature(mu_q: Tensor, std_q: Tensor, mu_p: Tensor, std_p: Tensor) -> Tensor:
    """∫ q log(q/p) for each dimension by the trapezoidal rule, summed over the last dimension."""
    t = torch.linspace(-12, 12, 2001, device=mu_q.device)
    x = mu_q + std_q * t[:, None, None]  # (T, B, L)
    log_q, log_p = Normal(mu_q, std_q).log_prob(x), Normal(mu_p, std_p).log_prob(x)
    return (torch.trapezoid(log_q.exp() * (log_q - log_p), t, dim=0) * std_q).sum(-1)


@pytest.mark.equation("eq-vae-kl")
def test_kl_standard_normal_is_the_integral(device: torch.device) -> None:
    """Numerical integration of q log(q/p), and torch.distributions.kl_divergence."""
    mu, log_var = normal_parameters(device)
    std = (0.5 * log_var).exp()
    kl = kl_standard_normal(mu, log_var)
    assert kl.shape == (B,)
    zero, one = torch.zeros_like(mu), torch.ones_like(mu)
    torch.testing.assert_close(kl, kl_by_quadrature(mu, std, zero, one))
    q, p = Independent(Normal(mu, std), 1), Independent(Normal(zero, one), 1)
    torch.testing.assert_close(kl, kl_divergence(q, p))


@pytest.mark.equation("eq-vae-kl")
def test_kl_standard_normal_is_the_mean_of_the_log_ratio(device: torch.device) -> None:
    """The average of log q(z) − log p(z) over draws from q, within 5 standard errors."""
    mu, log_var = normal_parameters(device)
    q = Independent(Normal(mu, (0.5 * log_var).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.sample((20_000,))
    assert_mean_close(q.log_prob(z) - p.log_prob(z), kl_standard_normal(mu, log_var))


def test_kl_standard_normal_keeps_its_digits_near_zero() -> None:
    log_var = torch.full((1, 1), 1e-8)
    kl = kl_standard_normal(torch.zeros(1, 1), log_var)
    exact = 0.25e-16  # log_var²/4 to leading order; exp(log_var) − 1 − log_var has no digit of it
    torch.testing.assert_close(kl.item(), exact, rtol=1e-3, atol=0)
    assert kl_standard_normal(torch.zeros(1, 1).float(), log_var.float()) >= 0


def test_kl_normal_is_the_integral(device: torch.device) -> None:
    mu_q, log_var_q = normal_parameters(device)
    mu_p, log_var_p = normal_parameters(device)
    std_q, std_p = (0.5 * log_var_q).exp(), (0.5 * log_var_p).exp()
    kl = kl_normal(mu_q, log_var_q, mu_p, log_var_p)
    torch.testing.assert_close(kl, kl_by_quadrature(mu_q, std_q, mu_p, std_p))
    zero = torch.zeros_like(mu_q)
    expected = kl_standard_normal(mu_q, log_var_q)
    torch.testing.assert_close(kl_normal(mu_q, log_var_q, zero, zero), expected)
    assert kl_normal(mu_q, log_var_q, mu_q, log_var_q).abs().max() == 0


def test_leading_dimensions_are_kept() -> None:
    mu, log_var = torch.randn(2, 4, 5, 3), torch.randn(2, 4, 5, 3)
    flat = kl_standard_normal(mu.reshape(-1, 3), log_var.reshape(-1, 3))
    torch.testing.assert_close(kl_standard_normal(mu, log_var), flat.reshape(2, 4, 5))


def test_kl_categorical_is_the_sum(device: torch.device) -> None:
    logits_q, logits_p = (2 * torch.randn(B, K, device=device) for _ in range(2))
    kl = kl_categorical(logits_q, logits_p)
    assert kl.shape == (B,)
    expected = kl_divergence(Categorical(logits=logits_q), Categorical(logits=logits_p))
    torch.testing.assert_close(kl, expected)
    torch.testing.assert_close(kl_categorical(logits_q + 3, logits_p - 2), kl)  # unnormalised


def test_kl_categorical_where_categories_never_occur() -> None:
    q, p = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.75, 0.0])
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    torch.testing.assert_close(kl_categorical(q.log(), p.log()).item(), expected)
    outside = torch.tensor([0.0, 0.5, 0.5])
    assert kl_categorical(q.log(), outside.log()) == math.inf


def test_js_categorical_is_symmetric_and_bounded(device: torch.device) -> None:
    logits_q, logits_p = (3 * torch.randn(B, K, device=device) for _ in range(2))
    js = js_categorical(logits_q, logits_p)
    q, p = logits_q.softmax(-1), logits_p.softmax(-1)
    m = 0.5 * (q + p)
    expected = 0.5 * (q * (q / m).log() + p * (p / m).log()).sum(-1)
    torch.testing.assert_close(js, expected)
    torch.testing.assert_close(js_categorical(logits_p, logits_q), js)
    assert (js > 0).all()
    assert (js < math.log(2)).all()
    disjoint = js_categorical(torch.tensor([1.0, 0.0]).log(), torch.tensor([0.0, 1.0]).log())
    torch.testing.assert_close(disjoint.item(), math.log(2))


finite = st.floats(-8, 8)


@given(st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=6))
def test_kl_is_never_negative(rows: list[tuple[float, ...]]) -> None:
    mu_q, log_var_q, mu_p, log_var_p = torch.tensor(rows, dtype=torch.float64).T
    assert kl_standard_normal(mu_q, log_var_q) >= 0
    assert kl_normal(mu_q, log_var_q, mu_p, log_var_p) >= 0
    assert kl_categorical(mu_q, mu_p) >= -1e-12
    assert -1e-12 <= js_categorical(mu_q, mu_p) <= math.log(2) + 1e-12


def test_importance_weighted_bound_is_the_log_of_the_mean(device: torch.device) -> None:
    log_weights = 3 * torch.randn(K, B, device=device)
    bound = importance_weighted_bound(log_weights)
    torch.testing.assert_close(bound, log_weights.exp().mean(0).log())
    torch.testing.assert_close(importance_weighted_bound(log_weights - 2000), bound - 2000)
    torch.testing.assert_close(importance_weighted_bound(log_weights[:1]), log_weights[0])


def test_effective_sample_size(device: torch.device) -> None:
    log_weights = torch.randn(K, B, device=device)
    w = log_weights.exp()
    size = effective_sample_size(log_weights)
    torch.testing.assert_close(size, w.sum(0).square() / w.square().sum(0))
    assert (size >= 1).all()
    assert (size <= K).all()
    torch.testing.assert_close(effective_sample_size(torch.zeros(K, B)), torch.full((B,), float(K)))


@pytest.mark.parametrize("function", [kl_standard_normal, kl_categorical, js_categorical])
def test_bad_pairs(function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match=r"must have shape \(5, 3\), got \(5, 4\)"):
        function(torch.zeros(5, 3), torch.zeros(5, 4))
    with pytest.raises(TypeError, match="must be a floating-point tensor"):
        function(torch.zeros(5, 3).long(), torch.zeros(5, 3))
    with pytest.raises(TypeError, match=r"must be a torch.Tensor, got list"):
        function([0.0], torch.zeros(1))
    with pytest.raises(ValueError, match="must have at least one dimension, got a scalar"):
        function(torch.tensor(0.0), torch.tensor(0.0))


def test_bad_normal_parameters_name_the_argument() -> None:
    good, bad = torch.zeros(5, 3), torch.zeros(3)
    with pytest.raises(ValueError, match=r"log_var_p must have shape \(5, 3\), got \(3,\)"):
        kl_normal(good, good, good, bad)


@pytest.mark.parametrize("function", [importance_weighted_bound, effective_sample_size])
def test_bad_weights(function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match=r"log_weights must have shape \(K, B\), got a scalar"):
        function(torch.tensor(1.0))
    with pytest.raises(ValueError, match="log_weights must hold at least one example"):
        function(torch.zeros(0, 5))
    with pytest.raises(TypeError, match="log_weights must be a floating-point tensor"):
        function(torch.zeros(2, 5).long())
