"""Which steps of a padded batch are real."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.data.strokes.sequences import check_strokes

X = torch.zeros(2, 4, 3)
LIKE = torch.zeros(1)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_steps_behind_the_end_are_marked(dtype: torch.dtype) -> None:
    _, inside = check_strokes(X, torch.tensor([3, 1], dtype=dtype), LIKE)
    assert inside.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0]]
    assert check_strokes(X, None, LIKE)[1].sum() == 8


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        (X[..., 0], [4, 4], r"x must have shape \(B, T, 3\), got \(2, 4\)"),
        (X + math.nan, [4, 4], "x must be finite, got 24 NaN"),
        (X + 2, [4, 4], r"x\[..., 2\] must lie in \[0, 1\], .*: one row for each step"),
        (X, [5, 1], r"lengths must lie in \[1, 4\], got values from 1 to 5"),
        (X, [4], r"lengths must have shape \(2,\), got \(1,\)"),
    ],
)
def test_bad_sequences_are_named(x: torch.Tensor, lengths: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_strokes(x, torch.tensor(lengths), LIKE)
