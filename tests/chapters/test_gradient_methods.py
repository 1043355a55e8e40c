"""The chapter's own lines and those equations that no helper carries, against other answers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor
from torch.nn import functional as F

from helpers.optim import SGD, Adam, gradient_of, noise_floor, schedules, trajectory
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.statistics import assert_mean_close

PAGE = "optimisation/gradient_methods"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's imports and its cells `ids`; `names` are what these need from other cells."""
    return run_cells(PAGE, ["imports", *ids], **names)


def wavy(x: Tensor) -> Tensor:
    """Curvature between -1.5 and 3.5 everywhere, so that L = 3.5."""
    return (0.5 * x**2 + 2.5 * torch.cos(x)).sum()


@pytest.mark.equation("eq-gradient-decrease", frozen="0f122a5a")
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_one_step_lowers_a_loss_by_what_the_bound_promises(share: float, seed: int) -> None:
    """Real steps from 500 random points on a loss that is not convex, with a known L."""
    descend = lesson("descent-code")["descend"]
    curvature, lr = 3.5, share * 2 / 3.5
    gradient = gradient_of(wavy)
    for x in 8 * torch.randn(500, 3, generator=seeded(seed)):
        after = descend(gradient, x, lr, 1)[-1]
        promised = lr * (1 - lr * curvature / 2) * gradient(x).square().sum()
        assert wavy(after) <= wavy(x) - promised + 1e-12
    # and the bound is attained by a parabola of that curvature
    x = torch.tensor([2.0])
    after = descend(lambda p: curvature * p, x, lr, 1)[-1]
    drop = curvature * (x**2 - after**2) / 2
    assert drop.item() == pytest.approx(
        (lr * (1 - lr * curvature / 2) * (curvature * x) ** 2).item(), rel=1e-12
    )


@pytest.mark.equation("eq-gradient-error", frozen="1db2cb58")
@pytest.mark.equation("eq-gradient-descent", frozen="4a614bef")
def test_descent_on_a_turned_parabola_is_a_matrix_power(seed: int) -> None:
    """Powers of I - αH, by numpy, for a Hessian that is not diagonal."""
    descend = lesson("descent-code")["descend"]
    draws = seeded(seed)
    basis = torch.linalg.qr(torch.randn(4, 4, generator=draws))[0]
    curvature = torch.tensor([0.3, 1.0, 4.0, 9.0])
    hessian, start = basis @ curvature.diag() @ basis.T, torch.randn(4, generator=draws)
    path = descend(lambda p: hessian @ p, start, 0.17, 12)
    power = np.linalg.matrix_power(np.eye(4) - 0.17 * hessian.numpy(), 12)
    assert np.allclose(path[-1].numpy(), power @ start.numpy(), atol=1e-12)
    along = path @ basis  # (13, 4): the coordinates do not mix
    steps = torch.arange(13)[:, None]
    assert torch.allclose(along, (1 - 0.17 * curvature) ** steps * along[0], atol=1e-12)


@pytest.mark.equation("eq-gradient-momentum", frozen="b33ede7e")
def test_both_conventions_of_the_velocity_give_one_path(seed: int) -> None:
    """The other convention, with the step size inside the velocity, written out."""
    heavy_ball = lesson(
        "descent-code",
        "momentum-code",
        SGD=SGD,
        trajectory=trajectory,
        slope=gradient_of(wavy),
        top=torch.tensor([0.4, -1.0]),
    )["heavy_ball"]
    start = torch.randn(3, generator=seeded(seed))
    gradient = gradient_of(wavy)
    path = heavy_ball(gradient, start, 0.05, 0.8, 30)
    x, velocity = start, torch.zeros(3)
    for t in range(30):
        velocity = 0.8 * velocity - 0.05 * gradient(x)
        x = x + velocity
        assert torch.allclose(x, path[t + 1], atol=1e-12)


@pytest.mark.equation("eq-gradient-printed", frozen="6754862e")
@pytest.mark.parametrize(
    ("lr", "beta", "curvature"), [(0.1, 0.9, 1.0), (0.3, 0.35, 0.2), (0.5, 0.2, 1.0)]
)
def test_printed_rule_grows_by_the_larger_root(lr: float, beta: float, curvature: float) -> None:
    """Growth of a run of the rule as printed; roots by numpy from the update matrix."""
    printed_rule = lesson("printed", momentum_radius=lambda *a, **k: torch.zeros(1))["printed_rule"]
    path = printed_rule(lambda p: curvature * p, torch.ones(1), lr, beta, 400)
    update = np.array([[1 - lr * curvature, beta * curvature], [1.0, 0.0]])
    eigenvalues = np.linalg.eigvals(update)
    for r in eigenvalues:
        assert abs(r**2 - (1 - lr * curvature) * r - beta * curvature) < 1e-12
    growth = (path[-1] / path[-2]).item()
    assert growth == pytest.approx(max(abs(eigenvalues)), abs=1e-8)
    assert (growth > 1) == (beta > lr)
    if (lr, beta, curvature) == (0.1, 0.9, 1.0):
        assert growth == pytest.approx(1.5, abs=1e-8)


def test_printed_rule_never_converges_for_beta_at_least_alpha(seed: int) -> None:
    draws = seeded(seed)
    for lr, extra, curvature in torch.rand(200, 3, generator=draws).tolist():
        roots = np.roots([1, -(1 - lr * curvature), -(lr + extra) * curvature])
        assert max(roots.real) > 1
        exact = np.roots([1, -(1 - lr * curvature), -lr * curvature])
        assert max(exact.real) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.equation("eq-gradient-robbins-monro", frozen="ade9de09")
def test_the_right_schedule_averages_the_noise(seed: int) -> None:
    """The plain mean of the noise, step by step, and its variance over many walkers."""
    curvature, std, walkers = 1.7, 0.6, 5000
    draws = seeded(seed)
    noise = std * torch.randn(40, walkers, generator=draws)
    feed = iter(noise)
    path = trajectory(
        SGD(lr=1.0),
        lambda x: curvature * x + next(feed),
        torch.full((walkers,), 11.0),
        steps=40,
        schedule=schedules.inverse_time(1 / curvature),
    )
    means = noise.cumsum(0) / torch.arange(1, 41)[:, None]
    assert torch.allclose(path[1:], -means / curvature, atol=1e-12)
    for t in (1, 7, 40):
        assert_mean_close(path[t] ** 2, std**2 / (curvature**2 * t))


@pytest.mark.equation("eq-gradient-noise-floor", frozen="1dda3037")
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_small_steps_lift_the_floor_by_the_factor_that_the_chapter_names(beta: float) -> None:
    """The limit α σ² / (2 λ (1 - β)) of small steps."""
    floor = noise_floor(1e-7, 3.0, 2.0, momentum=beta)
    assert floor == pytest.approx(1e-7 * 4.0 / (2 * 3.0 * (1 - beta)), rel=1e-5)


@pytest.mark.equation("eq-gradient-chain", frozen="f9d8d9ef")
def test_gradient_of_a_chain_is_the_product_of_its_transposes(seed: int) -> None:
    """Automatic differentiation and finite differences through seven layers."""
    draws = seeded(seed)
    layers = [torch.randn(4, 4, generator=draws) / 2 for _ in range(7)]
    start = torch.randn(4, generator=draws)

    def loss(h: Tensor) -> Tensor:
        for layer in layers:
            h = layer @ h
        return torch.sin(h).sum()

    end = start
    for layer in layers:
        end = layer @ end
    product = torch.cos(end)  # dJ/dh_D
    for layer in reversed(layers):
        product = layer.T @ product
    assert torch.allclose(product, gradient_of(loss)(start), atol=1e-12)
    shift = 1e-6 * torch.eye(4)
    finite = torch.stack([(loss(start + e) - loss(start - e)) / 2e-6 for e in shift])
    assert torch.allclose(product, finite, atol=1e-7)


@pytest.mark.equation("eq-gradient-chain", frozen="f9d8d9ef")
@pytest.mark.parametrize("gain", [0.8, 1.25])
def test_the_chapters_chain_scales_gradients_by_powers_of_the_gain(gain: float, seed: int) -> None:
    """Powers of the gain, for chains of turned layers."""
    length = lesson("chain", seed=seed)["gradient_length"]
    for depth in (1, 10, 50):
        assert length(gain, depth) == pytest.approx(gain**depth, rel=1e-10)


@pytest.mark.equation("eq-gradient-adam", frozen="275b74c3")
@pytest.mark.equation("eq-gradient-bias", frozen="8fbd9ac6")
def test_the_chapters_adam_equals_torch(seed: int) -> None:
    """torch.optim.Adam for 100 steps."""
    adam_step = lesson(
        "adam",
        slope=gradient_of(wavy),
        top=torch.tensor([0.4, -1.0]),
        trajectory=trajectory,
        Adam=Adam,
    )["adam_step"]
    start = torch.randn(3, generator=seeded(seed))
    gradient = gradient_of(wavy)
    weight = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([weight], lr=0.05)
    theta, mean, square = start, torch.zeros(3), torch.zeros(3)
    for t in range(1, 101):
        theta, mean, square = adam_step(theta, gradient(theta), mean, square, t, lr=0.05)
        weight.grad = gradient(weight)
        optimizer.step()
        assert (theta - weight).abs().max() < 1e-10


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """The cells that define the model of images, on the bundled digits."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # a module's fixture runs before that of each test
    try:
        return lesson("model")
    finally:
        torch.set_default_dtype(previous)


@pytest.mark.equation("eq-gradient-autoregressive", frozen="8a7fef51")
def test_the_model_of_images_is_normalised_and_ordered(model: dict[str, Any], seed: int) -> None:
    """The sum over all values of the last ten pixels, against the probability of the rest."""
    draws = seeded(seed)
    theta = torch.randn(64, 65, generator=draws)
    x = torch.cat([(torch.rand(64, generator=draws) < 0.5).double(), torch.ones(1)])
    tails = torch.tensor(list(itertools.product((0.0, 1.0), repeat=10)))
    every = x.expand(len(tails), 65).clone()
    every[:, 54:64] = tails
    total = torch.logsumexp(-model["nll"](theta, every), 0)
    logits = (theta * model["earlier"])[:54] @ x  # pixels 0 … 53 do not see the tail
    head = -F.binary_cross_entropy_with_logits(logits, x[:54], reduction="sum")
    assert total.item() == pytest.approx(head.item(), abs=1e-9)


@pytest.mark.equation("eq-gradient-autoregressive", frozen="8a7fef51")
def test_one_pixel_at_a_time_gives_the_same_likelihood(model: dict[str, Any], seed: int) -> None:
    """A plain loop over pixels with the formula as it stands in the text."""
    theta = torch.randn(64, 65, generator=seeded(seed))
    x = model["valid"][3]
    log_p = 0.0
    for d in range(64):
        activation = theta[d, 64] + sum(theta[d, j] * x[j] for j in range(d))
        p = 1 / (1 + math.exp(-activation))
        log_p += math.log(p if x[d] == 1 else 1 - p)
    assert model["nll"](theta, x[None]).item() == pytest.approx(-log_p, rel=1e-9)


def test_the_closed_gradient_and_the_curvatures(model: dict[str, Any], seed: int) -> None:
    nll, slope_on, penalty = model["nll"], model["slope_on"], model["penalty"]
    theta = 0.1 * torch.randn(2, 64, 65, generator=seeded(seed))  # two models at once
    x = model["train"][:30].reshape(2, 15, 65)
    loss = gradient_of(lambda w: (nll(w, x).mean(-1) + penalty * (w**2).sum((-1, -2)) / 2).sum())
    assert torch.allclose(slope_on(theta, x), loss(theta), atol=1e-12)

    curvatures_at = lesson("curvature", **model, gradient_of=gradient_of)["curvatures_at"]
    values = curvatures_at(theta[0])

    # Lanczos on differences of gradients finds the same largest curvature
    def hessian_times(v: np.ndarray) -> np.ndarray:
        nudge = 1e-4 * torch.from_numpy(v).reshape(64, 65)
        ahead, behind = (slope_on(theta[0] + sign * nudge, model["train"]) for sign in (1, -1))
        return ((ahead - behind) / 2e-4).flatten().numpy()

    operator = LinearOperator((4160, 4160), matvec=hessian_times, dtype=np.float64)
    largest = eigsh(operator, k=1, which="LA", v0=np.ones(4160), return_eigenvectors=False)
    assert largest.item() == pytest.approx(values.max().item(), rel=1e-6)
    assert values.min().item() == pytest.approx(penalty, abs=1e-12)
