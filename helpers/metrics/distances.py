"""Two sets of examples: one look at both, the distances between them, nearest neighbours."""

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


def nearest_neighbours(x: Tensor, reference: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest rows of `reference` for each row of `x`, in Euclidean distance.

    Args:
        x: examples (N, …).
        reference: examples (M, …) with the same dimensions after the first.
        k: how many neighbours, between 1 and M.

    Returns:
        Distances (N, k), float64, smallest first, and row numbers in `reference` (N, k).

    >>> reference = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> nearest_neighbours(torch.tensor([[3.0, 4.0]]), reference)
    (tensor([[0.]], dtype=torch.float64), tensor([[1]]))

    Taught in: models/vae, models/gan
    """
    points, others = two_sets(x=x, reference=reference)
    nearest = [block.topk(k, largest=False) for block in distance_blocks(points, others)]
    return torch.cat([n.values for n in nearest]), torch.cat([n.indices for n in nearest])
