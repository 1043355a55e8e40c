"""What can be drawn becomes a float array, or an error that names the argument."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.plotting.arrays import as_array


def test_anything_drawable_becomes_float64(device: torch.device) -> None:
    for x in (
        [1, 2],
        np.array([1, 2], np.uint8),
        torch.tensor([1, 2], device=device),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16, requires_grad=True),
    ):
        drawn = as_array("x", x)
        assert drawn.dtype == np.float64
        assert drawn.tolist() == [1.0, 2.0]


def test_only_a_log_density_may_be_minus_infinity() -> None:
    assert as_array("x", [0.0, -math.inf], allow_minus_inf=True).tolist() == [0.0, -math.inf]
    with pytest.raises(ValueError, match="x must be finite, got 0 NaN and 1 infinite among 2"):
        as_array("x", [0.0, -math.inf])
    with pytest.raises(ValueError, match="x must be finite"):
        as_array("x", [math.nan, math.inf], allow_minus_inf=True)
