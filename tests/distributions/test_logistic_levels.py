"""Levels from logistic densities in bins, with an atom at either end."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.distributions import LogisticLevels
from helpers.random import seeded
from tests.statistics import assert_mean_close

V, K = 6, 3


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))


def by_hand(raw: Tensor) -> list[float]:
    """The printed formula for one value, with the centres and scales that the numbers stand for."""
    weights = raw[: K + 2].softmax(0).tolist()
    spread = [-1.0, 0.0, 1.0]
    p = [0.0] * V
    for k in range(K):
        mu = (1 + spread[k] + raw[K + 2 + k].item()) * (V - 1) / 2
        s = (0.1 + math.log1p(math.exp(raw[2 * K + 2 + k].item() + 1))) * (V - 1) / 10
        for v in range(V):
            above = 1.0 if v == V - 1 else sigmoid((v + 0.5 - mu) / s)
            below = 0.0 if v == 0 else sigmoid((v - 0.5 - mu) / s)
            p[v] += weights[k] * (above - below)
    p[0] += weights[K]
    p[V - 1] += weights[K + 1]
    return p


def test_the_probabilities_are_those_of_the_formula(seed: int) -> None:
    raw = torch.randn(5, 3 * K + 2, generator=seeded(seed))
    law = LogisticLevels(raw, V)
    expected = torch.tensor([by_hand(row) for row in raw])
    torch.testing.assert_close(expected.sum(1), torch.ones(5))
    torch.testing.assert_close(law.logits.softmax(1), expected, atol=1e-6, rtol=0)
    assert law.support == ("integer", 0, V - 1)


def test_all_levels_sum_to_one_whatever_the_numbers(seed: int) -> None:
    raw = 30 * torch.randn(50, 3 * K + 2, generator=seeded(seed))
    every = torch.arange(V).expand(50, V)
    law = LogisticLevels(raw, V)
    p = torch.stack([law.log_prob(x).exp() for x in every.unbind(1)])
    torch.testing.assert_close(p.sum(0), torch.ones(50))


def test_gradients_are_finite_far_out(seed: int) -> None:
    """In single precision, where a bin far from all centres has no mass left."""
    raw = (100 * torch.randn(50, 3 * K + 2, generator=seeded(seed))).float().requires_grad_()
    LogisticLevels(raw, V).log_prob(torch.full((50,), 2)).sum().backward()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


def test_an_event_is_independent_values(seed: int) -> None:
    raw = torch.randn(4, 3 * K + 2, 2, 3, generator=seeded(seed))
    x = torch.randint(V, (4, 2, 3), generator=seeded(seed))
    flat = LogisticLevels(raw.movedim(1, -1).flatten(0, 2), V).log_prob(x.flatten())
    torch.testing.assert_close(LogisticLevels(raw, V).log_prob(x), flat.view(4, 6).sum(1))


def test_samples_have_the_probabilities(seed: int) -> None:
    """200,000 draws: a level's share is known to 0.0011 at most, and each within five of these."""
    raw = torch.randn(1, 3 * K + 2, generator=seeded(seed))
    drawn = LogisticLevels(raw.expand(200_000, -1), V).sample(seeded(seed))
    expected = LogisticLevels(raw, V).logits.softmax(1)[0]
    assert_mean_close(F.one_hot(drawn, V).double(), expected)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"raw must have 3K \+ 2 channels, got 12"):
        LogisticLevels(torch.zeros(5, 12), V)
    with pytest.raises(ValueError, match=r"raw must have 3K \+ 2 channels, got 2"):
        LogisticLevels(torch.zeros(5, 2), V)
