"""Counted frequencies against counting by hand and enumeration."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.models.independent import IndependentCategorical
from tests.models.vae_toy import rng
from tests.statistics import assert_mean_close

N, SHAPE, V, S = 11, (1, 3), 4, 0.3


def levels(device: torch.device) -> Tensor:
    return torch.randint(V, (N, *SHAPE), device=device)


def everything(device: torch.device) -> Tensor:
    rows = list(itertools.product(range(V), repeat=math.prod(SHAPE)))
    return torch.tensor(rows, device=device).reshape(-1, *SHAPE)


@pytest.mark.equation("eq-generative-independent", frozen="36491a3c")
def test_all_images_have_probability_one_together(device: torch.device) -> None:
    """Enumeration of all 4³ images; each is the product of frequencies counted by hand."""
    x = levels(device)
    model = IndependentCategorical(SHAPE, V, smoothing=S).to(device).fit(x)
    images = everything(device)
    log_prob = model.log_prob(images)
    assert log_prob.shape == (V**3,)
    torch.testing.assert_close(log_prob.exp().sum().item(), 1.0)
    columns = [Counter(column) for column in zip(*x.flatten(1).tolist())]
    expected = [
        math.prod((columns[d][v] + S) / (N + S * V) for d, v in enumerate(row))
        for row in images.flatten(1).tolist()
    ]
    torch.testing.assert_close(log_prob.exp(), torch.tensor(expected, device=device))


@pytest.mark.equation("eq-generative-nll", frozen="857a0e9f")
def test_the_nll_is_the_cross_entropy_of_the_data(device: torch.device) -> None:
    """−Σ_x p̂(x) log p(x) with the data's frequencies p̂; without smoothing no p does better."""
    x = levels(device)
    model = IndependentCategorical(SHAPE, V, smoothing=0.0).to(device).fit(x)
    counts = Counter(tuple(row) for row in x.flatten(1).tolist())
    images = torch.tensor(list(counts), device=device).reshape(-1, *SHAPE)
    weights = torch.tensor([count / N for count in counts.values()], device=device)
    nll = -model.log_prob(x).mean()
    torch.testing.assert_close(nll, -(weights * model.log_prob(images)).sum())
    for smoothing in (0.1, 1.0):
        other = IndependentCategorical(SHAPE, V, smoothing=smoothing).to(device).fit(x)
        assert -other.log_prob(x).mean() > nll


def test_unseen_levels_without_smoothing_are_impossible(device: torch.device) -> None:
    model = IndependentCategorical((2,), 3, smoothing=0.0).to(device)
    model.fit(torch.tensor([[0, 1], [0, 2]], device=device))
    log_prob = model.log_prob(torch.tensor([[0, 1], [1, 1]], device=device))
    torch.testing.assert_close(log_prob.tolist(), [math.log(0.5), -math.inf])
    assert set(model.sample(50)[:, 0].tolist()) == {0}


def test_before_fitting_all_levels_are_equally_likely() -> None:
    log_prob = IndependentCategorical(SHAPE, V).log_prob(torch.zeros(2, *SHAPE).long())
    torch.testing.assert_close(log_prob, torch.full((2,), -3 * math.log(V)))


def test_samples_have_the_models_frequencies(device: torch.device, seed: int) -> None:
    x = levels(device)
    model = IndependentCategorical(SHAPE, V, smoothing=S).to(device).fit(x)
    drawn = model.sample(20_000, rng=rng(seed, device))
    assert drawn.shape == (20_000, *SHAPE)
    frequencies = (F.one_hot(x, V).sum(0) + S) / (N + S * V)
    assert_mean_close(F.one_hot(drawn, V).double(), frequencies)
    pairs = drawn[:, 0, 0] * V + drawn[:, 0, 1]  # pixels are drawn independently of each other
    joint = frequencies[0, 0][:, None] * frequencies[0, 1]
    assert_mean_close(F.one_hot(pairs, V * V).double(), joint.flatten())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_levels(dtype: torch.dtype) -> None:
    x = torch.randint(200, (N, *SHAPE))
    model = IndependentCategorical(SHAPE, 256).fit(x.to(dtype))
    expected = IndependentCategorical(SHAPE, 256).fit(x).log_prob(x)
    torch.testing.assert_close(model.log_prob(x.to(dtype)), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (torch.zeros(5, 3).long(), r"x must have shape \(B, 1, 3\), got \(5, 3\)"),
        (torch.full((2, *SHAPE), 4), r"x must lie in \[0, 3\], got values from 4 to 4"),
    ],
)
def test_bad_input_is_named(x: Tensor, match: str) -> None:
    model = IndependentCategorical(SHAPE, V)
    for door in (model.fit, model.log_prob):
        with pytest.raises(ValueError, match=match):
            door(x)
