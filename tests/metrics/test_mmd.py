"""The maximum mean discrepancy against loops and the closed form for normal distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial import distance

from helpers.metrics import distances, mmd
from helpers.random import seeded
from tests.printed import tex


def by_loops(x: np.ndarray, y: np.ndarray, widths: tuple[float, ...]) -> float:
    """Sums over all pairs of different rows, as the expectation is written."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.exp(-((a - b) ** 2).mean() / (2 * h * h)) for h in widths]))

    n = len(x)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    total = sum(k(x[i], x[j]) + k(y[i], y[j]) - 2 * k(x[i], y[j]) for i, j in pairs)
    return total / len(pairs)


def normal_kernel_mean(distance: float, variance: float, width: float) -> float:
    """Mean of exp(−u²/2h²) for u ~ N(distance, variance)."""
    total = width**2 + variance
    return width / math.sqrt(total) * math.exp(-(distance**2) / (2 * total))


def test_mmd_is_the_sum_over_pairs(seed: int, device: torch.device) -> None:
    """Loops over all pairs; a jackknife that really leaves each pair out."""
    g = seeded(seed)
    x, y = torch.randn(9, 3, generator=g), 1.5 * torch.randn(9, 3, generator=g) + 0.4
    widths = (0.5, 2.0)
    value, error = mmd(x.to(device), y.to(device), widths=widths)
    a, b = x.double().numpy(), y.double().numpy()
    assert value == pytest.approx(by_loops(a, b, widths), abs=1e-10)
    keep = [np.arange(9) != i for i in range(9)]
    left_out = np.array([by_loops(a[k], b[k], widths) for k in keep])
    assert error == pytest.approx(math.sqrt(8 / 9 * ((left_out - left_out.mean()) ** 2).sum()))


@pytest.mark.equation("eq-hybrids-mmd")
def test_mmd_is_the_printed_mean_over_pairs(seed: int) -> None:
    """The printed kernel and means against the metric and, for the kernel, scipy's distances."""
    x, y = torch.randn(2, 9, 3, generator=seeded(seed), dtype=torch.float64).numpy()
    y = 1.5 * y + 0.4
    kernel = tex("eq-hybrids-mmd", statement=1)

    def k(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([kernel(L=3, a=u, b=v, h=0.7) for u, v in zip(a, b, strict=True)])

    apart = distance.cdist(x, y, "seuclidean", V=np.full(3, 3 * 0.7**2))
    assert k(x, y) == pytest.approx(np.exp(-(np.diag(apart) ** 2) / 2))
    first, second = np.nonzero(~np.eye(9, dtype=bool))  # no point is compared with itself
    printed = tex("eq-hybrids-mmd")(
        {"z'": x[second], "v'": y[first]}, E=np.mean, k=k, z=x[first], v=y[second]
    )
    found = mmd(torch.tensor(x), torch.tensor(y), widths=(0.7,)).value
    assert found == pytest.approx(printed, abs=1e-10)


def test_mmd_has_the_mean_of_the_closed_form(seed: int) -> None:
    g, h, shift, std = seeded(seed), 0.8, 0.7, 1.6
    expected = (
        normal_kernel_mean(0, 2, h)
        + normal_kernel_mean(0, 2 * std**2, h)
        - 2 * normal_kernel_mean(shift, 1 + std**2, h)
    )
    found = []
    for _ in range(300):
        x, y = torch.randn(2, 20, 1, generator=g)
        found.append(mmd(x, shift + std * y, widths=(h,)))
    values = np.array([estimate.value for estimate in found])
    spread = values.std(ddof=1)
    assert abs(values.mean() - expected) < 5 * spread / math.sqrt(300)
    errors = np.array([estimate.standard_error for estimate in found])
    assert 0.7 < errors.mean() / spread < 1.6  # a jackknife: somewhat too large at 20 rows


def test_equal_distributions_have_the_mean_zero(seed: int) -> None:
    g = seeded(seed)
    found = []
    for _ in range(300):
        x, y = torch.randn(2, 15, 2, generator=g)
        found.append(mmd(x, y))
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean()) < 5 * values.std(ddof=1) / math.sqrt(300)
    assert values.min() < 0
    errors = np.array([estimate.standard_error for estimate in found])
    assert errors.mean() > values.std(ddof=1)  # too large rather than too small


@pytest.mark.parametrize("chunk", [1, 40, 200])
def test_blocks_change_nothing(chunk: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = torch.randn(2, 17, 3, generator=seeded(seed))
    whole = mmd(x, y, widths=(0.5, 2.0))
    monkeypatch.setattr(distances, "CHUNK", chunk)
    assert mmd(x, y, widths=(0.5, 2.0)) == pytest.approx(whole, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("n", [20, 40])
def test_a_shift_of_both_sets_changes_nothing(n: int, seed: int) -> None:
    """Points on a grid of 256ths, which a shift by 1e8 does not round."""
    x, y = (256 * torch.randn(2, n, 2, generator=seeded(seed))).round() / 256
    assert mmd(x + 1e8, y + 1e8) == pytest.approx(mmd(x, y), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("y", "widths", "match"),
    [
        (torch.zeros(6, 2), (1.0,), r"y must have shape \(5, 2\), got \(6, 2\): both sets"),
        (torch.zeros(2, 2), (1.0,), r"len\(y\) must be an integer of at least 3, got 2"),
        (torch.zeros(5, 2), (), "the smallest width must be a positive number"),
        (torch.zeros(5, 2), (1.0, 0.0), "the smallest width must be a positive number"),
    ],
)
def test_bad_points_are_named(y: torch.Tensor, widths: tuple[float, ...], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mmd(torch.randn(5, 2), y, widths=widths)
