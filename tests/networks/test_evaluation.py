"""Modes and parameters are behind a block as they were before it; gradients pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from helpers.networks import evaluating, frozen, spectral_normalisation


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


@pytest.mark.parametrize("backward_inside", [True, False])
def test_a_frozen_network_passes_gradients_and_keeps_everything(backward_inside: bool) -> None:
    network = nn.Sequential(spectral_normalisation(nn.Linear(3, 4)), nn.BatchNorm1d(4))
    network[1].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    needs = [p.requires_grad for p in network.parameters()]
    x = torch.randn(5, 3, requires_grad=True)
    (expected,) = torch.autograd.grad(network(x).square().sum(), x)
    network.load_state_dict(before)
    with frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
        loss = network(x).square().sum()
        if backward_inside:
            loss.backward()
    if not backward_inside:
        loss.backward()
    torch.testing.assert_close(x.grad, expected)
    assert all(p.grad is None for p in network.parameters())
    assert needs == [p.requires_grad for p in network.parameters()]
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
