"""The fixed maps in front of a network."""

from __future__ import annotations

import pytest
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


def test_bad_features_are_named() -> None:
    with pytest.raises(ValueError, match=r"largest must be above 1, got 0\.5"):
        FourierFeatures(2, 4, largest=0.5)
    with pytest.raises(ValueError, match="number must be an integer of at least 2, got 1"):
        FourierFeatures(2, 1, largest=4.0)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 2\)"):
        FourierFeatures(2, 4, largest=4.0)(torch.zeros(3, 5))
    with pytest.raises(ValueError, match="z must have at least 4 coordinates, got 3"):
        SignLatents(4)(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="coins must be an integer of at least 1"):
        SignLatents(0)
