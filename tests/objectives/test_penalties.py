"""Penalties on a discriminator's slope against torch's jacobian."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from helpers.objectives.penalties import gradient_penalty, r1_penalty
from helpers.random import seeded


class Curved(nn.Module):
    """A discriminator that is no linear function, for events of two dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, x: Tensor) -> Tensor:
        values: Tensor = self.layers(x)[:, 0]
        return values


def jacobian(network: nn.Module, x: Tensor) -> Tensor:
    """Gradient at each example by itself, (B, D)."""
    return torch.stack(
        [
            torch.autograd.functional.jacobian(network, row[None], create_graph=True).flatten()
            for row in x
        ]
    )


@pytest.mark.equation("eq-gan-r1", frozen="3cab4d18")
def test_r1_by_one_jacobian_an_example(seed: int, device: torch.device) -> None:
    """Independent answer: torch's jacobian, example by example, and gradients of weights of it."""
    network, x = Curved().to(device), torch.randn(4, 2, 3, device=device)
    penalty = r1_penalty(network, x)
    expected = 0.5 * jacobian(network, x).square().sum(1)
    torch.testing.assert_close(penalty, expected)
    weights = list(network.parameters())[:2]
    found = torch.autograd.grad(penalty.sum(), weights)
    for one, two in zip(found, torch.autograd.grad(expected.sum(), weights)):
        torch.testing.assert_close(one, two)


@pytest.mark.equation("eq-gan-gradient-penalty", frozen="dd7c030f")
def test_gradient_penalty_by_one_jacobian_an_example(seed: int, device: torch.device) -> None:
    """Independent answer: the penalty recomputed at the same points with torch's jacobian."""
    network = Curved().to(device)
    real, fake = torch.randn(2, 4, 2, 3, device=device)
    u = torch.rand(4, 1, 1, generator=seeded(seed, device), device=device)
    at = u * real + (1 - u) * fake
    found = gradient_penalty(network, real, fake, rng=seeded(seed, device))
    torch.testing.assert_close(found, (jacobian(network, at).norm(dim=1) - 1).square())


def test_penalties_do_not_reach_the_generator_and_flat_ones_are_finite() -> None:
    x = torch.randn(4, 6, requires_grad=True)
    network = Curved()
    (r1_penalty(network, x).sum() + gradient_penalty(network, x, 2 * x).sum()).backward()
    assert x.grad is None
    flat = nn.Linear(6, 1)
    nn.init.zeros_(flat.weight)
    penalty = gradient_penalty(lambda x: flat(x)[:, 0], x.detach(), x.detach())
    torch.testing.assert_close(penalty, torch.ones(4))
    penalty.sum().backward()
    assert flat.weight.grad is not None
    assert flat.weight.grad.isfinite().all()


def test_penalties_work_without_gradients_around_them() -> None:
    with torch.no_grad():
        assert (r1_penalty(Curved(), torch.randn(3, 6)) > 0).all()


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fake must have shape \(3, 6\), got \(3, 1\)"):
        gradient_penalty(Curved(), torch.zeros(3, 6), torch.zeros(3, 1))
