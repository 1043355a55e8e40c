"""The rules against torch.optim and against hand-worked steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from helpers.optim.path import gradient_of, trajectory
from helpers.optim.rules import SGD, Adagrad, Adam, AdamW, RMSprop, Rule
from helpers.random import seeded


def combinations(**options: tuple) -> list[dict]:
    """Every combination of the given values."""
    return [dict(zip(options, values)) for values in itertools.product(*options.values())]


ADAMS = combinations(
    lr=(0.05,), betas=((0.8, 0.95), (0.0, 0.9)), eps=(1e-8, 0.1), weight_decay=(0.0, 0.03)
)
CASES = [
    *((SGD, o) for o in combinations(lr=(0.07,), momentum=(0.0, 0.8))),
    (SGD, {"lr": 0.07, "momentum": 0.8, "nesterov": True}),
    *((Adagrad, o) for o in combinations(lr=(0.3,), eps=(1e-10, 0.1))),
    *((RMSprop, o) for o in combinations(lr=(0.02,), alpha=(0.9,), eps=(1e-8, 0.1))),
    *((rule, o) for rule in (Adam, AdamW) for o in ADAMS),
]


def rough_loss(x: Tensor) -> Tensor:
    """Not convex, badly scaled, with gradients of either sign and of changing size."""
    scale = torch.tensor([0.1, 1.0, 7.0], dtype=x.dtype, device=x.device)
    return (scale * (0.5 * x**2 + torch.cos(3 * x))).sum()


def torch_path(
    rule: type, options: dict, start: Tensor, steps: int, field: Callable[[Tensor], Tensor]
) -> Tensor:
    """The path of torch's optimiser of the same name."""
    x = start.clone().requires_grad_()
    optimizer, path = getattr(torch.optim, rule.__name__)([x], **options), [start]
    for _ in range(steps):
        x.grad = field(x)
        optimizer.step()
        path.append(x.detach().clone())
    return torch.stack(path)


def name(value: object) -> str | None:
    return value.__name__ if isinstance(value, type) else None


@pytest.mark.equation("eq-gradient-momentum", frozen="b33ede7e")
@pytest.mark.equation("eq-gradient-nesterov", frozen="c7187c5a")
@pytest.mark.equation("eq-gradient-adagrad", frozen="92d8063b")
@pytest.mark.equation("eq-gradient-rmsprop", frozen="1cc9c3e7")
@pytest.mark.equation("eq-gradient-adam", frozen="275b74c3")
@pytest.mark.equation("eq-gradient-adamw", frozen="5d22c6a4")
@pytest.mark.parametrize(("rule", "options"), CASES, ids=name)
def test_rules_equal_torch_for_100_steps(rule: type, options: dict, seed: int) -> None:
    """torch.optim, 100 steps to 1e-10, every combination of the options."""
    # Given gradients that shrink: a rough loss could amplify rounding.
    draws = seeded(seed)
    start = torch.randn(2, 3, generator=draws)
    gradients = [s * torch.randn(2, 3, generator=draws) for s in torch.linspace(3.0, 0.1, 100)]
    first, second = iter(gradients), iter(gradients)
    ours = trajectory(rule(**options), lambda x: next(first), start, steps=100)
    theirs = torch_path(rule, options, start, 100, lambda x: next(second))
    assert ours.shape == (101, 2, 3)
    assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW], ids=name)
def test_rules_share_the_defaults_of_torch(rule: type, seed: int, device: torch.device) -> None:
    options = {"lr": 0.01} if rule is SGD else {}
    start = torch.randn(4, 3, generator=seeded(seed)).to(device)
    gradient = gradient_of(rough_loss)
    ours = trajectory(rule(**options), gradient, start, steps=100)
    assert ours.device.type == device.type
    assert (ours - torch_path(rule, options, start, 100, gradient)).abs().max() < 1e-10


@pytest.mark.parametrize("rule", [SGD(0.1, momentum=0.5), Adagrad(), RMSprop(), Adam(), AdamW()])
def test_a_step_changes_nothing_it_was_given(rule: Rule, seed: int) -> None:
    params, grad = torch.randn(2, 3, generator=seeded(seed))
    state = rule.step(params, grad, rule.init(params))[1]
    given = [params, grad, *([state] if isinstance(state, Tensor) else state[1:])]
    before = [tensor.clone() for tensor in given]
    first, second = rule.step(params, grad, state)[0], rule.step(params, grad, state)[0]
    assert torch.equal(first, second)  # a pure function of its arguments
    assert all(torch.equal(old, new) for old, new in zip(before, given))


@pytest.mark.equation("eq-gradient-descent", frozen="4a614bef")
def test_gradient_descent_by_hand() -> None:
    """Three steps on a quadratic, worked by hand."""
    # J = x²/2 + 2y², lr 0.25: x shrinks by 3/4 a step, y is solved by the first one.
    path = trajectory(
        SGD(lr=0.25), lambda x: x * torch.tensor([1.0, 4.0]), torch.tensor([16.0, 5.0]), steps=3
    )
    assert torch.equal(path, torch.tensor([[16.0, 5.0], [12.0, 0.0], [9.0, 0.0], [6.75, 0.0]]))


@pytest.mark.equation("eq-gradient-bias", frozen="8fbd9ac6")
@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999])
def test_bias_correction_makes_the_running_mean_of_a_constant_exact(beta: float) -> None:
    """The weights (1 - β) β^(t-i) of a running mean, summed one by one."""
    rule = Adam(lr=0.1, betas=(beta, beta), eps=1e-300)
    grad, x = torch.tensor([0.3, -40.0]), torch.zeros(2)
    state = rule.init(x)
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


@pytest.mark.equation("eq-gradient-adamw", frozen="5d22c6a4")
def test_weight_decay_is_the_penalty_for_adam_and_a_plain_shrink_for_adamw(seed: int) -> None:
    """A penalised loss for Adam; a geometric decay for AdamW without a gradient."""
    start = torch.randn(5, generator=seeded(seed))
    gradient = gradient_of(lambda x: torch.cos(x).sum())
    penalised = gradient_of(lambda x: torch.cos(x).sum() + 0.2 * (x**2).sum() / 2)
    a = trajectory(Adam(0.1, weight_decay=0.2), gradient, start, steps=9)
    b = trajectory(Adam(0.1), penalised, start, steps=9)
    assert torch.allclose(a, b, rtol=1e-12)
    # Without a gradient Adam's moments stay zero, so that only the decay moves the weights.
    c = trajectory(AdamW(0.1, weight_decay=0.2), torch.zeros_like, start, steps=9)
    assert torch.allclose(c[-1], start * (1 - 0.02) ** 9, rtol=1e-12)


@pytest.mark.parametrize("rule", [SGD(0.1), Adagrad(), RMSprop(), Adam(), AdamW()])
def test_a_step_refuses_what_would_broadcast(rule: Rule) -> None:
    x = torch.zeros(3)
    with pytest.raises(ValueError, match=r"grad must have shape \(3,\), got \(3, 1\)"):
        rule.step(x, torch.zeros(3, 1), rule.init(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "lr must be a positive number, got -0.1"),
        (lambda: SGD(0.1, momentum=1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: RMSprop(alpha=1.0), r"alpha must lie in \[0, 1\)"),
        (lambda: Adam(betas=(0.9, 1.0)), r"betas\[1\] must lie in \[0, 1\)"),
    ],
)
def test_options_out_of_range(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
