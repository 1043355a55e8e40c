"""Which examples of a reader's own data go to training, validation and test."""

from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.random import seeded

SHARES = (0.8, 0.1, 0.1)


def draw_parts(n: int, shares: Sequence[float] = SHARES, seed: int = 0) -> tuple[Tensor, ...]:
    """Row numbers of three parts without overlap, the same at each call.

    Args:
        n: number of examples.
        shares: of training, validation and test, above zero, with the sum 1.
        seed: draws the order.

    Returns:
        Three tensors of rows, int64, none of them empty.

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
