"""What is a sound, and what is none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from helpers.signal import check_waveform

TONE = torch.sin(torch.arange(100.0))


def test_a_sound_is_let_through() -> None:
    assert check_waveform("x", TONE) is TONE


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.stack([TONE, TONE]), r"x must have shape \(T,\), .*average the channels"),
        (3 * TONE, r"x must lie in \[-1, 1\].*largest magnitude"),
        (0 * TONE, "x must hold a sound, got silence"),
        (TONE[:0], "x must hold at least one example"),
        (TONE / 0, "x must be finite"),
    ],
)
def test_other_tensors_are_refused(x: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_waveform("x", x)
