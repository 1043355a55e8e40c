"""The rules against torch.optim, against hand-worked steps, and at their doors."""

from __future__ import annotations

import itertools
import math
import re

import pytest
import torch
from torch import Tensor

from helpers.optim.adagrad import Adagrad
from helpers.optim.adam import Adam, AdamW
from helpers.optim.gradient import check_decay, prepared_gradient
from helpers.optim.momentum import SGD
from helpers.optim.rmsprop import RMSprop
from helpers.optim.schedules import cosine
from helpers.optim.trajectory import Rule, gradient_of, trajectory
from helpers.random import seeded


def combinations(**options: tuple) -> list[dict]:
    """Every combination of the given values."""
    return [dict(zip(options, values)) for values in itertools.product(*options.values())]


COMMON = {"weight_decay": (0.0, 0.03), "maximize": (False, True)}
CASES = [
    *((SGD, torch.optim.SGD, o) for o in combinations(
        lr=(0.07,), momentum=(0.0, 0.8), dampening=(0.0, 0.4), **COMMON)),
    *((SGD, torch.optim.SGD, o) for o in combinations(
        lr=(0.07,), momentum=(0.8,), nesterov=(True,), **COMMON)),
    *((Adagrad, torch.optim.Adagrad, o) for o in combinations(
        lr=(0.3,), lr_decay=(0.0, 0.02), initial_accumulator_value=(0.0, 0.5), eps=(1e-10, 0.1),
        **COMMON)),
    *((RMSprop, torch.optim.RMSprop, o) for o in combinations(
        lr=(0.02,), alpha=(0.9,), momentum=(0.0, 0.7), centered=(False, True), eps=(1e-8, 0.1),
        **COMMON)),
    *((rule, oracle, o) for rule, oracle in ((Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW))
      for o in combinations(
          lr=(0.05,), betas=((0.8, 0.95), (0.0, 0.9)), amsgrad=(False, True), eps=(1e-8, 0.1),
          **COMMON)),
]  # fmt: skip


def rough_loss(x: Tensor) -> Tensor:
    """Not convex, badly scaled, with gradients of either sign and of changing size."""
    scale = torch.tensor([0.1, 1.0, 7.0], dtype=x.dtype, device=x.device)
    return (scale * (0.5 * x**2 + torch.cos(3 * x))).sum()


def torch_path(
    oracle: type, options: dict, start: Tensor, gradients: list[Tensor] | None, steps: int
) -> Tensor:
    """The path of torch's own optimiser, on given gradients or on `rough_loss`."""
    x = start.clone().requires_grad_()
    optimizer, path = oracle([x], **options), [start]
    for t in range(steps):
        x.grad = gradient_of(rough_loss)(x) if gradients is None else gradients[t]
        optimizer.step()
        path.append(x.detach().clone())
    return torch.stack(path)


def name(value: object) -> str | None:
    return value.__name__ if isinstance(value, type) else None


@pytest.mark.equation("eq-gradient-momentum")
@pytest.mark.equation("eq-gradient-nesterov")
@pytest.mark.equation("eq-gradient-adagrad")
@pytest.mark.equation("eq-gradient-rmsprop")
@pytest.mark.equation("eq-gradient-adam")
@pytest.mark.equation("eq-gradient-adamw")
@pytest.mark.parametrize(("rule", "oracle", "options"), CASES, ids=name)
def test_rules_equal_torch_for_100_steps(
    rule: type, oracle: type, options: dict, seed: int
) -> None:
    """torch.optim, 100 steps to 1e-10, every combination of the options."""
    # Given gradients, so that rounding cannot be amplified by a chaotic loss: with maximize the
    # loss would run away. They change in size, which tells amsgrad from plain Adam.
    draws = seeded(seed)
    start = torch.randn(2, 3, generator=draws)
    swell = torch.linspace(3.0, 0.1, 100)
    gradients = [s * torch.randn(2, 3, generator=draws) for s in swell]
    feed = iter(gradients)
    ours = trajectory(rule(**options), lambda x: next(feed), start, steps=100)
    theirs = torch_path(oracle, options, start, gradients, 100)
    assert ours.shape == (101, 2, 3)
    assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("rule", "oracle"),
    [
        (SGD, torch.optim.SGD),
        (Adagrad, torch.optim.Adagrad),
        (RMSprop, torch.optim.RMSprop),
        (Adam, torch.optim.Adam),
        (AdamW, torch.optim.AdamW),
    ],
    ids=name,
)
def test_rules_equal_torch_on_a_loss_and_share_its_defaults(
    rule: type, oracle: type, seed: int, device: torch.device
) -> None:
    options = {"lr": 0.01} if rule is SGD else {}
    start = torch.randn(4, 3, generator=seeded(seed)).to(device)
    ours = trajectory(rule(**options), gradient_of(rough_loss), start, steps=100)
    theirs = torch_path(oracle, options, start, None, 100)
    assert ours.device.type == device.type
    assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.parametrize("rule", [SGD(0.1, momentum=0.5), Adagrad(), RMSprop(), Adam(), AdamW()])
def test_a_step_changes_nothing_it_was_given(rule: Rule, seed: int) -> None:
    params = torch.randn(3, generator=seeded(seed))
    grad = torch.randn(3, generator=seeded(seed + 1))
    state = rule.step(params, grad, rule.start(params))[1]
    before = [t.clone() if isinstance(t, Tensor) else t for t in (params, grad, *state)]
    first = rule.step(params, grad, state)
    second = rule.step(params, grad, state)
    assert torch.equal(first[0], second[0])  # a pure function of its arguments
    for old, new in zip(before, (params, grad, *state)):
        assert torch.equal(old, new) if isinstance(old, Tensor) else old == new


@pytest.mark.equation("eq-gradient-descent")
def test_gradient_descent_by_hand() -> None:
    """Three steps on a quadratic, worked by hand."""
    # J = x²/2 + 2y², lr 0.25: x shrinks by 3/4 a step, y is solved by the first one.
    path = trajectory(
        SGD(lr=0.25), lambda x: x * torch.tensor([1.0, 4.0]), torch.tensor([16.0, 5.0]), steps=3
    )
    assert torch.equal(path, torch.tensor([[16.0, 5.0], [12.0, 0.0], [9.0, 0.0], [6.75, 0.0]]))


@pytest.mark.equation("eq-gradient-bias")
@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999])
def test_bias_correction_makes_the_running_mean_of_a_constant_exact(beta: float) -> None:
    """The weights of a running mean, summed one by one."""
    # Independent answer: the weights (1 - β) β^(t-i) are summed one by one.
    rule = Adam(lr=0.1, betas=(beta, beta), eps=1e-300)
    grad, x = torch.tensor([0.3, -40.0]), torch.zeros(2)
    state = rule.start(x)
    for t in range(1, 21):
        x, state = rule.step(x, grad, state)
        weight = math.fsum((1 - beta) * beta ** (t - i) for i in range(1, t + 1))
        assert torch.allclose(state.mean, weight * grad, rtol=1e-12)
        assert torch.allclose(x, -0.1 * t * grad.sign(), rtol=1e-10)


def test_adam_is_blind_to_the_scale_of_a_coordinate(seed: int) -> None:
    scale = torch.tensor([1e-3, 1.0, 1e4])
    start = torch.randn(3, generator=seeded(seed))
    gradient = gradient_of(lambda x: (x**4 / 4 + torch.sin(x)).sum())
    plain = trajectory(Adam(lr=0.05, eps=1e-300), gradient, start, steps=30)
    scaled = trajectory(Adam(lr=0.05, eps=1e-300), lambda x: scale * gradient(x), start, steps=30)
    assert torch.allclose(plain, scaled, rtol=1e-9)


@pytest.mark.equation("eq-gradient-adamw")
def test_weight_decay_is_the_penalty_for_sgd_and_a_plain_shrink_for_adamw(seed: int) -> None:
    """A penalised loss for SGD; a geometric decay for AdamW without a gradient."""
    start = torch.randn(5, generator=seeded(seed))
    gradient = gradient_of(lambda x: torch.cos(x).sum())
    penalised = gradient_of(lambda x: torch.cos(x).sum() + 0.2 * (x**2).sum() / 2)
    a = trajectory(SGD(0.1, momentum=0.6, weight_decay=0.2), gradient, start, steps=9)
    b = trajectory(SGD(0.1, momentum=0.6), penalised, start, steps=9)
    assert torch.allclose(a, b, rtol=1e-12)
    # Without a gradient Adam's moments stay zero, so that only the decay moves the weights.
    c = trajectory(AdamW(0.1, weight_decay=0.2), torch.zeros_like, start, steps=9)
    assert torch.allclose(c[-1], start * (1 - 0.02) ** 9, rtol=1e-12)


def test_maximize_climbs(seed: int) -> None:
    start = torch.randn(3, generator=seeded(seed))
    up = trajectory(SGD(0.1, momentum=0.5, maximize=True), lambda x: -x, start, steps=60)
    down = trajectory(SGD(0.1, momentum=0.5), lambda x: x, start, steps=60)
    assert torch.equal(up, down)
    assert up[-1].norm() < 0.01 * start.norm()


def test_centred_rmsprop_survives_a_constant_gradient() -> None:
    # Rounding puts the estimated variance below zero; the unclamped root would be NaN.
    rule, x = RMSprop(lr=1e-3, alpha=0.5, centered=True), torch.zeros(50)
    grad = torch.linspace(0.1, 9.7, 50)
    state = rule.start(x)
    below = False
    for _ in range(80):
        x, state = rule.step(x, grad, state)
        below = below or bool((state.square - state.mean**2 < 0).any())
    assert below, "the case no longer shows the defect"
    assert torch.isfinite(x).all()


def test_trajectory_follows_a_schedule_and_detaches(seed: int) -> None:
    start = torch.randn(2, generator=seeded(seed)).requires_grad_()
    schedule = cosine(0.4, total=5)
    path = trajectory(SGD(lr=9.0), lambda x: x, start, steps=5, schedule=schedule)
    factors = torch.tensor([1 - schedule(t) for t in range(5)])
    assert torch.allclose(path[1:], start.detach() * factors.cumprod(0)[:, None], rtol=1e-12)
    assert not path.requires_grad
    assert trajectory(SGD(1.0), lambda x: x, start, steps=0).shape == (1, 2)


def test_simultaneous_play_of_the_bilinear_game_is_a_trajectory(seed: int) -> None:
    # min over x, max over y of x y: the joint field (y, -x); the radius grows by √(1 + h²) a step.
    start = torch.randn(2, generator=seeded(seed))
    path = trajectory(SGD(lr=0.3), lambda p: torch.stack([p[1], -p[0]]), start, steps=10)
    growth = path[1:].norm(dim=1) / path[:-1].norm(dim=1)
    assert torch.allclose(growth, torch.tensor(math.sqrt(1.09)).expand(10), rtol=1e-12)


@pytest.mark.parametrize("lr", [0.0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW])
def test_step_size_must_be_positive(rule: type, lr: float) -> None:
    with pytest.raises(ValueError, match=r"lr must be a positive number, got .*maximize=True"):
        rule(lr=lr)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.1, momentum=1.0), "momentum must be below 1, got 1.0"),
        (lambda: SGD(0.1, momentum=-0.1), "momentum must be a number of at least 0, got -0.1"),
        (lambda: SGD(0.1, momentum=math.nan), "momentum must be a number of at least 0, got nan"),
        (lambda: SGD(0.1, dampening=-0.5), "dampening must be a number of at least 0"),
        (lambda: SGD(0.1, momentum=0.5, dampening=1.5), r"dampening must lie in \[0, 1\], got 1.5"),
        (lambda: SGD(0.1, weight_decay=-1.0), "weight_decay must be a number of at least 0"),
        (lambda: SGD(0.1, nesterov=True), "nesterov must come with momentum > 0"),
        (lambda: SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True), "and dampening = 0, got"),
        (lambda: Adagrad(lr_decay=-1.0), "lr_decay must be a number of at least 0"),
        (lambda: Adagrad(weight_decay=-1.0), "weight_decay must be a number of at least 0"),
        (lambda: Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value must be a"),
        (lambda: Adagrad(eps=0.0), "eps must be a positive number"),
        (lambda: RMSprop(alpha=1.0), "alpha must be below 1"),
        (lambda: RMSprop(momentum=1.5), "momentum must be below 1, got 1.5"),
        (lambda: RMSprop(eps=0.0), "eps must be a positive number"),
        (lambda: RMSprop(weight_decay=-1.0), "weight_decay must be a number of at least 0"),
        (lambda: Adam(betas=(1.0, 0.9)), r"betas\[0\] must be below 1"),
        (lambda: Adam(betas=(0.9, 1.1)), r"betas\[1\] must be below 1"),
        (lambda: Adam(betas=(0.9,)), "betas must hold two numbers"),
        (lambda: Adam(eps=-1.0), "eps must be a positive number"),
        (lambda: AdamW(weight_decay=-1.0), "weight_decay must be a number of at least 0"),
    ],
)
def test_options_out_of_range(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_options_of_the_wrong_type() -> None:
    with pytest.raises(TypeError, match="momentum must be a number"):
        SGD(0.1, momentum="0.9")
    with pytest.raises(TypeError, match="weight must be a number"):
        check_decay("weight", True)


@pytest.mark.parametrize("rule", [SGD(0.1), Adagrad(), RMSprop(), Adam(), AdamW()])
def test_bad_gradients_stop_the_step(rule: Rule) -> None:
    x = torch.zeros(3)
    state = rule.step(x, x, rule.start(x))[1]
    with pytest.raises(
        ValueError, match=r"grad must have the shape of params, \(3,\), got \(3, 1\)"
    ):
        rule.step(x, torch.zeros(3, 1), state)
    with pytest.raises(ValueError, match=r"grad must be finite, got NaN at step 1: lower lr"):
        rule.step(x, torch.tensor([0.0, math.nan, 0.0]), state)
    with pytest.raises(ValueError, match=r"grad must be finite, got an infinite value at step 1"):
        rule.step(x, torch.tensor([0.0, math.inf, 0.0]), state)
    with pytest.raises(TypeError, match="grad must be a floating-point tensor"):
        rule.step(x, torch.zeros(3, dtype=torch.int64), state)
    with pytest.raises(
        ValueError, match=r"lr must be a number of at least 0, got -1\.0: look at the"
    ):
        rule.step(x, x, state, lr=-1.0)


def test_a_diverging_run_stops_with_its_step() -> None:
    with pytest.raises(ValueError, match=r"grad must be finite, got .* at step \d+: lower lr"):
        trajectory(SGD(lr=1.0), lambda x: x**3, torch.tensor([3.0]), steps=99)


def test_trajectory_and_gradient_of_check_their_arguments() -> None:
    with pytest.raises(TypeError, match="start must be a floating-point tensor"):
        trajectory(SGD(0.1), lambda x: x, torch.zeros(2, dtype=torch.int64), steps=1)
    with pytest.raises(ValueError, match="steps must be an integer of at least 0, got -1"):
        trajectory(SGD(0.1), lambda x: x, torch.zeros(2), steps=-1)
    with pytest.raises(ValueError, match=re.escape("loss must return a scalar, got shape (2,)")):
        gradient_of(lambda x: x)(torch.zeros(2))
    with pytest.raises(TypeError, match=r"params must be a torch\.Tensor, got list"):
        prepared_gradient([1.0], torch.zeros(1), step=0)
