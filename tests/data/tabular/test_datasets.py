"""Tables: the numbers of the file in the right rows and columns, errors with their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.data import tabular


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trees.csv"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_stay_together_and_the_target_goes_to_y(path: Path, seed: int) -> None:
    numbers = np.random.default_rng(seed).normal(size=(23, 3)).astype(np.float32)
    lines = [",".join(str(value) for value in row) for row in numbers]
    write(path, "\ufeffheight, age ,girth\n" + "\n".join(lines) + "\n\n")
    data = tabular.load(path, "age", shares=(0.5, 0.3, 0.2), seed=seed)
    splits = (data.train, data.validation, data.test)
    assert [len(split) for split in splits] == [11, 7, 5]
    assert (data.name, data.columns) == ("trees", ("height", "girth"))
    x, y = torch.cat([split.x for split in splits]), torch.cat([split.y for split in splits])
    assert (x.dtype, y.dtype) == (torch.float32, torch.float32)
    rows = torch.stack([x[:, 0], y, x[:, 1]], 1)
    assert {tuple(row) for row in rows.tolist()} == {tuple(row) for row in numbers.tolist()}
    plain = tabular.load(str(path))
    assert plain.columns == ("height", "age", "girth")
    assert plain.train.x.shape == (19, 3)
    assert (plain.train.y == 0).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a,b\n1,2\n3,\n",
            r"trees.csv, line 3, column 'b' must be a finite number, got nothing: fi",
        ),
        ("a,b\n1,2\nx,4\n", r"trees.csv, line 3, column 'a' must be a finite number, got 'x'"),
        ("a,b\n1,nan\n3,4\n", r"trees.csv, line 2, column 'b' must be a finite number, got 'nan'"),
        ("a,b\n1,2,3\n", r"trees.csv, line 2 must have 2 values, got 3"),
        ("a,b\n1,2\n3,4\n", r"an example for each of three splits, got 2"),
        ("", r"an example for each of three splits, got 0"),
    ],
)
def test_bad_tables(path: Path, text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        tabular.load(write(path, text))


def test_an_unknown_target(path: Path) -> None:
    with pytest.raises(
        ValueError, match="target must be one of 'a', 'bee', got 'be': did you mean"
    ):
        tabular.load(write(path, "a,bee\n1,2\n"), "be")
