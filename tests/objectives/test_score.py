"""Score matching against closed forms for Gaussians, autograd's Jacobian and quadrature."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import Gaussian
from helpers.objectives.score import (
    Score,
    denoising_score_matching,
    explicit_score_matching,
    score_matching,
    score_of,
    sliced_score_matching,
)
from helpers.random import normal, seeded
from tests.statistics import assert_mean_close

B, D = 5, 3


def network(inputs: int = D) -> nn.Module:
    """A curved score that is no gradient of anything."""
    net = nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, inputs))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-1, 1)
    return net


def expected_matching(score: Score, x: Tensor) -> Tensor:
    """½‖s‖² + tr ∇s with torch's own Jacobian, example by example."""
    values = []
    for row in x:
        jacobian = torch.autograd.functional.jacobian(
            lambda r, like=row: score(r.reshape(1, *like.shape)).flatten(),
            row.flatten(),
            create_graph=True,
        )
        values.append(0.5 * score(row[None]).square().sum() + jacobian.trace())
    return torch.stack(values)


def test_the_score_of_a_gaussian(device: torch.device) -> None:
    """The slope of torch's own log-density, and no trace of the normaliser."""
    mean, log_std = torch.randn(2, 1, D, device=device)
    x = torch.randn(B, D, device=device)
    found = score_of(lambda x: 7 - Gaussian(mean, log_std).log_prob(x))(x)
    torch.testing.assert_close(found, -(x - mean) / (2 * log_std).exp())
    assert not x.requires_grad
    with torch.no_grad():
        assert not score_of(lambda x: x.square().sum(1))(x).requires_grad


def test_the_score_reaches_the_energys_parameters() -> None:
    net = nn.Sequential(nn.Linear(D, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.randn(B, D)
    score_matching(score_of(lambda x: net(x)[:, 0]), x).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in list(net.parameters())[:3])
    with pytest.raises(ValueError, match=r"energy\(x\) must have shape \(5,\), got \(5, 1\)"):
        score_of(net)(x)


def test_the_trace_is_that_of_the_jacobian(device: torch.device) -> None:
    """Torch's own Jacobian; values, and gradients of the weights."""
    net = network(6).to(device)
    score = lambda x: net(x.flatten(1)).reshape(x.shape)  # noqa: E731
    x = torch.randn(B, 2, 3, device=device)
    found, expected = score_matching(score, x), expected_matching(score, x)
    torch.testing.assert_close(found, expected)
    assert not x.requires_grad
    weights = list(net.parameters())
    for one, two in zip(
        torch.autograd.grad(found.sum(), weights), torch.autograd.grad(expected.sum(), weights)
    ):
        torch.testing.assert_close(one, two)


def test_slices_have_the_trace_as_their_mean(device: torch.device, seed: int) -> None:
    net, n = network().to(device), 20_000
    x = torch.randn(B, D, device=device)
    draws = sliced_score_matching(net, x.repeat(n, 1), rng=seeded(seed, device)).reshape(n, B)
    expected = expected_matching(net, x).detach()
    assert_mean_close(draws.detach(), expected)
    assert (draws.std(0) > 0.01).all()  # there is something to average
    scales = torch.tensor([0.5, -1.0, 2.0], device=device)  # a diagonal Jacobian leaves no noise
    torch.testing.assert_close(
        sliced_score_matching(lambda x: x * scales, x),
        0.5 * (x * scales).square().sum(1) + scales.sum(),
    )


def line(std: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Points, probabilities and scores of a mixture of two Gaussians, blurred by noise of `std`."""
    x = torch.linspace(-12, 12, 6001)[:, None]
    variance = torch.tensor([0.5, 0.8]).square() + std**2
    means = torch.tensor([-1.5, 1.0])
    log_parts = (
        -0.5 * ((x - means) ** 2 / variance + variance.log()) + torch.tensor([0.4, 0.6]).log()
    )
    score = (log_parts.softmax(1) * (means - x) / variance).sum(1, keepdim=True)
    return x, log_parts.logsumexp(1).softmax(0), score


def test_matching_is_the_fisher_divergence_up_to_a_constant() -> None:
    """Quadrature on a line: integration by parts took no more than ½ E‖∇ log p‖² away."""
    x, p, target = line()
    for net in (network(1), network(1)):
        implicit = (p * score_matching(net, x)).sum()
        explicit = (p * explicit_score_matching(net, lambda _: target, x)).sum()
        constant = 0.5 * (p * target.square().sum(1)).sum()
        torch.testing.assert_close(implicit, explicit - constant)
    zero = explicit_score_matching(lambda _: target, lambda _: target, x)
    assert torch.equal(zero, torch.zeros(len(x)))
    shifted = explicit_score_matching(lambda x: x + 3.0, lambda x: x + 1.0, torch.zeros(2, 2, 3))
    torch.testing.assert_close(shifted, torch.full((2,), 12.0))


def test_denoising_matches_the_score_of_the_noisy_density(seed: int) -> None:
    """Quadrature on a line of Vincent's identity, for a score that is far from both."""
    std, n = 0.6, 400_000
    rng = seeded(seed)
    net = network(1)
    second = torch.rand(n, generator=rng) < 0.6
    centre, width = torch.where(second, 1.0, -1.5), torch.where(second, 0.8, 0.5)
    x = (centre + width * torch.randn(n, generator=rng))[:, None]
    found = denoising_score_matching(net, x, std=std, rng=rng).detach()
    y, p, target = line(std)
    distance = (p * explicit_score_matching(net, lambda _: target, y)).sum()
    constant = 0.5 / std**2 - 0.5 * (p * target.square().sum(1)).sum()
    assert_mean_close(found, (distance + constant).detach())


def test_denoising_one_point_is_exact(seed: int, device: torch.device) -> None:
    """Around a single example the noisy density is a Gaussian, whose score leaves no loss."""
    x, std = torch.randn(1, 2, 3, device=device), 0.3
    many = x.expand(B, 2, 3)
    right = lambda y: (x - y) / std**2  # noqa: E731
    found = denoising_score_matching(right, many, std=std, rng=seeded(seed, device))
    torch.testing.assert_close(found, torch.zeros(B, device=device), atol=1e-12, rtol=0)
    eps = normal(many.shape, many, seeded(seed, device))
    none = denoising_score_matching(torch.zeros_like, many, std=std, rng=seeded(seed, device))
    torch.testing.assert_close(none, 0.5 * eps.square().flatten(1).sum(1) / std**2)


def test_the_best_linear_scores_of_gaussian_data(seed: int) -> None:
    """s = −a x: every objective is lowest at 1 / variance, the denoising one at that of the sum."""
    variance, std, n = 1.7, 0.8, 200_000
    x = math.sqrt(variance) * torch.randn(n, 1, generator=seeded(seed))
    for objective, best in (
        (lambda s: score_matching(s, x), 1 / variance),
        (lambda s: sliced_score_matching(s, x, rng=seeded(seed)), 1 / variance),
        (
            lambda s: denoising_score_matching(s, x, std=std, rng=seeded(seed + 1)),
            1 / (variance + std**2),
        ),
    ):
        a = torch.full((n, 1), best, requires_grad=True)
        (slope,) = torch.autograd.grad(objective(lambda x, a=a: -a * x).sum(), a)
        assert_mean_close(slope, 0.0)
        off = torch.full((n, 1), 1.1 * best, requires_grad=True)
        (slope,) = torch.autograd.grad(objective(lambda x, a=off: -a * x).sum(), off)
        assert slope.mean() > 10 * slope.std() / math.sqrt(n)


def test_noise_has_a_size() -> None:
    with pytest.raises(ValueError, match="std must be a positive number, got 0"):
        denoising_score_matching(lambda x: x, torch.zeros(2, 3), std=0)
