"""The Transformer of symbols: images as rows, where it looks, what it learns."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from helpers.models import TransformerLanguageModel
from helpers.random import seeded
from helpers.training import fit, gradient_step

V = 3
EVERY = torch.tensor(list(itertools.product(range(V), repeat=4)))


def make(**options: int | float) -> TransformerLanguageModel:
    """A model far from the uniform distribution of the start."""
    settings = {"width": 8, "heads": 2, "layers": 2} | options
    model = TransformerLanguageModel(V, **settings)  # type: ignore[arg-type]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.7)
    return model


def test_probabilities_of_all_2x2_images_of_three_levels_sum_to_one() -> None:
    """Images as rows of symbols: the model of the ladder, in small."""
    images = EVERY.view(-1, 1, 2, 2)
    model = make(context=4).double()
    total = model.log_prob(images.flatten(1)).detach().exp().sum().item()
    assert abs(total - 1) < 1e-9


def test_attention_weights_are_those_of_the_blocks() -> None:
    model, x = make(dropout=0.5), torch.randint(V, (2, 6))
    weights = model.attention(x)
    assert weights.shape == (2, 2, 2, 6, 6)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 2, 6))
    assert (weights.triu(1) == 0).all()
    assert model.training


def test_it_learns_a_rule_that_needs_a_look_back(seed: int) -> None:
    """The second half of a row repeats the first with noise: the entropy is known."""
    g = seeded(seed)
    first = torch.randint(2, (2000, 6), generator=g)
    flips = (torch.rand(2000, 6, generator=g) < 0.1).long()
    rows = torch.cat([first, first ^ flips], 1)
    model = TransformerLanguageModel(2, width=16, heads=2, layers=2)
    step = gradient_step(model, torch.optim.Adam(model.parameters(), 1e-2))
    fit(step, rows[:1000].split(50), epochs=25, progress=False)
    p = torch.tensor([0.1, 0.9])
    noise = -(p * p.log()).sum()
    chance = torch.tensor(2.0).log()
    found = -model.log_conditionals(rows[1000:]).detach().mean(0)
    # It cannot win; it must have learnt more than half of what there is to learn.
    assert (found[6:].mean() - noise).abs() < 0.5 * (chance - noise)
    assert (found[:6].mean() - chance).abs() < 0.1


def test_learned_places_are_not_more_than_the_context() -> None:
    model = make(context=4)
    assert model.sample(2, length=4).shape == (2, 4)
    with pytest.raises(ValueError, match="x must end within the context of 4, got 5 codes"):
        model.sample(2, length=5)
