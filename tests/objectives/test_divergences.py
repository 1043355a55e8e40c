"""Entropies and divergences against SciPy, torch.distributions, and enumeration of events."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.distributions import Categorical, Normal, kl_divergence

from helpers.objectives import (
    cross_entropy_categorical,
    effective_sample_size,
    entropy_categorical,
    importance_weighted_bound,
    js_categorical,
    kl_categorical,
    kl_normal,
    total_variation_categorical,
)

B, K = 5, 7


def test_entropy_is_scipys(device: torch.device) -> None:
    logits = 2 * torch.randn(B, K, device=device)
    expected = torch.as_tensor(stats.entropy(logits.softmax(-1).cpu().numpy(), axis=-1))
    torch.testing.assert_close(entropy_categorical(logits + 3).cpu(), expected)
    torch.testing.assert_close(entropy_categorical(torch.zeros(K)).item(), math.log(K))
    assert entropy_categorical(torch.tensor([0.0, 1.0, 0.0]).log()) == 0


def test_cross_entropy_is_torchs(device: torch.device) -> None:
    logits_p, logits_q = (2 * torch.randn(B, K, device=device) for _ in range(2))
    value = cross_entropy_categorical(logits_p, logits_q)
    p = logits_p.softmax(-1)
    expected = torch.nn.functional.cross_entropy(logits_q, p, reduction="none")
    torch.testing.assert_close(value, expected)
    split = entropy_categorical(logits_p) + kl_categorical(logits_p, logits_q)
    torch.testing.assert_close(value, split)


def test_kl_of_normals_is_torchs(device: torch.device) -> None:
    mean, log_std = torch.randn(2, B, 3, device=device)
    mean_p, log_std_p = torch.randn(2, 1, 3, device=device)
    q, p = Normal(mean, log_std.exp()), Normal(mean_p, log_std_p.exp())
    value = kl_normal(mean, log_std, mean_p, log_std_p)
    torch.testing.assert_close(value, kl_divergence(q, p).sum(1))
    tiny = kl_normal(mean + 1e-9, log_std, mean, log_std)
    torch.testing.assert_close(tiny, (0.5e-18 * (-2 * log_std).exp()).sum(1), rtol=1e-5, atol=0)


def test_cross_entropy_where_categories_never_occur() -> None:
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.75, 0.0])
    expected = -0.5 * math.log(0.25) - 0.5 * math.log(0.75)
    torch.testing.assert_close(cross_entropy_categorical(p.log(), q.log()).item(), expected)
    outside = torch.tensor([0.0, 0.5, 0.5])
    assert cross_entropy_categorical(p.log(), outside.log()) == math.inf


def test_total_variation_is_the_largest_gap_of_any_event(device: torch.device) -> None:
    logits_p, logits_q = (2 * torch.randn(B, K, device=device) for _ in range(2))
    gap = logits_p.softmax(-1) - logits_q.softmax(-1)
    events = torch.tensor(list(itertools.product([0.0, 1.0], repeat=K)), device=device)
    expected = (events @ gap.T).abs().amax(0)
    value = total_variation_categorical(logits_p, logits_q)
    assert value.shape == (B,)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(total_variation_categorical(logits_q, logits_p + 2), value)
    disjoint = torch.eye(2).log()
    assert total_variation_categorical(disjoint[0], disjoint[1]) == 1


def test_leading_dimensions_are_kept() -> None:
    q, p = torch.randn(2, 4, 5, 3), torch.randn(2, 4, 5, 3)
    flat = kl_categorical(q.reshape(-1, 3), p.reshape(-1, 3))
    torch.testing.assert_close(kl_categorical(q, p), flat.reshape(2, 4, 5))
    assert entropy_categorical(p).shape == (2, 4, 5)
    assert total_variation_categorical(p, q).shape == (2, 4, 5)


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


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=6))
def test_divergences_are_never_negative(rows: list[tuple[float, ...]]) -> None:
    q, p = torch.tensor(rows, dtype=torch.float64).T
    assert kl_categorical(q, p) >= -1e-12
    assert -1e-12 <= js_categorical(q, p) <= math.log(2) + 1e-12


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


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (kl_categorical, "logits_p"),
        (js_categorical, "logits_p"),
        (cross_entropy_categorical, "logits_q"),
        (total_variation_categorical, "logits_q"),
    ],
)
def test_pairs_that_would_broadcast_are_refused(function: Any, name: str) -> None:
    with pytest.raises(ValueError, match=name + r" must have shape \(5, 3\), got \(1, 3\)"):
        function(torch.zeros(5, 3), torch.zeros(1, 3))
