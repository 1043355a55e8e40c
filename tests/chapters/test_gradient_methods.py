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
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "optimisation/gradient_methods"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's imports and its cells `ids`; `names` are what these need from other cells."""
    return run_cells(PAGE, ["imports", *ids], **names)


def wavy(x: Tensor) -> Tensor:
    """Curvature between -1.5 and 3.5 everywhere, so that L = 3.5."""
    return (0.5 * x**2 + 2.5 * torch.cos(x)).sum()


@pytest.mark.equation("eq-gradient-decrease")
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_one_step_lowers_a_loss_by_what_the_bound_promises(share: float, seed: int) -> None:
    """Real steps from 500 random points on a loss that is not convex, with a known L."""
    descend = lesson("descent-code")["descend"]
    curvature, lr = 3.5, share * 2 / 3.5
    gradient = gradient_of(wavy)
    for x in 8 * torch.randn(500, 3, generator=seeded(seed)):
        after = descend(gradient, x, lr, 1)[-1]
        symbols = {"theta_t": x, "J": wavy, "nabla_J": gradient, "L": curvature, "alpha": lr}
        assert wavy(after) <= tex("eq-gradient-decrease")(symbols) + 1e-12
    # and the bound is attained by a parabola of that curvature
    x = torch.tensor([2.0])
    after = descend(lambda p: curvature * p, x, lr, 1)[-1]
    bowl = lambda p: curvature * p @ p / 2  # noqa: E731
    symbols = {"theta_t": x, "J": bowl, "nabla_J": lambda p: curvature * p}
    bound = tex("eq-gradient-decrease")(symbols, L=curvature, alpha=lr)
    assert bowl(after).item() == pytest.approx(bound.item(), rel=1e-12)


@pytest.mark.equation("eq-gradient-error")
@pytest.mark.equation("eq-gradient-descent")
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
    printed = tex("eq-gradient-error")
    for i in range(4):
        symbols = {"lambda_i": curvature[i].item(), "theta_0,i": along[0, i].item()}
        for t in range(13):
            value = printed(symbols, alpha=0.17, t=t)
            assert along[t, i].item() == pytest.approx(value, abs=1e-12)


@pytest.mark.equation("eq-gradient-momentum")
def test_both_conventions_of_the_velocity_give_one_path(seed: int) -> None:
    """The other convention, with the step size inside the velocity, written out."""
    heavy_ball = lesson("momentum-code")["heavy_ball"]
    start = torch.randn(3, generator=seeded(seed))
    gradient = gradient_of(wavy)
    path = heavy_ball(gradient, start, 0.05, 0.8, 30)
    x, velocity = start, torch.zeros(3)
    for t in range(30):
        velocity = 0.8 * velocity - 0.05 * gradient(x)
        x = x + velocity
        assert torch.allclose(x, path[t + 1], atol=1e-12)


@pytest.mark.equation("eq-gradient-printed")
@pytest.mark.parametrize(
    ("lr", "beta", "curvature"), [(0.1, 0.9, 1.0), (0.3, 0.35, 0.2), (0.5, 0.2, 1.0)]
)
def test_printed_rule_grows_by_the_larger_root(lr: float, beta: float, curvature: float) -> None:
    """Growth of a run of the rule as printed; roots by numpy from the update matrix."""
    printed_rule = lesson("printed")["printed_rule"]
    path = printed_rule(lambda p: curvature * p, torch.ones(1), lr, beta, 400)
    update = np.array([[1 - lr * curvature, beta * curvature], [1.0, 0.0]])
    eigenvalues = np.linalg.eigvals(update)
    symbols = {"alpha": lr, "beta": beta, "lambda": curvature}
    printed = tex("eq-gradient-printed", side=0)
    for r in eigenvalues:
        assert abs(printed(symbols, r=r)) < 1e-12
    characteristic = np.linalg.det(0.3 * np.eye(2) - update)
    assert printed(symbols, r=0.3) == pytest.approx(characteristic, abs=1e-12)
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


@pytest.mark.equation("eq-gradient-robbins-monro")
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
        symbols = {"lambda": curvature, "sigma": std, "t": t}
        assert_mean_close(path[t] ** 2, tex("eq-gradient-robbins-monro")(symbols))


@pytest.mark.equation("eq-gradient-noise-floor")
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_small_steps_lift_the_floor_by_the_factor_that_the_chapter_names(beta: float) -> None:
    """The limit α σ² / (2 λ (1 - β)) of small steps."""
    floor = noise_floor(1e-7, 3.0, 2.0, momentum=beta)
    assert floor == pytest.approx(1e-7 * 4.0 / (2 * 3.0 * (1 - beta)), rel=1e-5)


@pytest.mark.equation("eq-gradient-chain")
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
    printed = tex("eq-gradient-chain")
    product = printed({"dJ/dh_D": torch.cos(end), "W": layers, "D": 7})
    assert torch.allclose(product, gradient_of(loss)(start), atol=1e-12)
    shift = 1e-6 * torch.eye(4)
    finite = torch.stack([(loss(start + e) - loss(start - e)) / 2e-6 for e in shift])
    assert torch.allclose(product, finite, atol=1e-7)


@pytest.mark.equation("eq-gradient-chain")
@pytest.mark.parametrize("gain", [0.8, 1.25])
def test_the_chapters_chain_scales_gradients_by_powers_of_the_gain(gain: float, seed: int) -> None:
    """Powers of the gain, for chains of turned layers."""
    length = lesson("chain-rotations", "chain", seed=seed)["gradient_length"]
    for depth in (1, 10, 50):
        assert length(gain, depth) == pytest.approx(gain**depth, rel=1e-10)


@pytest.mark.equation("eq-gradient-adam")
@pytest.mark.equation("eq-gradient-bias")
def test_the_chapters_adam_equals_torch(seed: int) -> None:
    """torch.optim.Adam for 100 steps."""
    adam_step = lesson("adam")["adam_step"]
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
        return lesson("model", "model-nll")
    finally:
        torch.set_default_dtype(previous)


@pytest.mark.equation("eq-gradient-autoregressive")
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


@pytest.mark.equation("eq-gradient-autoregressive")
def test_one_pixel_at_a_time_gives_the_same_likelihood(model: dict[str, Any], seed: int) -> None:
    """A plain loop over pixels with the formula as it stands in the text."""
    theta = torch.randn(64, 65, generator=seeded(seed))
    x = model["valid"][3]
    symbols = {"w": theta[:, :64].tolist(), "b": theta[:, 64].tolist(), "x": x.tolist()}
    symbols["sigmoid"] = lambda activation: 1 / (1 + math.exp(-activation))
    one_pixel = tex("eq-gradient-autoregressive", statement=1)
    factors = []
    for d in range(64):
        p = one_pixel(symbols, d=d + 1)
        factors.append(p if x[d] == 1 else 1 - p)
    feed = iter(factors)
    product = tex("eq-gradient-autoregressive")(
        {"p": lambda pixel, earlier: next(feed), "x": x.tolist(), "x_<d": None}
    )
    assert model["nll"](theta, x[None]).item() == pytest.approx(-math.log(product), rel=1e-9)


def test_the_closed_gradient_and_the_curvatures(model: dict[str, Any], seed: int) -> None:
    nll, slope_on, penalty = model["nll"], model["slope_on"], model["penalty"]
    theta = 0.1 * torch.randn(2, 64, 65, generator=seeded(seed))  # two models at once
    x = model["train"][:30].reshape(2, 15, 65)
    loss = gradient_of(lambda w: (nll(w, x).mean(-1) + penalty * (w**2).sum((-1, -2)) / 2).sum())
    assert torch.allclose(slope_on(theta, x), loss(theta), atol=1e-12)

    cells = lesson("curvature", "curvature-all", **model)
    values = cells["curvatures_at"](theta[0])

    # Lanczos on differences of gradients finds the same largest curvature
    def hessian_times(v: np.ndarray) -> np.ndarray:
        nudge = 1e-4 * torch.from_numpy(v).reshape(64, 65)
        ahead, behind = (slope_on(theta[0] + sign * nudge, model["train"]) for sign in (1, -1))
        return ((ahead - behind) / 2e-4).flatten().numpy()

    operator = LinearOperator((4160, 4160), matvec=hessian_times, dtype=np.float64)
    largest = eigsh(operator, k=1, which="LA", v0=np.ones(4160), return_eigenvectors=False)
    assert largest.item() == pytest.approx(values.max().item(), rel=1e-6)
    assert values.min().item() == pytest.approx(penalty, abs=1e-12)


@pytest.mark.equation("eq-gradient-newton")
def test_newtons_step_is_the_printed_one(seed: int) -> None:
    """numpy's inverse of a Hessian that is written by hand, and the minimum of a parabola."""
    newton = lesson("saddle-loss", "saddle-runs", gradient_of=gradient_of)
    start = torch.randn(2, generator=seeded(seed))
    path = newton["newton"](newton["saddle"], start, steps=3)
    printed = tex("eq-gradient-newton")
    for before, after in itertools.pairwise(path):
        x, y = before.tolist()
        symbols = {
            "theta_t": np.array([x, y]),
            "H": lambda p: np.array([[1.0, 0.0], [0.0, 3 * p[1] ** 2 - 1]]),
            "nabla_J": lambda p: np.array([p[0], p[1] ** 3 - p[1]]),
        }
        assert np.allclose(printed(symbols), after.numpy(), rtol=1e-9)
    turned = torch.tensor([[3.0, 1.0], [1.0, -2.0]])
    one = newton["newton"](lambda p: p @ turned @ p / 2, start, steps=1)[-1]
    assert one.abs().max() < 1e-12  # whatever the signs of the curvatures


@pytest.mark.equation("eq-gradient-escape")
@pytest.mark.parametrize(("lr", "curvature"), [(0.1, 1.0), (0.3, 2.5), (4.0, 0.7)])
def test_time_to_leave_a_saddle(lr: float, curvature: float) -> None:
    """Steps of a real run along the axis of negative curvature."""
    path = trajectory(SGD(lr), lambda y: -curvature * y, torch.tensor([1e-5]), steps=200)[:, 0]
    far = path[137].item()
    symbols = {"varepsilon": 1e-5, "r": far, "alpha": lr, "lambda": -curvature}
    assert tex("eq-gradient-escape")(symbols) == pytest.approx(137, rel=1e-9)


@pytest.mark.equation("eq-gradient-rare-square")
@pytest.mark.equation("eq-gradient-rare-drift")
@pytest.mark.parametrize(
    ("big", "period", "beta2"), [(5.5, 4, 0.7), (30.0, 12, 0.95), (3.0, 3, 0.1)]
)
def test_drift_of_adam_on_rare_large_slopes(big: float, period: int, beta2: float) -> None:
    """The recursion of the running mean until it repeats, and torch's Adam over a late period."""
    cells = lesson("drift", "drift-measured", Adam=Adam)
    slopes = [big] + [-1.0] * (period - 1)
    square, squares = 0.0, []
    for _ in range(400):
        squares = []
        for g in slopes:
            square = beta2 * square + (1 - beta2) * g**2
            squares.append(square)
    printed = tex("eq-gradient-rare-square")
    symbols = {"C": big, "p": period, "beta_2": beta2}
    assert [printed(symbols, k=k) for k in range(1, period + 1)] == pytest.approx(squares, rel=1e-9)
    x = torch.zeros(1, requires_grad=True)
    adam = torch.optim.Adam([x], lr=1.0, betas=(0.0, beta2), eps=1e-30)
    places = []
    for g in slopes * 400:
        x.grad = torch.tensor([g])
        adam.step()
        places.append(x.item())
    moved = places[-1] - places[-1 - period]
    value = tex("eq-gradient-rare-drift")(symbols, s=squares)
    assert -moved == pytest.approx(value, abs=1e-8)
    assert cells["drift"](big, period, beta2)[0] == pytest.approx(value, abs=1e-9)
    assert cells["measured_drift"](big, period, beta2) == pytest.approx(value, abs=1e-5)


def test_top_curvature_is_the_largest_eigenvalue(seed: int) -> None:
    """The whole Hessian by automatic differentiation, and its eigenvalues."""
    cells = lesson("top-curvature")
    draws = seeded(seed)
    inputs = torch.randn(20, 3, generator=draws)

    def loss_of(theta: Tensor) -> Tensor:  # (R, 12) -> (R,)
        hidden = torch.tanh(inputs @ theta[..., :9].unflatten(-1, (3, 3)))
        return (hidden @ theta[..., 9:, None]).square().mean((-2, -1))

    theta = torch.randn(2, 12, generator=draws)
    values = cells["top_curvature"](loss_of, theta, rounds=400)
    for row, value in zip(theta, values):
        hessian = torch.autograd.functional.hessian(lambda p: loss_of(p[None])[0], row)
        assert value.item() == pytest.approx(
            torch.linalg.eigvalsh(hessian).abs().max().item(), rel=1e-3
        )


def test_dead_units_and_the_order_of_the_deep_model(seed: int) -> None:
    """A pixel of the output does not move with itself or with later ones; ReLUs switched off."""
    cells = lesson("model", "deep", "deep-layers", seeds=2)
    draws = seeded(seed)
    theta = torch.randn(2, 5, 64, 65, generator=draws).float()
    x = (torch.rand(2, 1, 64, generator=draws) < 0.5).float()
    changed = x.clone()
    changed[..., 40:] = 1 - changed[..., 40:]
    before, after = (cells["layers"](theta, pixels)[-1] for pixels in (x, changed))
    assert torch.equal(before[..., :41], after[..., :41])
    assert not torch.equal(before[..., 41:], after[..., 41:])
