import random

import numpy as np
import pytest
import torch

from helpers.random import seed_everything, seeded


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
