"""Flows over integers, proved on 2×2 images of three levels by quadrature over each cell."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import StandardUniform
from helpers.models import DequantisedFlow, Flow
from helpers.networks import MLP, Coupling, LinearSpline
from helpers.random import seeded
from tests.networks.layers import randomise
from tests.statistics import assert_mean_close

LEVELS, D, NODES = 3, 4, 5
FIRST = torch.tensor([True, False, False, True])


def cube(condition: int = 0, bins: int = LEVELS) -> Flow:
    """Two layers whose kinks lie on the edges of the cells: smooth inside each of them."""
    g = LinearSpline(bins)
    layers = [
        Coupling(MLP(2 + condition, [9], (2, bins), activation=nn.Tanh), m, g)
        for m in (FIRST, ~FIRST)
    ]
    return Flow(layers, (D,), base=StandardUniform(), condition=condition)


def model(noise: bool = False) -> DequantisedFlow:
    made = DequantisedFlow(cube(), LEVELS, noise=cube(D, bins=1 + noise) if noise else None)
    randomise(made.flow, 0.6)
    if made.noise is not None:
        randomise(made.noise, 0.3)  # far from uniform, and its weights not heavy-tailed
    return made


def all_images() -> Tensor:
    return torch.tensor(list(itertools.product(range(LEVELS), repeat=D)))


def nodes() -> tuple[Tensor, Tensor]:
    """Gauss–Legendre points of [0, 1]^D and their weights: exact for polynomials of degree 9."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(NODES))
    points = torch.cartesian_prod(*[(x + 1) / 2] * D)
    weights = torch.cartesian_prod(*[w / 2] * D).prod(1)
    return points, weights


def quadrature(flow: Flow, k: Tensor) -> tuple[Tensor, Tensor]:
    """log P(k) = log ∫ p((k + u)/K) du − D log K, and the bound ∫ log p du − D log K: (B,) each."""
    u, w = nodes()
    x = (k[:, None] + u) / LEVELS  # (B, nodes, D)
    with torch.no_grad():
        log_p = flow.log_prob(x.flatten(0, 1)).reshape(len(k), -1) - D * math.log(LEVELS)
    return torch.logsumexp(log_p + w.log(), 1), (log_p * w).sum(1)


def test_all_images_together_have_probability_one(seed: int) -> None:
    exact, bound = quadrature(model().flow, all_images())
    assert exact.exp().sum().item() == pytest.approx(1, abs=1e-6)
    assert (bound < exact).all()
    assert (exact - bound).max() > 0.01  # a gap worth the name


@pytest.mark.parametrize("noise", [False, True])
def test_weights_have_the_probability_as_their_mean_whatever_the_noise(
    noise: bool, seed: int
) -> None:
    """Enumeration of all images and quadrature of their cells; the noise need not be uniform."""
    made, n = model(noise), 4000
    k = all_images()
    exact, bound = quadrature(made.flow, k)
    with torch.no_grad():
        weights = made.log_weights(k.repeat(n, 1), rng=seeded(seed)).reshape(n, -1)
    assert_mean_close(weights.exp(), exact.exp())
    assert weights.mean() < exact.mean()
    if not noise:
        assert_mean_close(weights, bound)


def test_learned_noise_can_close_the_gap(seed: int) -> None:
    """Noise drawn from p(u|k) itself: every weight is P(k). Here p(x) factorises, with bins of half
    a level, so that p(u|k) is a histogram of two bins.
    """
    g, h = LinearSpline(2 * LEVELS), LinearSpline(2)
    logits = torch.randn(2 * LEVELS)

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Parameter(logits)

        def forward(self, seen: Tensor) -> Tensor:
            return self.logits.expand(len(seen), D, 2 * LEVELS)

    class Halves(Constant):
        def forward(self, k: Tensor) -> Tensor:
            return self.logits.reshape(LEVELS, 2)[(k * (LEVELS - 1)).round().long()]

    everything = torch.ones(D).bool()
    flow = Flow([Coupling(Constant(), everything, g)], (D,), base=StandardUniform())
    noise = Flow([Coupling(Halves(), everything, h)], (D,), base=StandardUniform(), condition=D)
    made, k = DequantisedFlow(flow, LEVELS, noise=noise), all_images()
    p = logits.softmax(0).reshape(LEVELS, 2).sum(1)
    exact = p.log()[k].sum(1)
    torch.testing.assert_close(made.log_prob_bound(k, num_samples=1, rng=seeded(seed)), exact)
    uniform = DequantisedFlow(flow, LEVELS)
    draws = torch.stack([uniform.log_weights(k, rng=seeded(seed + i)) for i in range(400)])
    halves = math.log(2) + logits.log_softmax(0).reshape(LEVELS, 2).mean(1)
    assert_mean_close(draws.detach(), halves[k].sum(1))  # the bound, by hand, and it is loose
    assert (halves[k].sum(1) < exact).all()


def test_more_draws_tighten_the_bound(seed: int) -> None:
    made, k = model(), all_images()
    exact, _ = quadrature(made.flow, k)
    few, many = (
        made.log_prob_bound(k.repeat(200, 1), num_samples=m, rng=seeded(seed)).reshape(200, -1)
        for m in (1, 20)
    )
    gap_few, gap_many = (exact - few.mean(0)).mean(), (exact - many.mean(0)).mean()
    assert 0 < gap_many < gap_few / 5


def test_samples_have_the_probabilities(seed: int) -> None:
    made, n = model(), 40_000
    exact, _ = quadrature(made.flow, all_images())
    drawn = made.sample(n, rng=seeded(seed))
    code = drawn @ torch.tensor([27, 9, 3, 1])
    share, p = torch.bincount(code, minlength=81) / n, exact.exp()
    assert ((share - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 2 / n).all()


def test_the_loss_is_the_mean_of_one_weight_an_image(seed: int) -> None:
    made, k = model(noise=True), all_images()
    loss = made.loss(k, rng=seeded(seed))["loss"]
    torch.testing.assert_close(loss, -made.log_weights(k, rng=seeded(seed)).mean())
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in made.parameters())


def test_dropout_is_for_training_only(seed: int) -> None:
    moved = torch.ones(D).bool()
    network = MLP(D, [9], (D, LEVELS), dropout=0.5)
    layer = Coupling(network, moved, LinearSpline(LEVELS))
    flow = Flow([layer], (D,), base=StandardUniform(), condition=D)
    made, k, c = DequantisedFlow(flow, LEVELS), all_images(), torch.randn(81, D)
    one, other = (made.loss(k, c, rng=seeded(seed))["loss"] for _ in range(2))
    assert one != other
    bounds = [made.log_prob_bound(k, c, num_samples=2, rng=seeded(seed)) for _ in range(2)]
    assert torch.equal(*bounds)


def test_the_condition_reaches_the_flow(seed: int) -> None:
    made = DequantisedFlow(cube(condition=2), LEVELS)
    randomise(made, 0.6)
    k, c = all_images(), torch.randn(81, 2)
    one, other = (
        made.log_prob_bound(k, given, num_samples=2, rng=seeded(seed)) for given in (c, c + 1)
    )
    assert (one != other).all()
    x = made.flow.sample(81, rng=seeded(seed), condition=c)
    assert torch.equal(made.sample(81, rng=seeded(seed), condition=c), (LEVELS * x).long())


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="num_levels must be an integer of at least 2, got 1"):
        DequantisedFlow(cube(), 1)
    with pytest.raises(ValueError, match=r"noise must have event \(4,\), condition 4, got event"):
        DequantisedFlow(cube(), 3, noise=cube(condition=1))
    with pytest.raises(ValueError, match="num_samples must be an integer of at least 1, got 0"):
        model().log_prob_bound(all_images(), num_samples=0)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 2\], got values from 0 to 3"):
        model().loss(torch.tensor([[0, 1, 2, 3]]))
