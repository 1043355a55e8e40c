"""Mel filters are a partition of the frequencies."""

from __future__ import annotations

import math

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


def test_a_band_without_a_frequency_is_named() -> None:
    with pytest.raises(ValueError, match="bands must be few enough that each holds a frequency"):
        mel_filters(120)
