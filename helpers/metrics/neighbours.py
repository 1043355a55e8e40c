"""Nearest neighbours, exactly."""

import torch
from torch import Tensor

from helpers.checks import check_between
from helpers.metrics.sets import distance_blocks, two_sets


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
    check_between("k", k, 1, len(others))
    nearest = [block.topk(k, largest=False) for block in distance_blocks(points, others)]
    return torch.cat([n.values for n in nearest]), torch.cat([n.indices for n in nearest])
