import math

import numpy as np
import pytest
import scipy.linalg
import torch

from helpers.metrics import frechet_distance
from helpers.random import seeded


def with_moments(mean, covariance, n, seed):
    """Features (n, D) whose sample mean and covariance are exactly these."""
    x = torch.randn(n, len(mean), generator=seeded(seed))
    x = x - x.mean(0)
    whiten = torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (n - 1)))
    return x @ whiten.T @ torch.linalg.cholesky(covariance).T + mean


def by_sqrtm(a, b):
    """The textbook formula with a general matrix square root."""
    a, b = a.numpy(), b.numpy()
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b)
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root).real


def test_frechet_in_closed_form_for_diagonal_covariances(seed, device):
    """|μ_a − μ_b|² + Σ (s_a − s_b)²."""
    mean_a, mean_b = torch.tensor([1.0, 0.0, -2.0]), torch.tensor([0.5, 0.25, 1.0])
    std_a, std_b = torch.tensor([1.0, 0.5, 3.0]), torch.tensor([2.0, 0.125, 0.75])
    a = with_moments(mean_a, torch.diag(std_a**2), 17, seed).to(device)
    b = with_moments(mean_b, torch.diag(std_b**2), 23, seed + 1).to(device)
    expected = ((mean_a - mean_b) ** 2).sum() + ((std_a - std_b) ** 2).sum()
    assert frechet_distance(a, b).value == pytest.approx(expected.item(), rel=1e-9)


def test_frechet_by_the_matrix_square_root(seed):
    g = seeded(seed)
    a = torch.randn(40, 5, generator=g) @ torch.randn(5, 5, generator=g)
    b = torch.randn(31, 5, generator=g) @ torch.randn(5, 5, generator=g) + 0.5
    assert frechet_distance(a, b).value == pytest.approx(by_sqrtm(a, b), rel=1e-7)


def test_frechet_is_a_squared_metric(seed):
    g = seeded(seed)
    a, b, c = (torch.randn(n, 4, generator=g) @ torch.randn(4, 4, generator=g) for n in (9, 13, 11))
    assert frechet_distance(a, a).value == pytest.approx(0, abs=1e-12)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    ab, bc, ac = (frechet_distance(x, y).value ** 0.5 for x, y in ((a, b), (b, c), (a, c)))
    assert ac <= ab + bc
    shift = torch.tensor([1.0, -2.0, 0.5, 3.0])
    assert frechet_distance(a, a + shift).value == pytest.approx((shift**2).sum().item())
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=g)).Q
    turned = frechet_distance(a @ rotation, b @ rotation)
    assert turned == pytest.approx(frechet_distance(a, b))
    scaled = frechet_distance(3 * a, 3 * b)
    assert scaled == pytest.approx([9 * part for part in frechet_distance(a, b)])


def test_frechet_of_rank_deficient_covariances(seed):
    """Fewer rows than features, constant features, copies of a feature: real and exact."""
    g = seeded(seed)
    few = torch.randn(6, 20, generator=g)
    assert frechet_distance(few, few).value == pytest.approx(0, abs=1e-12)
    assert frechet_distance(few, 2 * few - few.mean(0)).value == pytest.approx(
        few.var(0).sum().item()  # same mean, standard deviations twice as large
    )
    a = torch.randn(30, 3, generator=g)
    b = torch.randn(25, 3, generator=g) + 1
    plain = frechet_distance(a, b)
    constant = [torch.cat([x, torch.full((len(x), 2), 7.0)], 1) for x in (a, b)]
    assert frechet_distance(*constant) == pytest.approx(plain)
    twice = [torch.cat([x, x], 1) for x in (a, b)]
    assert frechet_distance(*twice).value == pytest.approx(2 * plain.value)
    points = [torch.ones(5, 3), torch.full((4, 3), 3.0)]
    assert frechet_distance(*points) == pytest.approx((12.0, 0.0))


def test_frechet_survives_a_large_offset(seed):
    a = torch.randn(50, 3, generator=seeded(seed))
    b = 2 * a + 1
    for offset in (1e6, 1e10):
        found = frechet_distance(a + offset, b + offset)
        assert found == pytest.approx(frechet_distance(a, b), rel=1e-15 * offset)


def test_frechet_standard_error_by_the_delta_method(seed):
    """Diagonal Gaussians: the influence of a row x of set a is, with e = (x − μ_a) / s_a,
    Σ 2 (μ_a − μ_b) s_a e + (s_a² − s_a s_b)(e² − 1), so its variance is
    Σ 4 (μ_a − μ_b)² s_a² + 2 (s_a² − s_a s_b)²."""
    n, m = 4000, 3000
    g = seeded(seed)
    delta = torch.tensor([0.5, -0.3])
    std_a, std_b = torch.tensor([1.0, 2.0]), torch.tensor([1.5, 0.5])

    def influence(std, other):
        return (4 * delta**2 * std**2 + 2 * (std**2 - std * other) ** 2).sum().item()

    expected = math.sqrt(influence(std_a, std_b) / n + influence(std_b, std_a) / m)
    errors = []
    for _ in range(12):
        a = delta + std_a * torch.randn(n, 2, generator=g)
        b = std_b * torch.randn(m, 2, generator=g)
        errors.append(frechet_distance(a, b).standard_error ** 2)
    # Each squared error has about 2 × 19 degrees of freedom, 12 of them 456: 6.6 % each.
    assert math.sqrt(np.mean(errors)) == pytest.approx(expected, rel=5 * 0.066 / 2)


def test_frechet_standard_error_is_the_scatter(seed):
    g = seeded(seed)
    estimates = [
        frechet_distance(
            torch.randn(60, 2, generator=g), 1.5 * torch.randn(80, 2, generator=g) + 0.5, groups=9
        )
        for _ in range(300)
    ]
    scatter = np.var([estimate.value for estimate in estimates])
    stated = np.mean([estimate.standard_error**2 for estimate in estimates])
    assert 0.6 < stated / scatter < 1.6


def test_frechet_uses_no_more_groups_than_rows(seed):
    a = torch.randn(5, 2, generator=seeded(seed))
    assert frechet_distance(a, a + 1, groups=50) == frechet_distance(a, a + 1, groups=5)


def test_frechet_changes_nothing(seed):
    a = torch.randn(8, 2, generator=seeded(seed), requires_grad=True)
    before = torch.get_rng_state()
    kept = a.detach().clone()
    frechet_distance(a, a + 1)
    assert torch.equal(a, kept)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_sample_is_at_no_distance_from_itself_and_rounding_makes_none_negative(seed):
    for i in range(20):
        x = 1 + torch.randn(12, 5, generator=seeded(100 * seed + i))
        value = frechet_distance(x, x.clone()).value
        assert 0 <= value < 1e-12
