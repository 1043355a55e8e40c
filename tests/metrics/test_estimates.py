import math

import pytest
import torch

from helpers.metrics import log_mean_exp, mean_and_standard_error
from helpers.metrics.estimates import share
from helpers.random import seeded


def test_mean_and_standard_error_by_scipy(seed):
    from scipy.stats import sem

    values = torch.randn(11, generator=seeded(seed))
    estimate = mean_and_standard_error(values)
    assert estimate.value == pytest.approx(values.numpy().mean())
    assert estimate.standard_error == pytest.approx(sem(values.numpy()))
    value, standard_error = mean_and_standard_error(values.float())
    assert (value, standard_error) == pytest.approx(estimate, rel=1e-5)


def test_standard_error_is_the_scatter_of_the_mean(seed):
    draws = torch.rand(2000, 40, generator=seeded(seed))
    variances = torch.tensor([mean_and_standard_error(row).standard_error ** 2 for row in draws])
    assert variances.mean().item() == pytest.approx(1 / 12 / 40, rel=0.03)
    assert draws.mean(1).var().item() == pytest.approx(1 / 12 / 40, rel=0.2)


def test_the_error_of_a_share_is_that_of_a_mean(seed):
    inside = torch.rand(50, generator=seeded(seed)) < 0.3
    value, error = share(inside)
    mean, mean_error = mean_and_standard_error(inside.double())
    assert value == pytest.approx(mean)
    assert error == pytest.approx(mean_error * math.sqrt(49 / 50))


def test_log_of_a_mean_and_its_scatter(seed):
    """Weights of every size, whose mean is known: log-normal ones with the variance v = 0.3."""
    log_w = 0.3**0.5 * torch.randn(3000, 50, generator=seeded(seed))
    for shift in (0.0, 900.0, -900.0):  # exp of 900 has no finite value
        found = [log_mean_exp(row + shift) for row in log_w]
        values = torch.tensor([estimate.value for estimate in found])
        direct = log_w.exp().mean(1).log()
        torch.testing.assert_close(values - shift, direct)
    errors = torch.tensor([estimate.standard_error for estimate in found])
    assert direct.std().item() == pytest.approx(errors.square().mean().sqrt().item(), rel=0.1)
    few = log_w.reshape(-1, 10).exp().mean(1).log()
    assert few.mean() < 0.15 - 4 * few.std() / math.sqrt(len(few))  # too small on average


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_numbers_are_added_in_a_wide_type(dtype):
    assert mean_and_standard_error(torch.ones(70_000, dtype=dtype)).value == 1.0


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (torch.zeros(3, 2), r"values must have shape \(N,\), got \(3, 2\): give one"),
        (torch.zeros(1), r"len\(values\) must be an integer of at least 2, got 1"),
        (torch.tensor([0.0, math.nan]), "values must be finite, got 1 NaN"),
    ],
)
def test_bad_values_are_named(values, match):
    with pytest.raises(ValueError, match=match):
        mean_and_standard_error(values)
