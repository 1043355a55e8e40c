"""Sharpness against scipy's Laplacian, and what blur and noise do to it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch

from helpers.metrics import sharpness
from helpers.random import seeded
from tests.printed import tex


@pytest.mark.equation("eq-hybrids-sharpness")
def test_sharpness_is_scipys_laplacian(seed: int, device: torch.device) -> None:
    """scipy.ndimage.laplace, image by image, on the inner pixels."""
    x = torch.randn(7, 2, 5, 6, generator=seeded(seed)).to(device)
    each = [
        np.mean([scipy.ndimage.laplace(c)[1:-1, 1:-1] ** 2 for c in image])
        for image in x.cpu().double().numpy()
    ]
    inside = {"H": 5, "W": 6, "i": range(2, 5), "j": range(2, 6)}  # counted from 1
    printed = [
        np.mean([tex("eq-hybrids-sharpness")(inside, x=c) for c in image])
        for image in x.cpu().double().numpy()
    ]
    assert printed == pytest.approx(each, rel=1e-9)
    value, error = sharpness(x)
    assert value == pytest.approx(np.mean(each), rel=1e-9)
    assert error == pytest.approx(np.std(each, ddof=1) / 7**0.5, rel=1e-9)


def test_planes_are_flat_and_parabolas_have_one_curvature() -> None:
    i, j = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    plane, bowl = 2 * i - j + 1, 3 * i**2 + 0.5 * j**2
    assert sharpness(plane.expand(2, 1, 5, 7)).value == 0
    assert sharpness(bowl.expand(2, 1, 5, 7)).value == pytest.approx((2 * 3 + 2 * 0.5) ** 2)


def test_noise_adds_twenty_times_its_variance(seed: int) -> None:
    """The weights 1, 1, 1, 1, −4 have the sum of squares 20."""
    noise = 0.3 * torch.randn(4000, 1, 8, 8, generator=seeded(seed))
    value, error = sharpness(noise)
    assert abs(value - 20 * 0.09) < 5 * error


def test_images_without_an_inside_are_refused() -> None:
    with pytest.raises(ValueError, match="height must be an integer of at least 3, got 2"):
        sharpness(torch.zeros(4, 1, 2, 5))
    with pytest.raises(ValueError, match="x must have shape"):
        sharpness(torch.zeros(4, 5, 5))
