"""Langevin chains against closed forms for Gaussians and quadrature of the acceptance."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from helpers.random import normal, seeded
from helpers.samplers.langevin import langevin, metropolis_langevin
from tests.statistics import assert_mean_close

N = 100_000


def bend(x: Tensor) -> Tensor:
    """An energy with three wells in the first coordinate and a slope in the others."""
    rows = x.flatten(1)
    return rows.square().sum(1) / 2 + 1.5 * torch.cos(2 * rows[:, 0]) + 0.4 * rows.sin().sum(1)


def test_one_step_written_out(seed: int, device: torch.device) -> None:
    """A quadratic energy, whose slope is a matrix product."""
    a = torch.randn(6, 6, device=device)
    x = torch.randn(5, 2, 3, device=device)
    eps = normal(x.shape, x, seeded(seed, device))
    energy = lambda x: (x.flatten(1) @ a * x.flatten(1)).sum(1) / 2  # noqa: E731
    found = langevin(energy, x, steps=1, step_size=0.3, rng=seeded(seed, device))
    slope = (x.flatten(1) @ (a + a.T) / 2).reshape(x.shape)
    torch.testing.assert_close(found, x - 0.15 * slope + math.sqrt(0.3) * eps)
    assert torch.equal(langevin(energy, x, steps=0, step_size=0.3), x)


def test_the_bias_of_unadjusted_chains_on_a_gaussian(seed: int) -> None:
    """The variance 1 / (λ (1 − hλ/4)) stays, and that of the density does not."""
    h, precision = 0.4, torch.tensor([1.0, 2.5])
    rest = 1 / (precision * (1 - h * precision / 4))
    energy = lambda x: (precision * x.square()).sum(1) / 2  # noqa: E731
    for variance, stays in ((rest, True), (1 / precision, False)):
        x = variance.sqrt() * torch.randn(N, 2, generator=seeded(seed))
        x = langevin(energy, x, steps=4, step_size=h, rng=seeded(seed + 1))
        assert_mean_close(x, 0.0)
        if stays:
            assert_mean_close(x.square(), rest)
        else:
            with pytest.raises(AssertionError, match="standard errors"):
                assert_mean_close(x.square(), variance, sigmas=10)


def grid_moments(x: Tensor, log_p: Tensor) -> Tensor:
    p = log_p.softmax(0)
    return torch.stack([(p * f).sum() for f in (x, x.square(), (2 * x).cos(), (x > 0.7).double())])


def moments(x: Tensor) -> Tensor:
    return torch.cat([x, x.square(), (2 * x).cos(), (x > 0.7).double()], 1)


def test_adjusted_chains_have_no_bias_where_unadjusted_ones_do(seed: int) -> None:
    """Quadrature of four moments of a density with three modes, before and after six steps."""
    line = torch.linspace(-8, 8, 4001)
    log_p = -bend(line[:, None])
    exact = grid_moments(line, log_p)
    cell = torch.multinomial(log_p.softmax(0), N, replacement=True, generator=seeded(seed))
    x = line[cell][:, None]  # cells of 0.004, far below the standard errors
    adjusted, share = metropolis_langevin(bend, x, steps=6, step_size=0.8, rng=seeded(seed + 1))
    assert_mean_close(moments(adjusted), exact)
    assert 0.3 < share.mean() < 0.9
    free = langevin(bend, x, steps=6, step_size=0.8, rng=seeded(seed + 2))
    with pytest.raises(AssertionError, match="standard errors"):
        assert_mean_close(moments(free), exact, sigmas=20)


def test_acceptance_by_quadrature(seed: int, device: torch.device) -> None:
    """The probability of moving, and the mean of the next point, from two starts."""
    h, to = 0.9, torch.linspace(-10, 10, 20_001, device=device)
    slope = torch.func.vmap(torch.func.grad(lambda t: bend(t.reshape(1, 1))[0]))
    log_q = lambda b, a: -(b - a + h / 2 * slope(a)).square() / (2 * h)  # noqa: E731
    starts = torch.tensor([0.2, -1.9], device=device)
    x = starts.repeat(50_000)[:, None]
    moved, share = metropolis_langevin(bend, x, steps=1, step_size=h, rng=seeded(seed, device))
    for k, start in enumerate(starts):
        a = start.expand_as(to)
        log_ratio = bend(a[:, None]) - bend(to[:, None]) + log_q(a, to) - log_q(to, a)
        accept = log_ratio.clamp(max=0).exp() * log_q(to, a).exp() / math.sqrt(2 * math.pi * h)
        rate = torch.trapezoid(accept, to)
        mean = torch.trapezoid(accept * to, to) + (1 - rate) * start
        assert_mean_close(share[k::2].double(), rate)
        assert_mean_close(moved[k::2, 0], mean)
        assert 0.05 < rate < 0.95


def test_chains_are_separate_and_have_the_shape_of_the_data(seed: int) -> None:
    x = torch.randn(5, 2, 3)
    before, weight = x.clone(), torch.ones(3, requires_grad=True)
    energy = lambda x: bend(x) + (x * weight).flatten(1).sum(1)  # noqa: E731
    end, share = metropolis_langevin(energy, x, steps=9, step_size=0.5, rng=seeded(seed))
    assert end.shape == x.shape
    assert share.shape == (5,)
    assert torch.equal((9 * share).round(), 9 * share)
    stays = share == 0
    assert torch.equal((end == x).flatten(1).all(1), stays)
    for chain in (end, langevin(energy, x, steps=9, step_size=0.5)):
        assert not chain.requires_grad
    assert torch.equal(x, before)
    assert weight.grad is None


def test_more_steps_go_on_from_where_fewer_ended(seed: int) -> None:
    x, rng = torch.randn(4, 3), seeded(seed)
    for sampler in (langevin, lambda *a, **k: metropolis_langevin(*a, **k)[0]):
        rng.manual_seed(seed)
        first = sampler(bend, x, steps=2, step_size=0.5, rng=rng)
        twice = sampler(bend, first, steps=3, step_size=0.5, rng=rng)
        rng.manual_seed(seed)
        torch.testing.assert_close(sampler(bend, x, steps=5, step_size=0.5, rng=rng), twice)


def test_errors_name_the_argument() -> None:
    x = torch.zeros(2, 3)
    for sampler in (langevin, metropolis_langevin):
        with pytest.raises(ValueError, match="steps must be an integer of at least"):
            sampler(bend, x, steps=-1, step_size=0.1)
        with pytest.raises(ValueError, match="step_size must be a positive number, got 0"):
            sampler(bend, x, steps=1, step_size=0)
    with pytest.raises(ValueError, match=r"energy\(x\) must have shape \(2,\), got \(2, 3\): one"):
        langevin(lambda x: x.square(), x, steps=1, step_size=0.1)
