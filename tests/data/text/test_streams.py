"""Streams: every symbol once, each window going on where the last one ended."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.text import Streams
from helpers.random import seeded

START = 999


@given(
    batch=st.integers(1, 5),
    window=st.integers(1, 7),
    length=st.integers(1, 90),
    seed=st.none() | st.integers(0, 99),
)
def test_windows_are_the_sequence_cut_into_rows(
    batch: int, window: int, length: int, seed: int | None
) -> None:
    length += batch * window
    codes = torch.arange(length)
    g = None if seed is None else seeded(seed)
    streams = Streams(codes, batch_size=batch, window=window, start=START, rng=g)
    windows = list(streams)
    assert len(windows) == len(streams)
    assert all(x.shape == y.shape for x, y in windows)
    assert all(x.shape == (batch, window) for x, _ in windows[:-1])
    inputs, outputs = (torch.cat([w[i] for w in windows], 1) for i in range(2))
    assert outputs.numel() == streams.num_symbols == length // batch * batch
    assert torch.equal(inputs[:, 0], torch.full((batch,), START))
    assert torch.equal(inputs[:, 1:], outputs[:, :-1])
    flat = outputs.flatten()  # the rows follow one another in the ring
    assert torch.equal(flat, (flat[0] + torch.arange(len(flat))) % length)
    if seed is None:
        assert flat[0] == 0


def test_a_generator_begins_each_pass_elsewhere(seed: int) -> None:
    streams = Streams(torch.arange(500), batch_size=2, window=5, start=START, rng=seeded(seed))
    firsts = [int(next(iter(streams))[1][0, 0]) for _ in range(4)]
    assert len(set(firsts)) > 1
    again = Streams(torch.arange(500), batch_size=2, window=5, start=START, rng=seeded(seed))
    assert firsts[0] == int(next(iter(again))[1][0, 0])


def test_bytes_are_codes_too() -> None:
    streams = Streams(torch.arange(9, dtype=torch.uint8), batch_size=2, window=2, start=256)
    windows = list(streams)
    assert windows[0][0].tolist() == [[256, 0], [256, 4]]
    assert windows[0][1].dtype == torch.int64


@pytest.mark.parametrize(
    ("codes", "error", "match"),
    [
        (torch.arange(11), ValueError, "at least batch_size × window = 12 symbols, got 11: take"),
        (torch.arange(0), ValueError, "codes must hold at least one example"),
        (torch.zeros(3, 4).long(), ValueError, r"codes must have shape \(T,\), got \(3, 4\)"),
        (torch.zeros(12), TypeError, "codes must be an integer tensor"),
    ],
)
def test_bad_codes_are_named(codes: torch.Tensor, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Streams(codes, batch_size=3, window=4, start=9)
