"""The schedules against torch's schedulers."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch.optim import lr_scheduler

from helpers.optim.schedules import (
    Schedule,
    constant,
    cosine,
    inverse_time,
    one_cycle,
    steps_down,
    warm_up,
)


def torch_rates(make, steps: int, lr: float = 0.3) -> list[float]:
    """The step sizes that torch's scheduler gives to the first `steps` steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    with warnings.catch_warnings():
        # SequentialLR passes its own deprecated argument on, in several releases of torch.
        warnings.filterwarnings("ignore", message="The epoch parameter", category=UserWarning)
        scheduler = make(optimizer)
        rates = [optimizer.param_groups[0]["lr"]]
        for _ in range(steps - 1):  # one-cycle refuses to be stepped past its end
            optimizer.step()
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
    return rates


def sequence(optimizer):
    return lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, start_factor=0.05, total_iters=6),
            lr_scheduler.CosineAnnealingLR(optimizer, T_max=17, eta_min=0.02),
        ],
        milestones=[6],
    )


CASES = [
    (constant(0.3), lambda o: lr_scheduler.LambdaLR(o, lambda t: 1.0), 9),
    (steps_down(0.3, every=4), lambda o: lr_scheduler.StepLR(o, 4), 15),
    (steps_down(0.3, every=3, factor=0.5), lambda o: lr_scheduler.StepLR(o, 3, gamma=0.5), 15),
    (inverse_time(0.3, offset=5), lambda o: lr_scheduler.LambdaLR(o, lambda t: 5 / (5 + t)), 15),
    (cosine(0.3, total=20), lambda o: lr_scheduler.CosineAnnealingLR(o, 20), 45),
    (
        cosine(0.3, total=20, minimum=0.1),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 20, eta_min=0.1),
        45,
    ),
    (
        warm_up(constant(0.3), steps=8, start_factor=0.1),
        lambda o: lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=8),
        12,
    ),
    (warm_up(cosine(0.3, total=17, minimum=0.02), steps=6, start_factor=0.05), sequence, 23),
    (one_cycle(0.3, total=40), lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=40), 40),
    (
        one_cycle(0.3, total=37, rise=0.45),
        lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=37, pct_start=0.45),
        37,
    ),
]


@pytest.mark.equation("eq-gradient-cosine", frozen="d8309142")
@pytest.mark.equation("eq-gradient-warm-up", frozen="5ac19794")
@pytest.mark.parametrize(("ours", "theirs", "steps"), CASES)
def test_schedules_equal_torch(ours: Schedule, theirs, steps: int) -> None:
    """torch.optim.lr_scheduler: StepLR, CosineAnnealingLR, LinearLR, SequentialLR, OneCycleLR."""
    expected = torch_rates(theirs, steps)
    assert [ours(t) for t in range(steps)] == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_warm_up_of_no_steps_is_the_schedule_itself_and_one_cycle_stays_at_its_end() -> None:
    after = cosine(0.3, total=9)
    assert [warm_up(after, steps=0)(t) for t in range(9)] == [after(t) for t in range(9)]
    cycle = one_cycle(0.3, total=10)
    assert cycle(25) == cycle(9) == pytest.approx(0.3 / 25 / 1e4)


def test_inverse_time_sums_as_robbins_and_monro_ask() -> None:
    # The sum grows like a logarithm, without a bound; the squares converge to π²/6.
    schedule = inverse_time(1.0)
    total = [math.fsum(schedule(t) for t in range(n)) for n in (1000, 1_000_00)]
    assert total[1] - total[0] == pytest.approx(math.log(100), abs=1e-3)
    squares = math.fsum(schedule(t) ** 2 for t in range(100_000))
    assert squares == pytest.approx(math.pi**2 / 6, abs=2e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: steps_down(1.0, every=0), "every must be an integer of at least 1"),
        (lambda: warm_up(constant(1.0), steps=-1), "steps must be an integer of at least 0"),
        (lambda: one_cycle(1.0, total=9, rise=0.1), "rise must lie in"),
    ],
)
def test_schedules_check_their_arguments(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
