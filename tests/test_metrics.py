import math

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.neighbors import NearestNeighbors

from helpers import metrics
from helpers.metrics import (
    bits_per_dimension,
    frechet_distance,
    mean_and_standard_error,
    nearest_neighbours,
)
from helpers.random import generator

# ---- means ----------------------------------------------------------------------------------


def test_mean_and_standard_error_by_scipy(seed):
    from scipy.stats import sem

    values = torch.randn(11, generator=generator(seed))
    estimate = mean_and_standard_error(values)
    assert estimate.value == pytest.approx(values.numpy().mean())
    assert estimate.standard_error == pytest.approx(sem(values.numpy()))
    value, standard_error = mean_and_standard_error(values.float())
    assert (value, standard_error) == pytest.approx(estimate, rel=1e-5)


def test_standard_error_is_the_scatter_of_the_mean(seed):
    draws = torch.rand(2000, 40, generator=generator(seed))
    variances = torch.tensor([mean_and_standard_error(row).standard_error ** 2 for row in draws])
    assert variances.mean().item() == pytest.approx(1 / 12 / 40, rel=0.03)
    assert draws.mean(1).var().item() == pytest.approx(1 / 12 / 40, rel=0.2)


def test_mean_rejects():
    with pytest.raises(ValueError, match=r"values must have shape \(N,\), got \(3, 2\): give one"):
        mean_and_standard_error(torch.zeros(3, 2))
    for n in (0, 1):
        with pytest.raises(ValueError, match=f"values must hold at least 2 values, got {n}"):
            mean_and_standard_error(torch.zeros(n))
    with pytest.raises(ValueError, match="values must be finite, got 1 NaN"):
        mean_and_standard_error(torch.tensor([0.0, math.nan]))
    with pytest.raises(TypeError, match="values must be a floating-point tensor"):
        mean_and_standard_error(torch.arange(4))


# ---- bits per dimension ---------------------------------------------------------------------


@pytest.mark.equation("eq-generative-bits")
@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("dims", [1, 5, 64])
def test_uniform_levels_need_their_number_of_bits(bits, dims):
    """Independent answer: 2^b equally likely levels are b bits, counted, not converted."""
    levels = torch.arange(2**bits)
    uniform = torch.distributions.Categorical(probs=torch.ones(2**bits))
    nll = -uniform.log_prob(levels).mean() * dims
    assert bits_per_dimension(nll, dims).item() == pytest.approx(bits)


@pytest.mark.equation("eq-generative-bits")
def test_bits_of_a_code():
    """Levels with probabilities 1/2, 1/4, 1/8, 1/8 have the prefix code 0, 10, 110, 111."""
    p = torch.tensor([0.5, 0.25, 0.125, 0.125])
    lengths = torch.tensor([1.0, 2.0, 3.0, 3.0])
    assert torch.allclose(torch.as_tensor(bits_per_dimension(-p.log(), 1)), lengths)
    first, second = torch.cartesian_prod(torch.arange(4), torch.arange(4)).T  # pairs: D = 2
    nll = -(p[first].log() + p[second].log())
    expected = (lengths[first] + lengths[second]) / 2
    assert torch.allclose(torch.as_tensor(bits_per_dimension(nll, 2)), expected)


def test_dequantised_densities_count_their_unit():
    """A density piecewise constant on the intervals of the levels is as good as its integers."""
    p = torch.tensor([0.5, 0.3, 0.1, 0.1])
    levels = torch.tensor([0, 1, 2, 3, 1])
    density = p * 4  # on [k/4, (k+1)/4]: mass p over width 1/4
    continuous = bits_per_dimension(-density[levels].log(), 1, num_levels=4)
    assert torch.allclose(continuous, bits_per_dimension(-p[levels].log(), 1))


def test_bits_keep_shape_and_type():
    assert isinstance(bits_per_dimension(3.0, 2), float)
    nll = torch.rand(3, 2, requires_grad=True)
    bits = bits_per_dimension(nll, 7)
    assert bits.shape == (3, 2)
    bits.sum().backward()
    assert torch.allclose(nll.grad, torch.full((3, 2), 1 / (7 * math.log(2))))


def test_bits_reject():
    with pytest.raises(ValueError, match="dims must be an integer of at least 1, got 0"):
        bits_per_dimension(1.0, 0)
    with pytest.raises(TypeError, match=r"dims must be an integer of at least 1, got 64\.0"):
        bits_per_dimension(1.0, 64.0)
    with pytest.raises(ValueError, match="num_levels must be an integer of at least 2, got 1"):
        bits_per_dimension(1.0, 64, num_levels=1)


# ---- Fréchet distance -----------------------------------------------------------------------


def with_moments(mean, covariance, n, seed):
    """Features (n, D) whose sample mean and covariance are exactly these."""
    x = torch.randn(n, len(mean), generator=generator(seed))
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
    g = generator(seed)
    a = torch.randn(40, 5, generator=g) @ torch.randn(5, 5, generator=g)
    b = torch.randn(31, 5, generator=g) @ torch.randn(5, 5, generator=g) + 0.5
    assert frechet_distance(a, b).value == pytest.approx(by_sqrtm(a, b), rel=1e-7)


def test_frechet_is_a_squared_metric(seed):
    g = generator(seed)
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
    g = generator(seed)
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
    a = torch.randn(50, 3, generator=generator(seed))
    b = 2 * a + 1
    assert frechet_distance(a + 1e6, b + 1e6).value == pytest.approx(
        frechet_distance(a, b).value, rel=1e-6
    )


def test_frechet_standard_error_by_the_delta_method(seed):
    """Diagonal Gaussians: the influence of a row x of set a is, with e = (x − μ_a) / s_a,
    Σ 2 (μ_a − μ_b) s_a e + (s_a² − s_a s_b)(e² − 1), so its variance is
    Σ 4 (μ_a − μ_b)² s_a² + 2 (s_a² − s_a s_b)²."""
    n, m = 4000, 3000
    g = generator(seed)
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
    g = generator(seed)
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
    a = torch.randn(5, 2, generator=generator(seed))
    assert frechet_distance(a, a + 1, groups=50) == frechet_distance(a, a + 1, groups=5)


def test_frechet_changes_nothing(seed):
    a = torch.randn(8, 2, generator=generator(seed), requires_grad=True)
    before = torch.get_rng_state()
    kept = a.detach().clone()
    frechet_distance(a, a + 1)
    assert torch.equal(a, kept)
    assert torch.equal(torch.get_rng_state(), before)


def test_frechet_rejects():
    a = torch.randn(6, 3)
    with pytest.raises(ValueError, match=r"features_b must have shape \(N, 3\), got \(6, 2\)"):
        frechet_distance(a, torch.randn(6, 2))
    with pytest.raises(ValueError, match=r"features_a must have shape \(N, D\), got \(6, 1, 3\)"):
        frechet_distance(a[:, None], a)
    with pytest.raises(ValueError, match="features_b must have at least 4 rows, got 3"):
        frechet_distance(a, a[:3])
    with pytest.raises(ValueError, match="features_a must have at least one feature"):
        frechet_distance(a[:, :0], a)
    with pytest.raises(ValueError, match="features_a must be finite, got 18 NaN"):
        frechet_distance(a * math.nan, a)
    with pytest.raises(TypeError, match="features_a must be a floating-point tensor"):
        frechet_distance(a.long(), a)
    with pytest.raises(ValueError, match="groups must be an integer of at least 2, got 1"):
        frechet_distance(a, a, groups=1)


# ---- nearest neighbours ---------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("chunk", [1, 50, metrics.CHUNK])
def test_nearest_neighbours_by_scikit_learn(k, chunk, seed, device, monkeypatch):
    monkeypatch.setattr(metrics, "CHUNK", chunk)
    g = generator(seed)
    x, reference = torch.randn(7, 2, 3, generator=g), torch.randn(29, 2, 3, generator=g)
    distances, rows = nearest_neighbours(x.to(device), reference.to(device), k)
    oracle = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(reference.flatten(1).numpy())
    expected_distances, expected_rows = oracle.kneighbors(x.flatten(1).numpy())
    assert np.array_equal(rows.cpu().numpy(), expected_rows)
    assert np.allclose(distances.cpu().numpy(), expected_distances, rtol=1e-12)
    assert distances.device == rows.device
    assert rows.dtype == torch.int64


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_copies_are_found_at_distance_zero(dtype, offset, seed):
    g = generator(seed)
    reference = (torch.randn(50, 6, generator=g) + offset).to(dtype)
    order = torch.randperm(50, generator=g)
    reference = reference.unique(dim=0)  # half precision may make two rows equal
    order = order[order < len(reference)]
    distances, rows = nearest_neighbours(reference[order], reference)
    assert torch.equal(rows[:, 0], order)
    assert torch.equal(distances, torch.zeros(len(order), 1, dtype=dtype))


def test_small_differences_far_from_the_origin(seed):
    """Expanding the square without centring would lose these differences."""
    reference = 1e7 + torch.arange(20.0)[:, None] * torch.tensor([1e-3, 0.0])
    x = reference[[3, 11]] + torch.tensor([2e-4, 0.0])
    distances, rows = nearest_neighbours(x, reference, 3)
    assert rows.tolist() == [[3, 4, 2], [11, 12, 10]]
    assert torch.allclose(distances[0], torch.tensor([2e-4, 8e-4, 12e-4]), rtol=1e-4)


def test_all_neighbours_are_all_rows_in_order(seed):
    g = generator(seed)
    x, reference = torch.randn(1, 2, generator=g), torch.randn(9, 2, generator=g)
    distances, rows = nearest_neighbours(x, reference, 9)
    assert rows[0].sort().values.tolist() == list(range(9))
    assert (distances[0].diff() >= 0).all()
    assert torch.allclose(distances[0], (x - reference[rows[0]]).norm(dim=1))


def test_kept_rows_are_ordered_by_their_exact_distances(seed):
    """An outlier makes the ranking coarser than the distances: they must still be in order."""
    x = torch.tensor([[0.25]])
    near = torch.randperm(20, generator=generator(seed))[:, None] * 1e-3
    reference = torch.cat([near, torch.tensor([[1e9]])])
    distances, rows = nearest_neighbours(x, reference, 21)
    assert (distances[0].diff() > 0).all()
    assert torch.equal(distances[0], (x - reference[rows[0]]).norm(dim=1))


def test_nearest_neighbours_reject():
    x, reference = torch.zeros(2, 3), torch.zeros(5, 3)
    with pytest.raises(ValueError, match=r"x must have shape \(N, 4\), got \(2, 3\): match"):
        nearest_neighbours(x, torch.zeros(5, 4))
    with pytest.raises(ValueError, match=r"x must have shape \(N, \.\.\.\) with .* got \(0, 3\)"):
        nearest_neighbours(x[:0], reference)
    with pytest.raises(ValueError, match=r"reference must have shape \(N, \.\.\.\).* got \(5,\)"):
        nearest_neighbours(x, reference[:, 0])
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        nearest_neighbours(x, reference, 0)
    with pytest.raises(ValueError, match="k must be at most 5, the rows of reference, got 6"):
        nearest_neighbours(x, reference, 6)
    with pytest.raises(ValueError, match="reference must be finite, got 15 NaN"):
        nearest_neighbours(x, reference * math.nan)
    with pytest.raises(TypeError, match="x must be a floating-point tensor"):
        nearest_neighbours(x.long(), reference)
