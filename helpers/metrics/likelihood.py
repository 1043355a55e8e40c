"""Likelihoods in the unit of compression."""

import math

from torch import Tensor

from helpers.checks import check_counts


def bits_per_dimension(
    nll_nats: Tensor | float, dims: int, *, num_levels: int | None = None
) -> Tensor | float:
    r"""A negative log-likelihood in bits for each dimension of an example: lower is better.

    $$ \mathrm{bpd} = \frac{\mathrm{NLL}}{D \ln 2} $$

    A density on integers plus uniform noise, divided by the number of levels so that they fill
    [0, 1], must count the change of unit: with `num_levels` its log₂ is added. The result is an
    upper bound on the bits of the integers.

    Args:
        nll_nats: −log p in nats of whole examples, any shape, or its mean as a number.
        dims: dimensions D of one example, at least 1: 64 for an 8×8 grey image.
        num_levels: only for a density on [0, 1]: how many levels the integers had, at least 2.

    >>> round(bits_per_dimension(64 * math.log(17), dims=64), 4)  # log₂ 17: uniform levels
    4.0875
    >>> bits_per_dimension(0.0, dims=64, num_levels=256)  # a density of 1 on [0, 1]
    8.0

    Taught in: background/what_is_a_generative_model
    """
    check_counts(dims=dims)
    offset = 0.0 if num_levels is None else math.log2(num_levels)
    return nll_nats / (dims * math.log(2)) + offset
