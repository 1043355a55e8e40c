import math

import pytest
import torch
from scipy import stats

from helpers.data.toy import EightGaussians, Grid, IsotropicMixture, Ring, TwoMoons
from helpers.random import seeded
from tests.statistics import assert_mean_close

DENSITIES = {
    "ring": Ring(),
    "wide ring": Ring(modes=5, radius=1.5, std=0.4),
    "grid": Grid(side=3, spacing=1.5, std=0.2),
    "two moons": TwoMoons(),
    "eight Gaussians": EightGaussians(),
}


@pytest.fixture(params=DENSITIES)
def density(request):
    return DENSITIES[request.param]


def midpoints(limits, cells: int, fine: int):
    """Points (cells, cells, fine², 2) in the middle of `fine`² parts of each cell, and the area."""
    left, right, bottom, top = limits
    u = (torch.arange(cells * fine) + 0.5) / (cells * fine)
    xs, ys = left + (right - left) * u, bottom + (top - bottom) * u
    points = torch.cartesian_prod(xs, ys).reshape(cells, fine, cells, fine, 2)
    area = (right - left) * (top - bottom) / (cells * fine) ** 2
    return points.permute(0, 2, 1, 3, 4).reshape(cells, cells, fine**2, 2), area


def resolution(density) -> int:
    """Steps of half a standard deviation along each axis."""
    left, right, bottom, top = density.limits
    return math.ceil(2 * max(right - left, top - bottom) / density.std)


def cell_masses(density, cells: int) -> torch.Tensor:
    """The probability of each cell of a grid over the limits, by quadrature of exp(log_prob)."""
    points, area = midpoints(density.limits, cells, math.ceil(resolution(density) / cells))
    rows = [density.log_prob(row.reshape(-1, 2)).exp().reshape(cells, -1).sum(1) for row in points]
    return torch.stack(rows) * area


def test_densities_integrate_to_one(density):
    # 6 standard deviations leave less than 1e-7 of the mass outside the limits.
    assert cell_masses(density, cells=10).sum().item() == pytest.approx(1, abs=1e-6)


def test_samples_follow_the_density(density, seed):
    """Cell frequencies within 5 standard errors, and a chi-square over all cells."""
    n, cells = 40_000, 10
    x = density.sample(n, rng=seeded(seed))
    left, right, bottom, top = density.limits
    scale = torch.tensor([right - left, top - bottom])
    cell = ((x - torch.tensor([left, bottom])) / scale * cells).floor().long()
    inside = ((cell >= 0) & (cell < cells)).all(1)
    assert inside.sum() >= n - 1
    code = cell[inside] @ torch.tensor([cells, 1])
    counts = torch.bincount(code, minlength=cells**2).double()
    expected = n * cell_masses(density, cells).reshape(-1)
    # Cells with few expected draws have no normal distribution: they are judged together, with
    # 25 draws of room for the case that even together they are few.
    many = expected >= 300
    rest, rest_expected = n - counts[many].sum(), (n - expected[many].sum()).clamp(min=0)
    assert (rest - rest_expected).abs() <= 5 * rest_expected.sqrt() + 25
    if rest_expected >= 300:
        counts = torch.cat([counts[many], rest[None]])
        expected = torch.cat([expected[many], rest_expected[None]])
    else:
        counts, expected = counts[many], expected[many]
    assert ((counts - expected).abs() <= 5 * (expected * (1 - expected / n)).sqrt()).all()
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    assert stats.chi2.sf(chi_square, len(counts) - 1) > 1e-7


def test_entropy_agrees_with_monte_carlo(density, seed):
    surprise = -density.log_prob(density.sample(20_000, rng=seeded(seed)))
    assert_mean_close(surprise, density.entropy())


def test_entropy_in_closed_form():
    one = math.log(2 * math.pi * math.e * 0.3**2)
    single = IsotropicMixture(torch.tensor([[2.0, -1.0]]), std=0.3)
    assert single.entropy() == pytest.approx(one, abs=1e-9)
    # Modes so far apart that the entropies add: that of the mode and that of its place.
    far = Ring(modes=7, radius=10, std=0.3)
    assert far.entropy() == pytest.approx(math.log(7) + one, abs=1e-9)


def test_log_prob_is_the_mixture_by_scipy():
    mixture = TwoMoons(links=6, std=0.3)
    x = torch.randn(5, 2)
    components = [
        stats.multivariate_normal(mean.numpy(), 0.3**2).pdf(x.numpy()) for mean in mixture.means
    ]
    expected = torch.tensor(sum(components) / 12).log()
    assert torch.allclose(mixture.log_prob(x), expected, rtol=1e-12)


def test_places_of_the_modes():
    ring = Ring(modes=6, radius=2.5)
    assert torch.allclose(ring.means.norm(dim=1), torch.tensor(2.5))
    assert torch.allclose(ring.means.sum(0), torch.zeros(2), atol=1e-12)
    assert torch.pdist(ring.means).min().item() == pytest.approx(2.5)  # a hexagon
    grid = Grid(side=4, spacing=0.5)
    assert grid.means.shape == (16, 2)
    assert torch.allclose(grid.means.mean(0), torch.zeros(2), atol=1e-12)
    assert torch.pdist(grid.means).min().item() == pytest.approx(0.5)
    assert Grid(side=1).means.tolist() == [[0.0, 0.0]]
    eight = EightGaussians()
    assert torch.allclose(eight.means.norm(dim=1), torch.tensor(4 / math.sqrt(2)))
    assert eight.entropy() == pytest.approx(2.8316, abs=1e-4)
    upper, lower = TwoMoons(links=9).means.split(9)
    assert torch.allclose(upper.norm(dim=1), torch.tensor(1.0))
    assert (upper[:, 1] >= 0).all()
    assert torch.allclose((lower - torch.tensor([1.0, 0.5])).norm(dim=1), torch.tensor(1.0))
    assert (lower[:, 1] <= 0.5).all()


def test_sampling_obeys_its_generator_alone(density, seed):
    before = torch.get_rng_state()
    first = density.sample(6, rng=seeded(seed))
    assert first.shape == (6, 2)
    assert first.dtype == torch.float64
    assert torch.equal(density.sample(6, rng=seeded(seed)), first)
    assert not torch.equal(density.sample(6, rng=seeded(seed + 1)), first)
    assert torch.equal(torch.get_rng_state(), before)
    density.sample(1)  # without a generator the global one is used
    assert not torch.equal(torch.get_rng_state(), before)


def test_devices_and_dtypes(density, seed, device):
    x = density.sample(7, rng=seeded(seed, device))
    assert x.device.type == device.type
    log_p = density.log_prob(x)
    assert log_p.shape == (7,)
    assert log_p.device == x.device
    assert torch.allclose(log_p.cpu(), density.log_prob(x.cpu()))
    assert density.log_prob(x.float()).dtype == torch.float32


def test_gradient_of_a_mixture_is_its_score(seed):
    """One Gaussian: ∇ log p = (m − x) / s²."""
    mixture = IsotropicMixture(torch.tensor([[0.5, -1.0]]), std=0.7)
    x = torch.randn(5, 2, generator=seeded(seed)).requires_grad_()
    (score,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    assert torch.allclose(score, (torch.tensor([0.5, -1.0]) - x) / 0.7**2)


def test_bad_input(density):
    with pytest.raises(ValueError, match=r"x must have shape \(B, 2\), got \(4, 3\)"):
        density.log_prob(torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Ring(modes=0), "means must hold at least one example"),
        (lambda: Ring(std=0), "std must be a positive number, got 0"),
        (lambda: IsotropicMixture(torch.zeros(3), 1), r"means must have shape \(K, 2\), got \(3,"),
    ],
)
def test_bad_constructions(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
