"""The networks of a DCGAN: where the resolution changes, and how steep they are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from helpers.networks import MLP, ConvDiscriminator, ConvGenerator, spectral_normalisation

D, L = 4, 3


def test_resolution_doubles_up_to_the_image() -> None:
    network = ConvGenerator(L, (1, 16, 8), (6, 5, 4))
    shapes = []
    for layer in network.layers:
        layer.register_forward_hook(lambda layer, x, y: shapes.append(tuple(y.shape[-2:])))
    images = network(torch.zeros(2, L))
    assert images.shape == (2, 1, 16, 8)
    sides = [shape for i, shape in enumerate(shapes[1:]) if i == 0 or shape != shapes[i]]
    assert sides == [(4, 2), (8, 4), (16, 8)]
    pointwise = [layer for layer in network.layers if isinstance(layer, nn.ReLU | nn.BatchNorm2d)]
    assert len(pointwise) == 6
    plain = ConvGenerator(L, (1, 8, 8), (4, 3), batch_norm=False)
    assert not [layer for layer in plain.modules() if isinstance(layer, nn.BatchNorm2d)]


def test_the_discriminator_halves_down_to_its_logits() -> None:
    assert ConvDiscriminator((2, 9, 13), (4, 5), outputs=7)(torch.zeros(3, 2, 9, 13)).shape == (
        3,
        7,
    )


def test_sides_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"image must have sides divisible by 4, got \(1, 6, 8\)"):
        ConvGenerator(L, (1, 6, 8), (4, 4, 4))
    with pytest.raises(ValueError, match="channels must leave at least one pixel"):
        ConvDiscriminator((1, 4, 4), (4, 4, 4))


@pytest.mark.equation("eq-gan-spectral", frozen="fe219b29")
def test_spectral_normalisation_by_singular_values(seed: int) -> None:
    """Independent answer: singular values by torch.linalg, and slopes between random points."""
    network = spectral_normalisation(MLP(D, [9, 8], 1))
    for _ in range(200):
        network(torch.zeros(2, D))
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-6)
    network.eval()
    a, b = 3 * torch.randn(2, 500, D)
    slope = (network(a) - network(b))[:, 0].abs() / (a - b).norm(dim=1)
    assert slope.max() <= 1 + 1e-6
