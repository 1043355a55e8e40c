import math

import pytest
import torch
from scipy.stats import chi2, entropy

from helpers.data.toy import Grid, Ring
from helpers.metrics import high_quality_ceiling, mode_coverage, reverse_kl, reverse_kl_floor
from helpers.random import seeded


@pytest.mark.parametrize("truth", [Ring(), Grid(spacing=2.0)])
def test_perfect_samples_reach_ceiling_and_floor(truth, seed):
    n = 20_000
    x = truth.sample(n, rng=seeded(seed))
    covered, high_quality, counts, nearest = mode_coverage(x, truth.means, truth.std)
    ceiling = high_quality_ceiling()
    assert covered == len(truth.means)
    assert abs(high_quality.value - ceiling) < 5 * high_quality.standard_error
    expected = math.sqrt(ceiling * (1 - ceiling) / n)
    assert high_quality.standard_error == pytest.approx(expected, rel=0.2)
    assert counts.sum() == round(high_quality.value * n)
    assert nearest.sum() == n
    divergence = reverse_kl(nearest)
    floor = reverse_kl_floor(n, len(truth.means))
    assert abs(divergence.value - floor) < 6 * divergence.standard_error


@pytest.mark.parametrize("dims", [1, 2, 5])
@pytest.mark.parametrize("radius", [0.5, 3.0])
def test_the_ceiling_is_a_chi_squared_probability(dims, radius):
    assert high_quality_ceiling(radius, dims) == pytest.approx(chi2.cdf(radius**2, dims))


@pytest.mark.equation("eq-gan-ceiling", frozen="157d3d85")
def test_the_ceiling_in_the_plane(seed):
    """Independent answer: counting normal draws inside the circle, and 98.89 % as published."""
    inside = torch.randn(400_000, 2, generator=seeded(seed)).norm(dim=1) <= 3
    error = math.sqrt(0.9889 * 0.0111 / len(inside))
    assert abs(inside.double().mean().item() - (1 - math.exp(-4.5))) < 5 * error
    assert high_quality_ceiling() == pytest.approx(1 - math.exp(-4.5), rel=1e-12)
    assert round(100 * high_quality_ceiling(), 2) == 98.89


def test_coverage_by_hand(device):
    means = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], device=device)
    x = torch.tensor([[0.0, 0.29], [0.0, -0.31], [1.2, 0.0], [0.9, 0.1], [0.5, 1.9]], device=device)
    covered, high_quality, counts, nearest = mode_coverage(x, means, 0.1)
    assert (covered, high_quality.value) == (2, 0.6)
    assert counts.tolist() == [1, 2, 0]
    assert nearest.tolist() == [2, 2, 1]
    assert mode_coverage(x, means, 0.1, radius=6.0).covered == 3
    assert mode_coverage(x, means, 0.2).covered == 3


def test_reverse_kl_by_scipy(seed):
    counts = torch.randint(0, 50, (7,), generator=seeded(seed)) + torch.tensor([1] + [0] * 6)
    q = counts.numpy() / counts.sum().item()
    assert reverse_kl(counts).value == pytest.approx(entropy(q, [1 / 7] * 7))
    assert reverse_kl(torch.tensor([9, 0, 0])).value == pytest.approx(math.log(3))
    assert reverse_kl(torch.tensor([4, 4, 4])).value == 0


@pytest.mark.parametrize("p", [[0.25] * 4, [0.4, 0.3, 0.2, 0.1]])
def test_reverse_kl_standard_error_is_the_scatter(p, seed):
    n, repeats = 500, 1000
    draws = torch.multinomial(
        torch.tensor(p).expand(repeats, 4), n, replacement=True, generator=seeded(seed)
    )
    estimates = [reverse_kl(torch.bincount(row, minlength=4)) for row in draws]
    values = torch.tensor([estimate.value for estimate in estimates])
    stated = torch.tensor([estimate.standard_error**2 for estimate in estimates]).mean()
    assert 0.7 < (stated / values.var()).item() < 1.9
    truth = entropy(p, [0.25] * 4) + reverse_kl_floor(n, 4)
    assert abs(values.mean().item() - truth) < 5 * values.std().item() / math.sqrt(repeats) + 1e-4


def test_a_shift_of_samples_and_modes_changes_nothing(seed):
    truth = Grid(spacing=2.0)
    x = truth.sample(2000, rng=seeded(seed))
    plain = mode_coverage(x, truth.means, truth.std)
    moved = mode_coverage(x + 1e6, truth.means + 1e6, truth.std)
    assert torch.equal(moved.nearest, plain.nearest)
    assert (moved.counts - plain.counts).abs().sum() <= 1  # one may lie on the circle


def test_bad_modes_and_counts_are_named():
    with pytest.raises(ValueError, match=r"reference must have shape \(N, 3\), got \(3, 2\)"):
        mode_coverage(torch.zeros(4, 3), torch.zeros(3, 2), 0.1)
    with pytest.raises(ValueError, match="std must be a positive number, got 0"):
        mode_coverage(torch.zeros(1, 2), torch.zeros(3, 2), 0.0)
    with pytest.raises(ValueError, match=r"counts.sum\(\) must be an integer of at least 1, got 0"):
        reverse_kl(torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="counts must lie in"):
        reverse_kl(torch.tensor([3, -1]))
