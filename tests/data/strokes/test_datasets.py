"""Made-up words as pen sequences: splits, padding, letters, batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.data import strokes
from helpers.random import seeded


@pytest.fixture(scope="module")
def data() -> strokes.StrokeSplits:
    return strokes.load("glyphs")


def test_splits_share_no_word_and_are_the_same_at_each_call(data: strokes.StrokeSplits) -> None:
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [4000, 400, 400]
    words = [word for part in parts for word in part.texts]
    assert len(set(words)) == len(words)
    again = strokes.load("glyphs").test
    assert torch.equal(again.x, data.test.x)
    assert again.texts == data.test.texts


def test_every_sequence_ends_with_a_lift_and_zeros(data: strokes.StrokeSplits) -> None:
    x, lengths = data.test.x, data.test.lengths
    rows = torch.arange(len(x))
    assert (x[rows, lengths - 1, 2] == 1).all()
    behind = torch.arange(x.shape[1]) >= lengths[:, None]
    assert (x[behind] == 0).all()
    assert x.dtype == torch.float32
    assert set(x[..., 2].unique().tolist()) == {0.0, 1.0}


def test_buckets_visit_every_sequence_once_without_waste(
    data: strokes.StrokeSplits, seed: int
) -> None:
    rows = torch.arange(400)
    batches = strokes.Buckets(data.test, rows, batch_size=32, rng=seeded(seed))
    seen, padding = [], 0
    for x, lengths, row in batches:
        assert x.shape[1] == lengths.max()
        assert torch.equal(x, data.test.x[row, : x.shape[1]])
        seen += row.tolist()
        padding += x.shape[1] * len(x) - int(lengths.sum())
    assert sorted(seen) == list(range(400))
    assert len(batches) == 13
    assert padding < 0.2 * data.test.lengths.sum()


def test_packing_pads_with_zeros(seed: int) -> None:
    items = [torch.randn(n, 3, generator=seeded(seed)) for n in (2, 5)]
    packed = strokes.pack([items[0].numpy(), items[1]], ["a", "b"])
    assert packed.lengths.tolist() == [2, 5]
    assert torch.equal(packed.x[0, :2], items[0].float())
    assert torch.equal(packed.x[1], items[1].float())
    assert (packed.x[0, 2:] == 0).all()


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="name must be one of 'glyphs', 'omniglot', got 'glyph'"):
        strokes.load("glyph")
    with pytest.raises(ValueError, match="texts must use the letters 'abc' only, got 'z'"):
        strokes.encode(["az"], "abc")
    with pytest.raises(ValueError, match="texts must be one or more, of at least one letter"):
        strokes.encode(["a", ""], "abc")
    with pytest.raises(ValueError, match=r"sequences\[1\] must have shape \(T, 3\), got \(2, 2\)"):
        strokes.pack([np.zeros((2, 3)), np.zeros((2, 2))], ["a", "b"])
    with pytest.raises(ValueError, match=r"sequences and texts must hold .*, got 1 and 2"):
        strokes.pack([np.zeros((2, 3))], ["a", "b"])
    one = strokes.pack([np.zeros((2, 3))], ["a"])
    with pytest.raises(ValueError, match=r"tensors must have 1 rows each, got \[2\]"):
        strokes.Buckets(one, torch.zeros(2), batch_size=1)
