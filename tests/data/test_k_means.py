"""Groups by k-means: against scikit-learn's Lloyd, and at the edges."""

from __future__ import annotations

import pytest
import torch

from helpers.data.k_means import k_means
from helpers.random import seeded


def test_groups_are_a_fixed_point_of_lloyd(seed: int) -> None:
    x = torch.randn(80, 3, generator=seeded(seed)) + torch.arange(80)[:, None] % 2 * 3.0
    groups = k_means(x, 4, max_steps=100, rng=seeded(seed))
    means = groups.T @ x / groups.sum(0)[:, None]
    torch.testing.assert_close(groups, torch.eye(4)[torch.cdist(x, means).argmin(1)])


def test_far_groups_are_found_whatever_the_seed(seed: int) -> None:
    kind = torch.arange(90) % 3
    x = 0.1 * torch.randn(90, 2, generator=seeded(seed)) + 100.0 * torch.eye(3)[kind, :2]
    groups = k_means(x, 3, rng=seeded(seed))
    together = groups @ groups.T
    torch.testing.assert_close(together, (kind[:, None] == kind).double())


def test_integers_and_images_are_points(seed: int) -> None:
    x = torch.tensor([0, 0, 9, 9]).reshape(4, 1, 1, 1)
    groups = k_means(x, 2, rng=seeded(seed))
    assert groups[:2].sum(0).max() == 2
    assert groups[2:].sum(0).max() == 2


def test_equal_examples_leave_groups_empty() -> None:
    groups = k_means(torch.ones(5, 2), 3, rng=seeded(0))
    assert groups.sum(0).tolist() == [5.0, 0.0, 0.0]


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="x must have at least 3 examples, got 2: one a component"):
        k_means(torch.zeros(2, 2), 3)
    with pytest.raises(ValueError, match="x must hold at least one example"):
        k_means(torch.zeros(0, 2), 3)
