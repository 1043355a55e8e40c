"""No set is broadcast, distances come from differences, neighbours are those of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

import helpers.metrics.distances as module
from helpers.metrics import (
    frechet_distance,
    mmd,
    mode_coverage,
    nearest_neighbours,
    precision_recall,
)
from helpers.metrics.distances import distance_blocks, two_sets
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
    monkeypatch.setattr(module, "CHUNK", chunk)
    x, y = torch.randn(33, 5, generator=seeded(seed)), torch.randn(35, 5, generator=seeded(seed))
    for shift in (0.0, 1e9):
        blocks = list(distance_blocks((x + shift).to(device), (y + shift).to(device)))
        assert len(blocks) == -(-33 // max(1, chunk // 35))
        expected = cdist((x + shift).numpy(), (y + shift).numpy())
        assert np.allclose(torch.cat(blocks).cpu().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("chunk", [1, 50, module.CHUNK])
def test_nearest_neighbours_by_scikit_learn(k, chunk, seed, device, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    g = seeded(seed)
    x, reference = torch.randn(7, 2, 3, generator=g), torch.randn(29, 2, 3, generator=g)
    distances, rows = nearest_neighbours(x.to(device), reference.to(device), k)
    oracle = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(reference.flatten(1).numpy())
    expected_distances, expected_rows = oracle.kneighbors(x.flatten(1).numpy())
    assert np.array_equal(rows.cpu().numpy(), expected_rows)
    assert np.allclose(distances.cpu().numpy(), expected_distances, rtol=1e-12)
    assert distances.device == rows.device
    assert rows.dtype == torch.int64


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_copies_are_found_at_distance_zero(dtype, offset, seed):
    g = seeded(seed)
    reference = (torch.randn(50, 6, generator=g) + offset).to(dtype)
    order = torch.randperm(50, generator=g)
    reference = reference.unique(dim=0)  # half precision may make two rows equal
    order = order[order < len(reference)]
    distances, rows = nearest_neighbours(reference[order], reference)
    assert torch.equal(rows[:, 0], order)
    assert torch.equal(distances, torch.zeros(len(order), 1))


def test_small_differences_far_from_the_origin(seed):
    """Expanding the square without centring would lose these differences."""
    reference = 1e7 + torch.arange(20.0)[:, None] * torch.tensor([1e-3, 0.0])
    x = reference[[3, 11]] + torch.tensor([2e-4, 0.0])
    distances, rows = nearest_neighbours(x, reference, 3)
    assert rows.tolist() == [[3, 4, 2], [11, 12, 10]]
    assert torch.allclose(distances[0], torch.tensor([2e-4, 8e-4, 12e-4]), rtol=1e-4)


def test_all_neighbours_are_all_rows_in_order(seed):
    g = seeded(seed)
    x, reference = torch.randn(1, 2, generator=g), torch.randn(9, 2, generator=g)
    distances, rows = nearest_neighbours(x, reference, 9)
    assert rows[0].sort().values.tolist() == list(range(9))
    assert (distances[0].diff() >= 0).all()
    assert torch.allclose(distances[0], (x - reference[rows[0]]).norm(dim=1))


def test_kept_rows_are_ordered_by_their_exact_distances(seed):
    """An outlier would make distances from scalar products coarse."""
    x = torch.tensor([[0.25]])
    near = torch.randperm(20, generator=seeded(seed))[:, None] * 1e-3
    reference = torch.cat([near, torch.tensor([[1e9]])])
    distances, rows = nearest_neighbours(x, reference, 21)
    assert (distances[0].diff() > 0).all()
    assert torch.equal(distances[0], (x - reference[rows[0]]).norm(dim=1))


def test_an_outlier_changes_no_neighbour(seed):
    g = seeded(seed)
    x, near = torch.randn(30, 2, generator=g), torch.randn(40, 2, generator=g)
    reference = torch.cat([near, torch.tensor([[1e12, -1e12]])])
    assert torch.equal(nearest_neighbours(x, reference, 3)[1], nearest_neighbours(x, near, 3)[1])


@pytest.mark.parametrize(
    ("x", "k", "match"),
    [
        (torch.zeros(2, 4), 1, r"reference must have shape \(N, 4\), got \(5, 3\): examples"),
        (torch.zeros(0, 3), 1, "x must hold at least one example"),
    ],
)
def test_bad_sets_are_named(x, k, match):
    with pytest.raises(ValueError, match=match):
        nearest_neighbours(x, torch.zeros(5, 3), k)
