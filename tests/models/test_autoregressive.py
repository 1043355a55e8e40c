"""Autoregressive models on spaces that can be counted out: each likelihood sums to 1."""

from __future__ import annotations

import math
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.distributions import LogisticLevels, NormalMixture
from helpers.models import AutoregressiveModel, MeanOfConditionals
from helpers.networks import MADE, GatedPixelCNN, PixelCNN, Turned
from helpers.random import seeded
from tests.statistics import assert_mean_close, assert_shares_close

BINARY = ((1, 3, 3), 2)
LEVELS = ((1, 2, 2), 3)


def randomised(model: nn.Module, seed: int, size: float = 0.7) -> nn.Module:
    """Initial weights hide errors: there all values are nearly independent."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, size)
    return model


def every(event: tuple[int, ...], levels: int) -> Tensor:
    """All examples there are."""
    return torch.tensor(list(product(range(levels), repeat=math.prod(event)))).view(-1, *event)


def made(event: tuple[int, ...], levels: int) -> AutoregressiveModel:
    d = math.prod(event)
    order = torch.randperm(d)
    dense = MADE(d, [24], levels, order=order, activation=nn.Tanh)
    network = nn.Sequential(nn.Flatten(), dense, nn.Unflatten(1, event))
    return AutoregressiveModel(network, event, levels=levels, order=order)


def pixels(kind: type[nn.Module], event: tuple[int, ...], levels: int) -> AutoregressiveModel:
    network = kind(event, levels, channels=5, layers=2, dropout=0.3)
    return AutoregressiveModel(network, event, levels=levels)


def ordered_levels(event: tuple[int, ...], levels: int, symmetry: int = 5) -> AutoregressiveModel:
    network = Turned(PixelCNN(event, 8, channels=5, layers=2), symmetry, event[-1])
    likelihood = partial(LogisticLevels, levels=levels)
    return AutoregressiveModel(
        network, event, levels=levels, likelihood=likelihood, order=network.order
    )


def averaged(event: tuple[int, ...], levels: int) -> AutoregressiveModel:
    models = [
        pixels(GatedPixelCNN, event, levels),
        pixels(PixelCNN, event, levels),
        ordered_levels(event, levels, 0),
    ]
    return AutoregressiveModel(MeanOfConditionals(models), event, levels=levels)


MODELS = {
    "made": made,
    "pixelcnn": partial(pixels, PixelCNN),
    "gated": partial(pixels, GatedPixelCNN),
    "levels": ordered_levels,
    "averaged": averaged,
}


@pytest.fixture(params=MODELS)
def make(request: pytest.FixtureRequest):
    return MODELS[request.param]


@pytest.mark.parametrize(("event", "levels"), [BINARY, LEVELS])
def test_the_probabilities_of_all_images_sum_to_one(make, event, levels: int, seed: int) -> None:
    torch.manual_seed(seed)
    model = randomised(make(event, levels), seed).eval()
    log_p = model.log_prob(every(event, levels))
    assert abs(log_p.exp().sum().item() - 1) < 1e-6
    assert log_p.std() > 0.1  # far from uniform


def test_samples_have_the_exact_probabilities(make, seed: int) -> None:
    """20,000 draws against all 81 probabilities; the model in training mode, whose dropout must
    not be heard.
    """
    torch.manual_seed(seed)
    event, levels = LEVELS
    model = randomised(make(event, levels), seed).train()
    drawn = model.sample(20_000, rng=seeded(seed))
    codes = drawn.flatten(1) @ levels ** torch.arange(3, -1, -1)
    assert_shares_close(codes, model.eval().log_prob(every(event, levels)).exp())


def test_a_completion_has_the_exact_conditional_distribution(make, seed: int) -> None:
    """20,000 draws of the last two values in the order, against p(x) / p(the first two)."""
    torch.manual_seed(seed)
    event, levels = LEVELS
    model = randomised(make(event, levels), seed).eval()
    x = torch.tensor([1, 2, 0, 1]).view(1, *event)
    drawn = model.complete(x.expand(20_000, *event), 2, rng=seeded(seed)).flatten(1)
    first, last = model.order[:2], model.order[2:]
    assert (drawn[:, first] == x.flatten()[first]).all()
    space = every(event, levels)
    agreeing = space[(space.flatten(1)[:, first] == x.flatten()[first]).all(1)]  # 9 of the 81
    p = model.log_prob(agreeing).exp()
    codes = drawn[:, last] @ torch.tensor([levels, 1])
    wanted = agreeing.flatten(1)[:, last] @ torch.tensor([levels, 1])
    assert_shares_close(codes, (p / p.sum())[wanted.argsort()])
    assert torch.equal(model.complete(x, 4), x)


def test_the_terms_are_the_conditional_distributions(make, seed: int) -> None:
    """Each term is p(first i values) / p(first i − 1), counted out over all images."""
    torch.manual_seed(seed)
    event, levels = LEVELS
    model = randomised(make(event, levels), seed).eval()
    space = every(event, levels)
    p, flat = model.log_prob(space).exp(), space.flatten(1)[:, model.order]
    same = torch.stack(
        [((flat[:, None, :i] == flat[:, :i]).all(2) * p).sum(1) for i in range(5)], 1
    )  # (81, 5): the probability of each image's first i values
    terms = model.log_conditionals(space).flatten(1)[:, model.order]
    torch.testing.assert_close(terms, same[:, 1:].log() - same[:, :-1].log())
    whole = model.conditionals(space).log_prob(space.flatten()).view(81, 4).sum(1)
    torch.testing.assert_close(whole, p.log())


def test_averaging_is_in_probability(seed: int) -> None:
    """The mean of two models' conditional probabilities, by hand; it is not that of the logits."""
    torch.manual_seed(seed)
    event, levels = LEVELS
    models = [randomised(pixels(PixelCNN, event, levels), seed + k).eval() for k in range(2)]
    both = AutoregressiveModel(MeanOfConditionals(models), event, levels=levels)
    x = every(event, levels)
    p = torch.stack([model.log_conditionals(x).exp() for model in models]).mean(0)
    torch.testing.assert_close(both.log_conditionals(x).exp(), p)
    logits = torch.stack([model.conditionals(x).logits.log_softmax(1) for model in models]).mean(0)
    of_logits = -F.cross_entropy(logits, x.flatten(), reduction="none").view(x.shape)
    assert (of_logits.exp() - p).abs().max() > 0.01


def test_a_conditional_model_sums_to_one_for_each_condition(seed: int) -> None:
    event, levels = LEVELS
    network = GatedPixelCNN(event, levels, channels=5, layers=2, conditions=(2, 3))
    model = randomised(AutoregressiveModel(network, event, levels=levels), seed)
    space = every(event, levels)
    p = [model.log_prob(space, torch.tensor([y]).expand(81, 2)).exp() for y in ([0, 0], [1, 2])]
    for one in p:
        assert abs(one.sum().item() - 1) < 1e-6
    assert (p[0] - p[1]).abs().sum() > 0.01
    y = torch.tensor([[0, 0], [1, 2]]).repeat(10_000, 1)
    drawn = model.sample(20_000, y=y, rng=seeded(seed)).flatten(1)
    codes = drawn @ levels ** torch.arange(3, -1, -1)
    for one, start in zip(p, (0, 1)):
        assert_shares_close(codes[start::2], one)


def continuous(seed: int) -> AutoregressiveModel:
    network = MADE(2, [16], 9, order=[1, 0], activation=nn.Tanh)
    model = AutoregressiveModel(network, (2,), likelihood=NormalMixture, order=[1, 0])
    return randomised(model, seed, 0.2)


def test_a_density_integrates_to_one(seed: int) -> None:
    """On a grid whose step is at most the width of the narrowest of all densities."""
    model = continuous(seed)
    step = 0.03
    side = torch.arange(-9, 9 + step, step)
    total = 0.0
    with torch.no_grad():
        for part in torch.cartesian_prod(side, side).split(100_000):
            assert model.conditionals(part).log_std.exp().min() > step
            total += model.log_prob(part).exp().sum().item() * step**2
    assert abs(total - 1) < 1e-4


def test_real_numbers_are_drawn_from_the_density(seed: int) -> None:
    """The distribution functions of the first number and of the second given it, of 20,000 draws,
    are independent uniform numbers: means of their powers and of their product.
    """
    model = continuous(seed)
    x = model.sample(20_000, rng=seeded(seed))
    law = model.conditionals(x)  # 40,000 entries: (x_0 given x_1, x_1) of each example
    parts = torch.distributions.Normal(law.mu, law.log_std.exp()).cdf(x.flatten()[:, None])
    u = (law.logits.softmax(-1) * parts).sum(-1).detach().view(-1, 2)
    a, b = u.unbind(1)
    means = torch.tensor([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 4])
    assert_mean_close(torch.stack([a, b, a * a, b * b, a * b], 1), means)


def test_bad_arguments_are_named(seed: int) -> None:
    event, levels = LEVELS
    model = pixels(PixelCNN, event, levels)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 2\], got values from 3 to 3"):
        model.complete(torch.full((1, *event), 3), 2)
    with pytest.raises(ValueError, match="known must be an integer of at least 0, got -1"):
        model.complete(torch.zeros(1, *event).long(), -1)
    with pytest.raises(ValueError, match=r"order must be a permutation of 0 … 3, got \[0, 1\]"):
        AutoregressiveModel(model.network, event, levels=levels, order=[0, 1])
    network = nn.Sequential(nn.Flatten(), MADE(4, [5], 3))
    with pytest.raises(ValueError, match=r"network's output must have shape \(2, 1, 2, 2, P\)"):
        AutoregressiveModel(network, event, levels=3).log_prob(torch.zeros(2, *event).long())
