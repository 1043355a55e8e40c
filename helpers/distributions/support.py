"""What values a distribution is over, and how wide its sums are."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Support(NamedTuple):
    """The values that x can take: what a model checks at its door."""

    #: `"float"`, `"binary"` (floating-point zeros and ones) or `"integer"`.
    kind: str = "float"
    low: float = -math.inf
    high: float = math.inf


def widen(x: Tensor) -> Tensor:
    """In single precision at least: half precision has too few digits for a sum over pixels."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
