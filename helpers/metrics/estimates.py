r"""A number with its standard error."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import argument_error, check_finite, check_floating, check_shape


class Estimate(NamedTuple):
    """A number and its standard error, in the same unit."""

    value: float
    standard_error: float


def mean_and_standard_error(values: Tensor) -> Estimate:
    r"""The mean of independent values and the standard error of that mean.

    $$ \bar v = \frac1N \sum_n v_n, \qquad
       \mathrm{se} = \sqrt{\frac{1}{N (N - 1)} \sum_n (v_n - \bar v)^2} $$

    Args:
        values: (N,), one independent value for each example, N at least 2.

    Returns:
        ``(value, standard_error)`` in the unit of the values.

    Raises:
        TypeError: `values` is no tensor of floating-point numbers.
        ValueError: a wrong shape, fewer than two values, or values that are not finite.

    >>> mean_and_standard_error(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    Estimate(value=3.0, standard_error=1.0801...)

    Taught in: what_is_a_generative_model.
    """
    check_floating("values", values)
    check_shape("values", values, ("N",), hint="give one value for each example")
    if len(values) < 2:
        raise argument_error("values", "hold at least 2 values", len(values))
    check_finite("values", values)
    v = values.detach().to(torch.float64)
    return Estimate(v.mean().item(), (v.std(unbiased=True) / math.sqrt(len(v))).item())
