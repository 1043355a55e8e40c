"""The embedding of a time against the sines and cosines of its definition."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.networks import TimeEmbedding


def test_a_time_embedding_is_sines_and_cosines(device: torch.device) -> None:
    features, period = 6, 100.0
    t = torch.tensor([0.0, 0.3, 7.0], device=device)
    embedded = TimeEmbedding(features, max_period=period).to(device)(t)
    for row, time in zip(embedded.tolist(), t.tolist()):
        rates = [period ** (-i / 3) for i in range(3)]
        expected = [math.cos(r * time) for r in rates] + [math.sin(r * time) for r in rates]
        assert row == pytest.approx(expected)


def test_a_time_embedding_takes_steps_and_keeps_no_state() -> None:
    embed = TimeEmbedding(6)
    torch.testing.assert_close(embed(torch.tensor([0, 7])), embed(torch.tensor([0.0, 7.0])))
    assert embed.state_dict() == {}


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="features must be even, got 3"):
        TimeEmbedding(3)
