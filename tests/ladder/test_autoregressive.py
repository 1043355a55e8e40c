"""Recipes of autoregressive models: what is announced is what was done, and tiny runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks.ladder import autoregressive as ladder
from helpers.data.images import load
from helpers.data.images.datasets import Split
from helpers.networks import turn_square, turn_square_back
from helpers.random import seeded

TINY = replace(ladder.CLASSES, networks=2, orders=3, turned=0.6, epochs=1, channels=4, layers=1)


@pytest.fixture(autouse=True)
def _float32():
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


def moved(x: Tensor, down: int, right: int) -> Tensor:
    """One image (8, 8) moved, zeros coming in: by hand."""
    out = torch.zeros_like(x)
    for i in range(8):
        for j in range(8):
            if 0 <= i - down < 8 and 0 <= j - right < 8:
                out[i, j] = x[i - down, j - right]
    return out


def test_the_flags_say_what_was_done(seed: int) -> None:
    """Without warping, each image is the one that its flags tell: turned after it was moved."""
    digits = load("digits").train
    recipe = replace(TINY, warped=0.0)
    x, y = digits.levels[:300], digits.y[:300]
    changed, flags = ladder.augment(x, y, recipe, seeded(seed))
    signs = [0, 1, -1]
    for before, after, (down, right, symmetry, warped, label), own in zip(
        x[:, 0], changed[:, 0], flags.tolist(), y.tolist()
    ):
        expected = turn_square(moved(before, signs[down], signs[right]), symmetry)
        assert torch.equal(after, expected)
        assert (warped, label) == (0, own)
    assert all(len(column.unique()) == n for column, n in zip(flags[:, :3].unbind(1), (3, 3, 8)))


def test_warped_images_are_announced_and_others_are_untouched(seed: int) -> None:
    digits = load("digits").train
    recipe = replace(TINY, turned=0.0, moved=0.0)
    x, y = digits.levels[:300], digits.y[:300]
    changed, flags = ladder.augment(x, y, recipe, seeded(seed))
    warped = flags[:, 3] == 1
    assert torch.equal(changed[~warped], x[~warped])
    assert 0.2 < warped.double().mean() < 0.6
    assert changed.min() >= 0
    assert changed.max() <= 16
    assert (changed[warped] != x[warped]).flatten(1).any(1).double().mean() > 0.9


def test_a_recipe_runs_and_its_model_is_the_one_that_was_asked_for(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two networks, classes and three orders: the likelihood is the mean over orders and classes of
    products of averaged conditional probabilities, here with the networks' own numbers.
    """
    digits = load("digits")
    parts = {
        name: Split(part.x[:n], part.y[:n], 17)
        for name, part, n in (
            ("train", digits.train, 128),
            ("validation", digits.validation, 9),
            ("test", digits.test, 11),
        )
    }
    monkeypatch.setattr(ladder, "load", lambda name: replace(digits, **parts))
    result = ladder.run(seed, TINY)
    assert set(result) >= {
        "test_nats",
        "validation_nats",
        "training_cpu_seconds",
        "weights",
    }
    model = result["model"]
    assert 60 < result["test_nats"] < 400
    x = digits.validation.levels[:2]
    networks = [member.network.network for member in model.models[0].model.network.models]
    assert result["weights"] == sum(p.numel() for n in networks for p in n.parameters())
    total = torch.zeros(2, dtype=torch.float64)
    with torch.no_grad():
        for symmetry in range(3):
            z = turn_square(x, symmetry)
            assert torch.equal(turn_square_back(z, symmetry), x)
            for label in range(10):
                flags = torch.tensor([0, 0, symmetry, 0, label]).expand(2, 5)
                models = [ladder.make_model(network) for network in networks]
                terms = torch.stack([m.log_conditionals(z, flags).double() for m in models])
                total += terms.exp().mean(0).log().flatten(1).sum(1).exp() / 30
        expected = model.log_prob(x)
    torch.testing.assert_close(total.log().float(), expected, rtol=1e-4, atol=0)
    drawn = model.sample(3, rng=seeded(seed))
    assert drawn.shape == (3, 1, 8, 8)
