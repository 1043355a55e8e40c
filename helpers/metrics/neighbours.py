r"""Nearest neighbours, exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_same_device,
    check_shape,
    check_tensor,
)

CHUNK = 1 << 22  # distances held at once by the nearest-neighbour search: 32 MB


def nearest_neighbours(x: Tensor, reference: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    r"""The k nearest rows of `reference` for each row of `x`, in Euclidean distance.

    Generated images shown beside their nearest training images tell memory from invention. The
    search looks at every pair, in double precision, and holds a few million distances at a time.

    Args:
        x: examples (N, …), floating point; dimensions after the first are flattened.
        reference: examples (M, …) with the same dimensions after the first.
        k: how many neighbours, between 1 and M.

    Returns:
        Distances (N, k) of the dtype of `x`, smallest first, and row numbers in `reference`
        (N, k), int64. A row that occurs in `reference` has distance exactly 0.

    Raises:
        TypeError: an argument is no floating-point tensor, or `k` no integer.
        ValueError: different dimensions or devices, no examples, `k` out of range, or NaN.

    >>> reference = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> distances, rows = nearest_neighbours(torch.tensor([[3.0, 4.0]]), reference, k=2)
    >>> distances.tolist(), rows.tolist()
    ([[0.0, 5.0]], [[1, 0]])

    Taught in: evaluation.
    """
    for name, examples in (("x", x), ("reference", reference)):
        check_tensor(name, examples)
        if examples.ndim < 2 or examples.numel() == 0:
            got = tuple(examples.shape)
            raise argument_error(name, "have shape (N, ...) with N of at least 1", got)
        check_floating(name, examples)
        check_finite(name, examples)
    check_shape("x", x, ("N", *reference.shape[1:]), hint="match the rows of reference")
    check_same_device("x", x, "reference", reference.device)
    check_at_least("k", k, 1)
    if k > len(reference):
        raise argument_error("k", f"be at most {len(reference)}, the rows of reference", k)
    with torch.no_grad():
        parts = [
            _nearest(part, reference.flatten(1), k)
            for part in torch.split(x.flatten(1), max(1, CHUNK // len(reference)))
        ]
    distances, rows = (torch.cat(column) for column in zip(*parts))
    return distances.to(x.dtype), rows


def _nearest(x: Tensor, reference: Tensor, k: int) -> tuple[Tensor, Tensor]:
    # |a − b|² = |a|² − 2ab + |b|² ranks fast; centred and in double precision its error is far
    # below the rounding of the data. The few distances that are kept come from differences.
    x = x.double()
    centre = reference.mean(0).double()
    ranks = []
    for part in torch.split(reference, max(1, CHUNK // reference.shape[1])):
        part = part.double() - centre
        ranks.append(part.square().sum(1) - 2 * (x - centre) @ part.T)  # (n, m); |a|² is common
    rows = torch.cat(ranks, 1).topk(k, largest=False).indices  # (n, k)
    distances = (x[:, None] - reference[rows].double()).square().sum(-1).sqrt()  # (n, k)
    distances, order = distances.sort(dim=1, stable=True)
    return distances, rows.gather(1, order)
