"""Equal mixtures: likelihoods that sum to 1, and samples that have them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from helpers.models import AutoregressiveModel, ConditionMixture, ModelMixture
from helpers.networks import PixelCNN, Turned
from helpers.random import seeded
from tests.statistics import assert_shares_close

EVENT, LEVELS = (1, 2, 2), 3
SPACE = torch.tensor(list(product(range(LEVELS), repeat=4))).view(-1, *EVENT)


def conditional(seed: int, symmetry: int = 0) -> AutoregressiveModel:
    torch.manual_seed(seed)
    network = Turned(PixelCNN(EVENT, LEVELS, channels=5, layers=1, conditions=(4,)), symmetry, 2)
    model = AutoregressiveModel(network, EVENT, levels=LEVELS, order=network.order)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.7)
    return model


def classes(seed: int) -> ConditionMixture:
    return ConditionMixture(conditional(seed), torch.tensor([0, 1, 3]))


def orders(seed: int) -> ModelMixture:
    one = torch.tensor([2])
    return ModelMixture(ConditionMixture(conditional(seed + g, g), one) for g in (0, 3, 6, 7))


@pytest.mark.parametrize("make", [classes, orders])
def test_the_probabilities_of_all_images_sum_to_one(make, seed: int) -> None:
    p = make(seed).log_prob(SPACE).exp()
    assert abs(p.sum().item() - 1) < 1e-6


@pytest.mark.parametrize("make", [classes, orders])
def test_samples_have_the_exact_probabilities(make, seed: int) -> None:
    """20,000 draws against all 81 probabilities."""
    mixture = make(seed)
    drawn = mixture.sample(20_000, rng=seeded(seed)).flatten(1)
    codes = drawn @ LEVELS ** torch.arange(3, -1, -1)
    assert_shares_close(codes, mixture.log_prob(SPACE).exp())


def test_the_components_are_averaged_in_probability(seed: int) -> None:
    mixture = classes(seed)

    def given(y: int) -> Tensor:
        return mixture.model.log_prob(SPACE, torch.full((81,), y)).exp()

    p = (given(0) + given(1) + given(3)) / 3
    torch.testing.assert_close(mixture.log_prob(SPACE).exp(), p)
    both = orders(seed)
    torch.testing.assert_close(
        both.log_prob(SPACE).exp(),
        torch.stack([m.log_prob(SPACE).exp() for m in both.models]).mean(0),
    )


def test_bad_arguments_are_named(seed: int) -> None:
    with pytest.raises(ValueError, match="conditions must hold at least one example, got shape"):
        ConditionMixture(conditional(seed), torch.tensor([]).long())
    with pytest.raises(ValueError, match="models must be an integer of at least 1, got 0"):
        ModelMixture([])
