"""Changes of images against exact moves, mirrors and quarter turns."""

from __future__ import annotations

import math

import pytest
import scipy.ndimage
import torch

from helpers.data.images.augmentation import horizontal_flip, rotate, shift, turn
from helpers.random import seeded


def test_a_shift_moves_by_one_pixel_at_most(seed: int, device: torch.device) -> None:
    x = torch.zeros(400, 1, 5, 6, device=device)
    x[:, :, 2, 3] = 1
    moved = shift(x, 0.5, rng=seeded(seed, device))
    assert moved.shape == x.shape
    assert torch.equal(moved.sum((1, 2, 3)).cpu(), torch.ones(400))
    assert torch.equal(moved[:, :, 1:4, 2:5].sum((1, 2, 3)).cpu(), torch.ones(400))
    stayed = moved[:, 0, 2, 3].mean().item()
    expected = 0.5 + 0.5 / 9
    assert abs(stayed - expected) < 5 * math.sqrt(expected * (1 - expected) / 400)
    assert torch.equal(shift(x, 0.0), x)


def test_what_a_shift_brings_in_is_black(seed: int) -> None:
    x = torch.ones(200, 2, 3, 4)
    moved = shift(x, 1.0, rng=seeded(seed))
    lost = 24 - moved.sum((1, 2, 3))  # of 24 values: rows, columns, or both
    assert set(lost.tolist()) == {0.0, 2 * 3.0, 2 * 4.0, 2 * 6.0}


def test_flips_are_their_own_inverse(seed: int) -> None:
    x = torch.randint(17, (6, 2, 4, 5), generator=seeded(seed))
    once = horizontal_flip(x, 1.0)
    assert once.dtype == torch.int64
    assert torch.equal(once[..., 0], x[..., -1])
    assert torch.equal(once[..., 0, 1], x[..., 0, -2])
    assert torch.equal(horizontal_flip(once, 1.0), x)
    assert torch.equal(horizontal_flip(x, 0.0), x)


def test_the_asked_share_is_flipped(seed: int) -> None:
    x = torch.arange(3.0).expand(2000, 1, 1, 3)
    flipped = (horizontal_flip(x, 0.3, rng=seeded(seed))[..., 0] == 2).double().mean()
    assert abs(flipped.item() - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 2000)


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3])
def test_quarter_turns_are_exact(quarters: int, seed: int) -> None:
    x = torch.randn(3, 2, 6, 6, generator=seeded(seed))
    turned = turn(x, torch.full((3,), quarters * math.pi / 2))
    assert torch.allclose(turned, x.rot90(quarters, (2, 3)), atol=1e-6)


def test_a_small_turn_is_that_of_scipy(seed: int) -> None:
    """scipy.ndimage.rotate, bilinear, about the same centre; oblong images too."""
    x = torch.rand(2, 1, 7, 9, generator=seeded(seed))
    angles = torch.tensor([0.15, -0.2])
    turned = turn(x, angles)
    for image, angle, ours in zip(x, angles, turned):
        theirs = scipy.ndimage.rotate(
            image[0].numpy(), math.degrees(angle), reshape=False, order=1, mode="grid-constant"
        )
        assert abs(ours[0].numpy() - theirs)[1:-1, 1:-1].max() < 1e-6


def test_rotations_are_drawn_evenly(seed: int, device: torch.device) -> None:
    """The angle of a turned point beside the centre, recovered from its centre of mass."""
    x = torch.zeros(500, 1, 9, 9, device=device)
    x[:, :, 4, 6] = 1  # two pixels right of the centre
    turned = rotate(x, 40.0, rng=seeded(seed, device))[:, 0].cpu()
    at = torch.arange(9.0) - 4
    mass = turned.sum((1, 2))
    down, right = ((turned * a).sum((1, 2)) / mass for a in (at[:, None], at[None, :]))
    degrees = torch.rad2deg(torch.atan2(-down, right))
    assert degrees.abs().max() < 44
    assert abs(degrees.mean().item()) < 5 * 23.1 / math.sqrt(500)
    assert abs(degrees.std().item() - 40 / math.sqrt(3)) < 3
    assert torch.equal(
        rotate(x, 5.0, rng=seeded(1, device)),
        rotate(x, 5.0, rng=seeded(1, device)),
    )


def test_bad_input() -> None:
    x = torch.zeros(2, 1, 4, 4)
    for change in (shift, horizontal_flip):
        with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 1.5"):
            change(x, 1.5)
        with pytest.raises((ValueError, IndexError), match=r"x must have shape|out of range"):
            change(x[0], 0.5)
    with pytest.raises(ValueError, match=r"x must have shape \(3, C, H, W\)"):
        turn(x, torch.zeros(3))
