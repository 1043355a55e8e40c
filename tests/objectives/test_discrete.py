"""Entropy, cross-entropy and total variation against SciPy, torch and enumeration of events."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from scipy import stats

from helpers.objectives import (
    cross_entropy_categorical,
    entropy_categorical,
    kl_categorical,
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


def test_categories_that_never_occur() -> None:
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
    p, q = torch.randn(2, 4, 5, 3), torch.randn(2, 4, 5, 3)
    assert entropy_categorical(p).shape == (2, 4, 5)
    assert total_variation_categorical(p, q).shape == (2, 4, 5)


@pytest.mark.parametrize("function", [cross_entropy_categorical, total_variation_categorical])
def test_pairs_that_would_broadcast_are_refused(function: Any) -> None:
    with pytest.raises(ValueError, match=r"logits_q must have shape \(5, 3\), got \(1, 3\)"):
        function(torch.zeros(5, 3), torch.zeros(1, 3))
