"""The mel scale, in which equal steps sound equal."""

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_counts

LOWEST = 50.0  # Hz, where the first triangle starts


def mel_filters(bands: int, *, window: int = 256, sample_rate: int = 8000) -> Tensor:
    r"""Triangles (bands, window/2 + 1), evenly spaced on the mel scale.

    $$ m(f) = 2595 \log_{10}(1 + f / 700) $$

    ``mel_filters(…) @ magnitude`` is a mel spectrogram. The triangles have height 1, and between
    the first and the last peak they add up to 1. The sample rate is in Hz.

    Taught in: applications/speech
    """
    check_counts(bands=bands, sample_rate=sample_rate)
    highest = sample_rate / 2
    low, high = (2595 * math.log10(1 + f / 700) for f in (LOWEST, highest))
    corners = 700 * (10 ** (torch.linspace(low, high, bands + 2) / 2595) - 1)  # (bands + 2,), Hz
    frequencies = torch.linspace(0, highest, window // 2 + 1)
    rising = (frequencies - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - frequencies) / (corners[2:] - corners[1:-1])[:, None]
    filters = torch.minimum(rising, falling).clamp_min(0)
    if not filters.any(1).all():
        raise argument_error("bands", "be few enough that each holds a frequency", bands)
    return filters
