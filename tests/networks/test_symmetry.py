"""The eight symmetries of a square, and the order in which a turned network reads."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import PixelCNN, Turned, dependence, turn_square, turn_square_back
from helpers.random import seeded

SIDE = 4
ALL = range(8)


def test_the_eight_images_differ_and_are_those_of_rotations_and_mirrors() -> None:
    x = torch.arange(SIDE * SIDE).view(SIDE, SIDE)
    found = {tuple(turn_square(x, g).flatten().tolist()) for g in ALL}
    rotated = [x.rot90(k) for k in range(4)]
    expected = {tuple(y.flatten().tolist()) for r in rotated for y in (r, r.flip(0))}
    assert found == expected
    assert len(found) == 8


@pytest.mark.parametrize("symmetry", ALL)
def test_turning_back_is_the_inverse(symmetry: int, seed: int) -> None:
    x = torch.randn(2, 3, SIDE, SIDE, generator=seeded(seed))
    assert torch.equal(turn_square_back(turn_square(x, symmetry), symmetry), x)


@pytest.mark.parametrize("symmetry", ALL)
def test_a_turned_network_reads_in_its_order(symmetry: int, seed: int) -> None:
    """By autograd: in that order each pixel sees pixels before it only, and the last one sees
    pixels of every row and column.
    """
    torch.manual_seed(seed)
    network = PixelCNN((1, SIDE, SIDE), 2, channels=6, layers=3)
    turned = Turned(network, symmetry, SIDE)
    seen = dependence(turned, torch.rand(1, SIDE, SIDE, generator=seeded(seed)))
    ordered = seen[turned.order][:, turned.order]
    assert not ordered.triu().any()
    assert ordered[-1, :-1].all()


@pytest.mark.parametrize("symmetry", ALL)
def test_a_turned_network_gives_each_pixel_its_numbers(symmetry: int, seed: int) -> None:
    """The numbers for pixel o(i) are those that the network gives for the i-th of the turned."""
    torch.manual_seed(seed)
    network = PixelCNN((1, SIDE, SIDE), 2, channels=6, layers=1)
    turned = Turned(network, symmetry, SIDE)
    x = torch.rand(5, 1, SIDE, SIDE, generator=seeded(seed))
    plain = network(turn_square(x, symmetry)).reshape(5, -1, 2)
    torch.testing.assert_close(turned(x).reshape(5, -1, 2)[:, turned.order], plain)
