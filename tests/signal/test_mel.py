"""Mel filters are a partition of the frequencies."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.signal import mel_filters


def test_mel_filters_are_a_partition_between_their_peaks() -> None:
    filters = mel_filters(20)
    peaks = filters.argmax(1)
    assert (peaks.diff() > 0).all()
    inside = filters[:, peaks[0] + 1 : peaks[-1]]
    assert torch.allclose(inside.sum(0), torch.ones(inside.shape[1]))
    assert (filters >= 0).all()
    assert filters.max() <= 1
    # 1000 Hz is near 1000 mel by the scale's construction
    assert 2595 * math.log10(1 + 1000 / 700) == pytest.approx(1000, abs=0.1)


@pytest.mark.parametrize(("bands", "window", "rate"), [(20, 256, 8000), (5, 100, 3000)])
def test_the_corners_are_evenly_spaced_on_the_mel_scale(bands: int, window: int, rate: int) -> None:
    """np.interp through the three corners of each triangle, from 50 Hz to half the rate."""
    ends = 2595 * np.log10(1 + np.array([50, rate / 2]) / 700)
    corners = 700 * (10 ** (np.linspace(*ends, bands + 2) / 2595) - 1)
    frequencies = np.arange(window // 2 + 1) * rate / window
    expected = [np.interp(frequencies, corners[i : i + 3], [0, 1, 0]) for i in range(bands)]
    found = mel_filters(bands, window=window, sample_rate=rate)
    assert found.shape == (bands, window // 2 + 1)
    assert np.allclose(found, expected)
    assert torch.equal(mel_filters(9), mel_filters(9, window=256, sample_rate=8000))


def test_a_band_without_a_frequency_is_named() -> None:
    with pytest.raises(ValueError, match="bands must be few enough that each holds a frequency"):
        mel_filters(120)
    for name in ("bands", "sample_rate"):
        with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got 0"):
            mel_filters(**{"bands": 3, name: 0})
