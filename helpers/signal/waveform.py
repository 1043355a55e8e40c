r"""A sound as samples: one channel, in [-1, 1], at a sample rate in Hz."""

from __future__ import annotations

import torch  # noqa: F401  the doctest draws on it
from torch import Tensor

from helpers.checks import argument_error, check_finite, check_floating, check_nonempty, check_range


def check_waveform(name: str, x: Tensor) -> None:
    r"""Raise unless `x` is one channel of finite samples in [-1, 1], not all of them zero.

    >>> check_waveform("x", torch.zeros(8))
    Traceback (most recent call last):
    ValueError: x must hold a sound, got silence: all samples are 0
    """
    check_floating(name, x)
    check_nonempty(name, x)
    if x.ndim != 1:
        hint = "stereo: take the mean over the channels" if x.ndim == 2 else ""
        raise argument_error(name, "be one channel, shape (T,)", tuple(x.shape), hint)
    check_finite(name, x)
    check_range(name, x, -1.0, 1.0, hint="clipped or not scaled: divide by the largest magnitude")
    if not bool(x.any()):
        raise argument_error(name, "hold a sound", "silence", "all samples are 0")
