"""What all functions of two sets share: no set is broadcast, distances come from differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from helpers.metrics import (
    frechet_distance,
    mmd,
    mode_coverage,
    nearest_neighbours,
    precision_recall,
    sets,
)
from helpers.metrics.sets import distance_blocks, two_sets
from helpers.random import seeded

FUNCTIONS = [
    frechet_distance,
    mmd,
    nearest_neighbours,
    precision_recall,
    lambda x, y: mode_coverage(x, y, 1.0),
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("a", "b"), [((50, 8), (50, 1)), ((50, 1), (50, 8)), ((50, 8), (50,))])
def test_sets_of_different_shapes_are_refused(
    function: Callable[[Tensor, Tensor], object], a: tuple[int, ...], b: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"must have shape \(N.*examples of both sets"):
        function(torch.randn(a), torch.randn(b))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_types_are_looked_at(function: Callable[[Tensor, Tensor], object]) -> None:
    x = torch.randn(9, 2)
    with pytest.raises(ValueError, match="must be finite, got 18 NaN"):
        function(x, x * torch.nan)
    with pytest.raises(TypeError, match="must be a floating-point tensor"):
        function(x.long(), x)


def test_images_are_rows_and_numbers_points() -> None:
    x, y = two_sets(x=torch.zeros(5, 2, 3, dtype=torch.float32), y=torch.zeros(4, 2, 3))
    assert x.shape == (5, 6)
    assert y.shape == (4, 6)
    assert x.dtype == torch.float64
    assert two_sets(x=torch.zeros(5), y=torch.zeros(4))[0].shape == (5, 1)


@pytest.mark.parametrize("chunk", [1, 70, 10_000])
def test_distances_are_scipys_block_by_block(
    chunk: int, seed: int, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "CHUNK", chunk)
    x, y = torch.randn(33, 5, generator=seeded(seed)), torch.randn(35, 5, generator=seeded(seed))
    for shift in (0.0, 1e9):
        blocks = list(distance_blocks((x + shift).to(device), (y + shift).to(device)))
        assert len(blocks) == -(-33 // max(1, chunk // 35))
        expected = cdist((x + shift).numpy(), (y + shift).numpy())
        assert np.allclose(torch.cat(blocks).cpu().numpy(), expected, rtol=1e-12)
