"""Two sets of examples: one look at both, and the distances between them."""

from collections.abc import Iterator

import torch
from torch import Tensor

from helpers.checks import check_counts, check_data

CHUNK = 1 << 20  # distances held at once: 8 MB


def two_sets(minimum: int = 1, **sets: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets, (N, …) and (M, …) by name, as rows (N, D) and (M, D) in double precision.

    >>> two_sets(x=torch.zeros(5, 8), y=torch.zeros(5, 1))
    Traceback (most recent call last):
    ValueError: y must have shape (N, 8), got (5, 1): examples of both sets have one shape
    """
    first, second = sets
    check_data(first, sets[first], (...,))
    event = sets[first].shape[1:]
    check_data(second, sets[second], ("N", *event), hint="examples of both sets have one shape")
    check_counts(minimum, **{f"len({name})": len(x) for name, x in sets.items()})
    x, y = (x.detach().double().reshape(len(x), -1) for x in sets.values())
    return x, y


def distance_blocks(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """Euclidean distances of the rows of x (N, D) from those of y (M, D): blocks (n, M) of rows.

    They come from differences: |a|² − 2ab + |b|² would lose them far from the origin.
    """
    for rows in torch.split(x, max(1, CHUNK // len(y))):
        yield torch.cdist(rows, y, compute_mode="donot_use_mm_for_euclid_dist")
