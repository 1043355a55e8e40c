"""Many short sequences as one tensor: a row for each, filled up with −1 behind its end.

Taught in: applications/text
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import argument_error, check_data

PADDING = -1
HINT = "encode with the alphabet of the model"


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of different lengths as one tensor (B, T), with −1 behind the end of the shorter ones.

    >>> pad([[4, 2], [7]])
    tensor([[ 4,  2],
            [ 7, -1]])
    """
    if not rows:
        raise argument_error("rows", "hold at least one row", "none")
    width = max(1, *(len(row) for row in rows))
    filled = [[*row, *[PADDING] * (width - len(row))] for row in rows]
    return torch.tensor(filled, dtype=torch.int64)


def with_end(rows: Tensor, end: int) -> Tensor:
    """The symbol `end` behind the last one of each row: (B, T) to (B, T + 1).

    >>> with_end(torch.tensor([[4, 2], [7, -1]]), 9)
    tensor([[ 4,  2,  9],
            [ 7,  9, -1]])
    """
    lengths = (rows >= 0).sum(1, keepdim=True)
    return F.pad(rows, (0, 1), value=PADDING).scatter(1, lengths, end)


def without_end(rows: Tensor, end: int) -> Tensor:
    """−1 in place of the first `end` of each row, and of all that follows it.

    >>> without_end(torch.tensor([[4, 9, 2], [7, 7, 7]]), 9)
    tensor([[ 4, -1, -1],
            [ 7,  7,  7]])
    """
    return rows.masked_fill((rows == end).cummax(1).values, PADDING)


def check_rows(
    name: str, rows: Tensor, num_symbols: int, *, like: Tensor | None = None, shortest: int = 0
) -> Tensor:
    """Rows (B, T) of symbols below `num_symbols`, −1 behind the ends, at least `shortest` long."""
    bounds: dict[str, Any] = {"low": PADDING, "high": num_symbols - 1, "hint": HINT}
    rows = check_data(name, rows, ("B", "T"), "integer", like=like, **bounds)
    if rows.device.type == "cpu":
        held = rows >= 0
        if (held[:, 1:] & ~held[:, :-1]).any():
            raise argument_error(name, "have padding only behind the end of a row", "it before")
        if shortest and not held[:, 0].all():
            raise argument_error(name, "hold at least one symbol in each row", "an empty row")
    return rows
