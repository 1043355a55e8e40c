"""Likelihoods in the unit of compression."""

import math

from torch import Tensor


def bits_per_dimension(
    nll_nats: Tensor | float, dims: int, *, num_levels: int | None = None
) -> Tensor | float:
    r"""A negative log-likelihood in bits for each dimension of an example: lower is better.

    $$ \mathrm{bpd} = \frac{\mathrm{NLL}}{D \ln 2} $$

    Args:
        nll_nats: −log p of whole examples, any shape, or its mean as a number.
        dims: D, of one example.
        num_levels: only for a density on [0, 1], made from so many integers by uniform noise: its
            log₂ is added for the change of unit, and bounds the bits of the integers from above.

    >>> bits_per_dimension(0.0, dims=64, num_levels=256)  # a density of 1 on [0, 1]
    8.0

    Taught in: background/what_is_a_generative_model
    """
    offset = 0.0 if num_levels is None else math.log2(num_levels)
    return nll_nats / (dims * math.log(2)) + offset
