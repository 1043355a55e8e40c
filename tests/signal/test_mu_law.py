"""Companding against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.random import seeded
from helpers.signal import mu_law_decode, mu_law_edges, mu_law_encode
from tests.printed import tex


@pytest.mark.parametrize("levels", [16, 256])
def test_every_level_comes_back(levels: int) -> None:
    codes = torch.arange(levels)
    x = mu_law_decode(codes, levels)
    assert torch.equal(mu_law_encode(x, levels), codes)
    assert (x.diff() > 0).all()
    assert torch.allclose(x, -x.flip(0))


def test_the_round_trip_errs_by_half_a_step_of_the_curve(seed: int) -> None:
    """The error of companding: half a level times the slope of the curve's inverse, at most."""
    x = 2 * torch.rand(5000, generator=seeded(seed)) - 1
    error = (mu_law_decode(mu_law_encode(x)) - x).abs()
    mu = 255
    for name, far in (("near zero", x.abs() < 0.01), ("loud", x.abs() > 0.9)):
        largest = x[far].abs().max().item() * 1.05 + 1e-3
        slope = math.log1p(mu) * (1 + mu * largest) / mu
        assert error[far].max() <= slope / mu * 1.1, name
    assert error[x.abs() < 0.01].max() < error[x.abs() > 0.9].max() / 10


@pytest.mark.equation("eq-speech-mulaw")
def test_the_curve_is_the_textbooks(seed: int) -> None:
    """numpy, written as in the recommendation's continuous form, with its values at both ends."""
    x = 2 * torch.rand(1000, generator=seeded(seed)) - 1
    v = x.numpy()
    curve = np.sign(v) * np.log(1 + 255 * np.abs(v)) / np.log(256)
    g, mu = tex("eq-speech-mulaw", statement=1), tex("eq-speech-mulaw", statement=2)(V=256)
    assert mu == 255
    assert np.allclose([g(x=float(value), mu=mu) for value in v[:50]], curve[:50])
    code = [
        tex("eq-speech-mulaw")(mu=mu, x=float(value), g=lambda x: g(x=x, mu=mu)) for value in v[:50]
    ]
    assert code == mu_law_encode(x[:50]).tolist()
    assert np.abs(mu_law_encode(x).numpy() - (curve + 1) / 2 * 255).max() <= 0.5 + 1e-9
    assert mu_law_encode(torch.tensor([-1.0, 1.0])).tolist() == [0, 255]


@pytest.mark.parametrize("levels", [7, 16, 256])
def test_the_borders_are_where_the_code_changes(levels: int) -> None:
    """mu_law_encode just below and just above each border."""
    edges = mu_law_edges(levels)[1:-1]
    assert torch.equal(mu_law_encode(edges - 1e-9, levels), torch.arange(levels - 1))
    assert torch.equal(mu_law_encode(edges + 1e-9, levels), torch.arange(1, levels))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_the_same_codes(dtype: torch.dtype) -> None:
    codes = torch.tensor([0, 127, 255])
    assert torch.equal(mu_law_decode(codes.to(dtype)), mu_law_decode(codes))


def test_two_levels_are_the_signs() -> None:
    assert mu_law_encode(torch.tensor([-1.0, -0.1, 0.1, 1.0]), 2).tolist() == [0, 0, 1, 1]
    assert mu_law_decode(torch.tensor([0, 1]), 2).tolist() == [-1, 1]
    assert mu_law_edges(2).tolist() == [-math.inf, 0, math.inf]


def test_bad_samples_and_codes_are_named() -> None:
    with pytest.raises(ValueError, match=r"x must lie in \[-1, 1\].*largest magnitude"):
        mu_law_encode(torch.tensor([1.5]))
    with pytest.raises(ValueError, match=r"codes must lie in \[0, 255\]"):
        mu_law_decode(torch.tensor([256]))
    with pytest.raises(ValueError, match="levels must be an integer of at least 2"):
        mu_law_encode(torch.zeros(1), 1)
