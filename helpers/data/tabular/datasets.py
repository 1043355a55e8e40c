"""Your own tables: a CSV file of numbers with names of the columns in its first line."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from helpers.checks import argument_error, check_option
from helpers.data.splits import SHARES, Part, Splits, draw_parts


@dataclass(frozen=True, eq=False)
class Rows(Part):
    """One part of a table: x (N, D) float32, and the target y (N,) float32 (all 0 without one)."""

    y: Tensor


@dataclass(frozen=True, eq=False)
class TableSplits(Splits[Rows]):
    """The three splits, and the names of the D columns of x."""

    columns: tuple[str, ...]


def load(
    path: str | Path,
    target: str | None = None,
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> TableSplits:
    r"""A CSV file, its rows drawn into three splits.

    Args:
        path: of the file: names of the columns, then rows of finite numbers; the error for a value
            that is none names its line and column.
        target: name of the column that becomes y; None for no target.
        shares: of the rows for training, validation and test.
        seed: draws which rows go where.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "trees.csv"
    >>> _ = path.write_text("height,girth,age\n" + "2.5,1.5,7\n" * 10, encoding="utf-8")
    >>> trees = load(path, target="age")
    >>> trees.columns, trees.train.x.shape, trees.test.y
    (('height', 'girth'), torch.Size([8, 2]), tensor([7.]))

    Taught in: reference/your_own_data
    """
    path = Path(path)
    with path.open(encoding="utf-8-sig", newline="") as file:  # some programs put a mark in front
        reader = csv.reader(file)
        columns = [name.strip() for name in next(reader, [])]
        table = [
            _numbers(f"{path.name}, line {reader.line_num}", columns, row) for row in reader if row
        ]
    values = torch.tensor(table).reshape(len(table), len(columns)).float()  # (N, columns)
    y = torch.zeros(len(values))
    if target is not None:
        place = columns.index(check_option("target", target, columns))
        y = values[:, place]
        values = torch.cat([values[:, :place], values[:, place + 1 :]], 1)
        columns.pop(place)
    parts = draw_parts(len(values), shares, seed)
    train, validation, test = (Rows(values[rows], y[rows]) for rows in parts)
    return TableSplits(train, validation, test, path.stem, tuple(columns))


def _numbers(place: str, columns: list[str], row: list[str]) -> list[float]:
    if len(row) != len(columns):
        raise argument_error(place, f"have {len(columns)} values", len(row))
    numbers = []
    for column, text in zip(columns, row):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            got = repr(text) if text.strip() else "nothing"
            hint = "fill it in, or leave the row out"
            raise argument_error(f"{place}, column {column!r}", "be a finite number", got, hint)
        numbers.append(number)
    return numbers
