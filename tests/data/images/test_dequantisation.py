"""Noise on the whole cell: the integers come back, and the noise is uniform."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from helpers.data.images.dequantisation import dequantise
from helpers.random import seeded


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_integers_come_back(dtype: torch.dtype, device: torch.device, seed: int) -> None:
    levels = torch.arange(256, device=device).repeat(2000, 1)
    x = dequantise(levels, 256, dtype=dtype, rng=seeded(seed, device))
    assert x.dtype == dtype
    assert x.shape == levels.shape
    assert ((x * 256).floor() == levels).all()
    assert x.max() < 1


def test_largest_noise_stays_in_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 1 - 2**-24  # of torch.rand in single precision: 16 + largest rounds to 17
    monkeypatch.setattr(torch, "rand", lambda shape, **kwargs: torch.full(shape, largest).float())
    for num_levels in (2, 3, 5, 17, 100, 255, 256):
        levels = torch.arange(num_levels)
        x = dequantise(levels, num_levels)
        assert ((x * num_levels).floor() == levels).all()
        assert x.max() < 1


def test_noise_fills_the_cell_uniformly(seed: int) -> None:
    levels = torch.randint(17, (4000, 5), generator=seeded(seed))
    x = dequantise(levels, 17, dtype=torch.float64, rng=seeded(seed + 1))
    u = (x * 17 - levels).flatten()
    assert stats.kstest(u.numpy(), "uniform").pvalue > 1e-6


def test_generator_decides_and_the_global_one_is_left_alone(seed: int) -> None:
    levels, before = torch.arange(17), torch.get_rng_state()
    first, second = (dequantise(levels, 17, rng=seeded(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_narrow_integers_give_the_numbers_of_wide_ones(dtype: torch.dtype, seed: int) -> None:
    top = torch.iinfo(dtype).max if dtype in (torch.uint8, torch.int8) else 255
    levels = torch.arange(top + 1)
    narrow = dequantise(levels.to(dtype), top + 1, rng=seeded(seed))
    assert torch.equal(narrow, dequantise(levels, top + 1, rng=seeded(seed)))
    assert narrow[-1] >= top / (top + 1)  # white stays white


def test_bad_levels() -> None:
    with pytest.raises(TypeError, match="levels must be an integer tensor"):
        dequantise(torch.zeros(3), 17)
    with pytest.raises(ValueError, match=r"levels must lie in \[0, 16\], got values from 0 to 17"):
        dequantise(torch.arange(18), 17)
