"""Which inputs reach an output, of networks whose paths are known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.networks import dependence


class Shifted(nn.Module):
    """Numbers (x_{i-1}, 2 x_{i-1} + y) of value i, the last value's of the first: a ring."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        before = x.roll(1, -1)
        return torch.stack([before, 2 * before + y[:, None, None]], -1)


def test_the_paths_of_a_known_network_are_found(seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(9, 11)
    found = dependence(Shifted(), x, torch.tensor(0.3))
    expected = torch.eye(99).view(9, 11, 9, 11).roll(1, 1).reshape(99, 99) > 0
    assert torch.equal(found, expected)


def test_dropout_hides_nothing_and_the_mode_comes_back() -> None:
    network = nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.9), nn.Unflatten(1, (5, 1)))
    assert dependence(network, torch.randn(5)).all()
    assert network.training
    assert all(p.grad is None for p in network.parameters())
