"""The groups from which EM starts: against scikit-learn's Lloyd, and at the edges."""

from __future__ import annotations

import pytest
import torch

from helpers.models.mixture import Mixture, k_means
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


def test_images_are_points(seed: int) -> None:
    x = torch.tensor([0.0, 0.0, 9.0, 9.0]).reshape(4, 1, 1, 1)
    groups = k_means(x, 2, rng=seeded(seed))
    assert groups[:2].sum(0).max() == 2
    assert groups[2:].sum(0).max() == 2


def test_equal_examples_leave_groups_empty() -> None:
    groups = k_means(torch.ones(5, 2), 3, rng=seeded(0))
    assert groups.sum(0).tolist() == [5.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [20, 26, 300])
@pytest.mark.parametrize(("dtype", "shift"), [(torch.float32, 1e5), (torch.float64, 1e12)])
def test_a_shift_of_the_points_changes_no_group(
    n: int, dtype: torch.dtype, shift: float, seed: int
) -> None:
    """Two clusters on a grid of eighths, which these shifts do not round."""
    kind = torch.arange(n) % 2
    x = torch.randint(-4, 5, (n, 2), generator=seeded(seed)) / 8 + 4.0 * kind[:, None]
    groups = k_means(x.to(dtype) + shift, 2, rng=seeded(seed))
    assert torch.equal(groups @ groups.T, (kind[:, None] == kind).to(dtype))


def test_the_shared_part_alone_is_no_model() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Mixture(2)  # type: ignore[abstract]
