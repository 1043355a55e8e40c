"""The fixed maps in front of a network."""

from __future__ import annotations

import torch

from helpers.networks import FourierFeatures, SignLatents
from helpers.random import seeded


def test_features_are_waves_of_the_stated_frequencies(seed: int) -> None:
    features = FourierFeatures(3, 5, largest=16.0, rng=seeded(seed))
    x = torch.randn(7, 3)
    y = features(x)
    assert y.shape == (7, 13)
    torch.testing.assert_close(y[:, :3], x)
    torch.testing.assert_close(y[:, 3:8] ** 2 + y[:, 8:] ** 2, torch.ones(7, 5))
    torch.testing.assert_close(y[:, 3:8], (x @ features.weight).sin())
    torch.testing.assert_close(
        features.weight.norm(dim=0), torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    )
    assert not list(features.parameters())
    assert "weight" in features.state_dict()


def test_coins_are_signs() -> None:
    z = torch.tensor([[0.5, -2.0, 0.25], [-0.1, 0.0, -3.0]])
    expected = torch.tensor([[1.0, -1.0, 0.25], [-1.0, 1.0, -3.0]])
    torch.testing.assert_close(SignLatents(2)(z), expected)
    expected[:, 2] *= 0.3
    torch.testing.assert_close(SignLatents(2, spread=0.3)(z), expected)
