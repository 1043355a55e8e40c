"""Rows of different lengths: nothing is lost, ends go where rows end."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.text import pad, with_end, without_end
from helpers.data.text.rows import check_rows


@given(st.lists(st.lists(st.integers(0, 6), max_size=5), min_size=1, max_size=4))
def test_rows_come_back_with_and_without_their_ends(rows: list[list[int]]) -> None:
    padded = pad(rows)
    assert padded.dtype == torch.int64
    assert padded.shape == (len(rows), max(1, *(len(row) for row in rows)))
    assert [row[row >= 0].tolist() for row in padded] == rows
    ended = with_end(padded, 7)
    assert [row[row >= 0].tolist() for row in ended] == [[*row, 7] for row in rows]
    assert torch.equal(without_end(ended, 7)[:, :-1], padded)


def test_what_follows_an_end_is_cut() -> None:
    rows = torch.tensor([[7, 1, 2], [1, 7, 7], [1, 2, 3]])
    assert without_end(rows, 7).tolist() == [[-1, -1, -1], [1, -1, -1], [1, 2, 3]]


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (torch.tensor([[0, -1, 1]]), "rows must have padding only behind the end of a row"),
        (torch.tensor([[-1, -1]]), "rows must hold at least one symbol in each row"),
        (torch.tensor([[3]]), r"rows must lie in \[-1, 2\], got .*: encode with"),
    ],
)
def test_bad_rows_are_named(rows: torch.Tensor, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        check_rows("rows", rows, 3, shortest=1)
