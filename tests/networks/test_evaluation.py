"""Evaluation mode inside a block, and every mode as it was behind it."""

from __future__ import annotations

import pytest
from torch import nn

from helpers.networks import evaluating


def test_evaluating_restores_every_modules_mode() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2)))
    network[1].eval()
    network[1][1].train()
    before = [part.training for part in network.modules()]

    def fail_inside() -> None:
        with evaluating(network):
            assert not any(part.training for part in network.modules())
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert [part.training for part in network.modules()] == before
