import random

import numpy as np
import pytest
import torch

from helpers.random import choose, seed_everything, seeded
from tests.statistics import assert_mean_close


def draw_from_all() -> list[float]:
    drawn = [random.random(), float(np.random.rand()), torch.rand(()).item()]  # noqa: NPY002
    if torch.cuda.is_available():
        drawn.append(torch.rand((), device="cuda").item())
    return drawn


def test_seed_everything_fixes_every_global_generator(seed):
    seed_everything(seed)
    first = draw_from_all()
    second = draw_from_all()
    seed_everything(seed)
    assert draw_from_all() == first
    assert all(a != b for a, b in zip(first, second))
    seed_everything(seed + 1)
    assert all(a != b for a, b in zip(draw_from_all(), first))


def test_generator_is_reproducible_and_leaves_the_global_state_alone(seed, device):
    before = torch.get_rng_state()
    a = torch.randn(5, generator=seeded(seed, device), device=device)
    b = torch.randn(5, generator=seeded(seed, device), device=device)
    c = torch.randn(5, generator=seeded(seed + 1, device), device=device)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert a.device.type == device.type
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("function", [seed_everything, seeded])
def test_seed_must_be_an_integer_in_range(function):
    function(2**32 - 1)
    function(np.int64(3))
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        function(-1)
    for wrong in (1.5, "0", None, True):
        with pytest.raises(TypeError, match="seed must be an integer of at least 0, got"):
            function(wrong)


def test_one_index_a_row_or_as_many_as_asked_for(seed):
    """Shapes, and frequencies in proportion to weights that do not sum to one."""
    weights = torch.tensor([[0.0, 2.0, 6.0], [5.0, 0.0, 0.0]])
    assert choose(weights.expand(4, 2, 3), seeded(seed)).shape == (4, 2)
    drawn = choose(weights, seeded(seed), n=20_000)
    assert drawn.shape == (2, 20_000)
    assert not drawn[1].any()
    assert set(drawn[0].tolist()) == {1, 2}
    assert_mean_close((drawn[0] == 2).double(), 0.75)
    assert choose(weights[0], seeded(seed), n=7).shape == (7,)
