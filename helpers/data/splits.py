"""What all data sets share: three parts, and which examples of a reader's own go where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.random import seeded

SHARES = (0.8, 0.1, 0.1)
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Part:
    """Examples x (N, …) of a data set; its length is their number."""

    x: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Splits(Generic[_T]):
    """The three parts of a data set, and its name."""

    train: _T
    validation: _T
    test: _T
    name: str


def draw_parts(n: int, shares: Sequence[float] = SHARES, seed: int = 0) -> tuple[Tensor, ...]:
    """Row numbers of three parts without overlap, none empty, the same at each call.

    Args:
        n: number of examples.
        shares: of training, validation and test, above zero, with the sum 1.
        seed: draws the order.

    >>> [len(rows) for rows in draw_parts(50)]
    [40, 5, 5]
    """
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise argument_error("shares", "be three numbers above 0 with the sum 1", shares)
    sizes = [max(1, round(share * n)) for share in shares[1:]]
    if sum(sizes) >= n:
        raise argument_error("the data", "have an example for each of three splits", n)
    order = torch.randperm(n, generator=seeded(seed))
    return torch.split(order, [n - sum(sizes), *sizes])
