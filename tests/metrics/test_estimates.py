import math

import pytest
import torch

from helpers.metrics import mean_and_standard_error
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
