"""Measures of disentanglement against codes whose score is known."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from helpers.metrics import dci, disentanglement_and_completeness, mutual_information_gap
from helpers.random import seeded


def grid(*sizes: int) -> torch.Tensor:
    """Each combination of whole numbers below the sizes once: exactly independent columns."""
    ranges = [torch.arange(float(size)) for size in sizes]
    return torch.cartesian_prod(*ranges)


def draw(n: int, seed: int) -> torch.Tensor:
    """Two continuous factors and one with four classes, independent."""
    g = seeded(seed)
    numbers = torch.rand(n, 2, generator=g)
    return torch.cat([numbers, torch.randint(4, (n, 1), generator=g)], 1)


def noise(n: int, columns: int, seed: int) -> torch.Tensor:
    return torch.randn(n, columns, generator=seeded(seed + 1000))


def test_information_is_that_of_the_frequencies(seed):
    """scikit-learn's mutual information of discrete columns, with Miller's corrections by hand."""
    g = seeded(seed)
    z = torch.randint(5, (300, 3), generator=g).double()
    v = ((z[:, :2] + torch.randint(3, (300, 2), generator=g)) % 5).double()
    found = mutual_information_gap(z, v)
    for j, k in np.ndindex(3, 2):
        cells = [len(np.unique(x, axis=0)) for x in (z[:, j], v[:, k], np.c_[z[:, j], v[:, k]])]
        correction = (cells[0] + cells[1] - cells[2] - 1) / 600
        expected = mutual_info_score(z[:, j], v[:, k]) + correction
        assert found.information[j, k].item() == pytest.approx(max(expected, 0), abs=1e-12)
    for k in range(2):
        h = entropy(np.unique(v[:, k], return_counts=True)[1]) + 4 / 600
        top, second = sorted(found.information[:, k].tolist())[:0:-1]
        assert found.gaps[k].item() == pytest.approx((top - second) / h)
    assert found.gap.value == pytest.approx(found.gaps.mean().item())


def test_aligned_codes_have_the_gap_one(seed):
    factors = grid(4, 5, 6)
    extra = torch.zeros(120, 1)  # a collapsed variable
    found = mutual_information_gap(torch.cat([2 - factors, extra], 1), factors)
    assert found.information[3].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.gap == pytest.approx((1, 0), abs=1e-9)
    many = draw(4000, seed)
    value, error = mutual_information_gap(torch.cat([many[:, :2].exp(), many[:, 2:]], 1), many).gap
    assert abs(value - 1) < 0.03
    assert error < 0.01


def test_a_code_with_a_known_share_of_the_information_has_the_known_gap():
    """The first variable has two bits of each factor's three, the second one: gap 1/3."""
    v = grid(8, 8).repeat(50, 1)
    z = torch.cat([v // 2, v % 2], 1)
    found = mutual_information_gap(z, v)
    assert found.information[:2].diagonal().tolist() == pytest.approx(
        [2 * math.log(2)] * 2, abs=0.01
    )
    assert found.information[2:].diagonal().tolist() == pytest.approx([math.log(2)] * 2, abs=0.01)
    assert found.gap.value == pytest.approx(1 / 3, abs=0.01)


def test_rotated_codes_and_noise_have_gaps_near_zero(seed):
    n = 4000
    v = noise(n, 2, seed)
    rotated = v @ (torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / math.sqrt(2))
    found = mutual_information_gap(rotated, v)
    assert (found.information > 0.2).all()  # −log(1 − 1/2)/2 is 0.35 before it is binned
    assert found.gap.value < 5 * max(found.gap.standard_error, 0.01)
    nothing = mutual_information_gap(noise(n, 5, seed + 1), v)
    assert nothing.gap.value < 0.02
    assert nothing.information.abs().max() < 0.03  # a plug-in estimate would be 19² / 2N = 0.045


def test_duplicated_variables_close_the_gap(seed):
    v = draw(1000, seed)
    assert mutual_information_gap(torch.cat([v, v], 1), v).gap.value == pytest.approx(0, abs=1e-12)


def test_names_order_signs_and_monotone_maps_change_nothing(seed):
    v = draw(1000, seed)  # divisible by the bins, so that they are symmetric
    z = v + 0.2 * noise(1000, 3, seed)
    base = mutual_information_gap(z, v)
    order, factors = torch.tensor([2, 0, 1]), torch.tensor([1, 2, 0])
    other = mutual_information_gap(-z[:, order].exp(), v[:, factors])
    torch.testing.assert_close(other.information, base.information[order][:, factors])
    torch.testing.assert_close(other.gaps, base.gaps[factors])
    assert other.gap == pytest.approx(base.gap)


def test_the_standard_error_is_the_spread_of_repetitions(seed):
    found = []
    for i in range(60):
        v = draw(600, 100 * seed + i)
        z = v + torch.tensor([0.1, 0.2, 0.4]) * noise(600, 3, 100 * seed + i)
        found.append(mutual_information_gap(z, v, bins=8).gap)
    values, errors = np.array(found).T
    assert 0.6 < errors.mean() / values.std(ddof=1) < 1.6


def test_the_closed_form_on_matrices(seed):
    """scipy's entropies, one row after the other, as the definition is written."""
    r = torch.rand(5, 3, generator=seeded(seed))
    r[2] = 0
    found = disentanglement_and_completeness(r)
    for matrix, value in zip((r.numpy(), r.T.numpy()), found):
        base = matrix.shape[1]
        rows = [(row.sum() / matrix.sum(), row) for row in matrix if row.sum()]
        expected = sum(weight * (1 - entropy(row, base=base)) for weight, row in rows)
        assert value == pytest.approx(expected)
    assert disentanglement_and_completeness(torch.ones(4, 3)) == pytest.approx((0, 0), abs=1e-12)
    twice = torch.eye(3).repeat(2, 1)  # two variables for each factor
    completeness = 1 - math.log(2) / math.log(6)
    assert disentanglement_and_completeness(twice) == pytest.approx((1, completeness))
    assert disentanglement_and_completeness(twice.T) == pytest.approx((completeness, 1))


def test_forests_find_which_variable_has_which_factor(seed):
    v = draw(600, seed)
    order = torch.tensor([2, 0, 1])
    z = torch.cat([-v[:, order], noise(600, 1, seed)], 1)
    found = dci(z, v, rng=seeded(seed))
    assert found.importance.shape == (4, 3)
    torch.testing.assert_close(found.importance.sum(0), torch.ones(3))
    assert (found.importance[torch.arange(3), order] > 0.97).all()
    assert min(found.disentanglement, found.completeness) > 0.9
    assert (found.informativeness > 0.97).all()
    assert found[:2] == disentanglement_and_completeness(found.importance)


def test_forests_on_rotated_codes_and_noise(seed):
    v = noise(600, 2, seed)
    rotated = v @ (torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / math.sqrt(2))
    found = dci(rotated, v, rng=seeded(seed))
    assert max(found.disentanglement, found.completeness) < 0.1
    assert (found.informativeness > 0.8).all()
    nothing = dci(noise(600, 2, seed + 1), v, rng=seeded(seed))
    assert max(nothing.disentanglement, nothing.completeness) < 0.1
    assert (nothing.informativeness < 0.2).all()


def test_forests_obey_their_generator(seed):
    v = draw(100, seed)
    z, before = v + noise(100, 3, seed), torch.get_rng_state()
    first, again = (dci(z, v, rng=seeded(seed)).importance for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, dci(z, v, rng=seeded(seed + 1)).importance)
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_input():
    z, v = torch.rand(30, 3), torch.rand(30, 2)
    with pytest.raises(ValueError, match=r"z\.shape\[1\] must be an integer of at least 2, got 1"):
        mutual_information_gap(z[:, :1], v)
    with pytest.raises(
        ValueError, match=r"factors must have shape \(30, K\), got \(29, 2\): a row"
    ):
        dci(z, v[1:])
    with pytest.raises(ValueError, match=r"len\(z\) must be an integer of at least 40, got 30"):
        dci(z, v)
    with pytest.raises(ValueError, match=r"factors must all vary, got constant columns \[1\]"):
        mutual_information_gap(z, v * torch.tensor([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"len\(z\) must be an integer of at least 40, got 30"):
        mutual_information_gap(z, v, bins=40)
    with pytest.raises(ValueError, match="K must be an integer of at least 2, got 1"):
        disentanglement_and_completeness(torch.ones(3, 1))
    with pytest.raises(ValueError, match="importance must lie in"):
        disentanglement_and_completeness(-torch.ones(3, 2))


def test_a_collapsed_code_corresponds_to_nothing(seed: int) -> None:
    """Codes that are the same for all examples let no tree split: both scores are 0."""
    factors = torch.rand(60, 3, generator=torch.Generator().manual_seed(seed))
    found = dci(torch.full((60, 2), 0.7), factors, rng=torch.Generator().manual_seed(seed))
    assert (found.disentanglement, found.completeness) == (0.0, 0.0)
