"""Fitted models are modules: types, state dicts into fresh models, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.models.bayesian_network import ChowLiuTree
from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.fitted import Fitted
from helpers.models.gaussian_mixture import GaussianMixture
from helpers.models.hidden_markov import HiddenMarkovModel
from helpers.models.independent import IndependentCategorical
from helpers.random import seeded
from helpers.training import load_checkpoint, save_checkpoint

V = 4
MAKERS: dict[str, Callable[[], Any]] = {
    "independent": lambda: IndependentCategorical((2, 3), V),
    "tree": lambda: ChowLiuTree(V),
    "mixture": lambda: CategoricalMixture(3, V, prior_examples=1.0),
    "gaussian mixture": lambda: GaussianMixture(2, prior_examples=1.0),
    "hidden Markov": lambda: HiddenMarkovModel.random(2, V),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return MAKERS[request.param]


def examples(model: nn.Module, dtype: torch.dtype) -> Tensor:
    if isinstance(model, GaussianMixture):
        return torch.randn(30, 2, 3, dtype=dtype)
    return torch.randint(V, (30, 6) if isinstance(model, HiddenMarkovModel) else (30, 2, 3))


def drawn(model: Any, seed: int, n: int = 5) -> Tensor:
    length = {"length": 6} if isinstance(model, HiddenMarkovModel) else {}
    sample: Tensor = model.sample(n, rng=seeded(seed), **length)
    return sample


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_fresh_model_takes_the_state_of_a_fitted_one(
    make: Callable[[], Any], dtype: torch.dtype, seed: int, tmp_path: Path
) -> None:
    model = make().to(dtype)
    x = examples(model, dtype)
    model.fit(x)
    assert model.log_prob(x).dtype == dtype
    assert model.log_prob(x[:1]).shape == (1,)
    assert drawn(model, seed).shape == (5, *x.shape[1:])
    save_checkpoint(tmp_path / "fitted.pt", model=model)
    direct, stored = make().to(dtype), make().to(dtype)
    direct.load_state_dict(model.state_dict())
    load_checkpoint(tmp_path / "fitted.pt", model=stored)
    for other in (direct, stored):
        assert torch.equal(other.log_prob(x), model.log_prob(x))
        assert torch.equal(drawn(other, seed), drawn(model, seed))
    other.fit(x)  # and it goes on from there


def test_types_change_as_those_of_any_module(make: Callable[[], Any]) -> None:
    model = make()
    x = examples(model, torch.float64)
    double = model.fit(x).log_prob(x)
    model.float()
    single = model.log_prob(x.float() if x.is_floating_point() else x)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


def test_nothing_draws_before_it_is_fitted(make: Callable[[], Any]) -> None:
    model = make()
    if isinstance(model, Fitted):
        with pytest.raises(RuntimeError, match="has no parameters yet: call fit first"):
            model.sample(2)


def test_buffers_of_parts_take_the_saved_shape_too() -> None:
    x = torch.randint(V, (9, 5))
    pair = nn.ModuleList([ChowLiuTree(V).fit(x), ChowLiuTree(V).fit(x[:, :2])])
    other = nn.ModuleList([ChowLiuTree(V), ChowLiuTree(V)])
    other.load_state_dict(pair.state_dict())
    assert [len(tree.order) for tree in other] == [5, 2]
    with pytest.raises(RuntimeError, match="Missing key"):
        ChowLiuTree(V).load_state_dict({"parent": torch.zeros(3)})
