"""Noise-contrastive estimation against sums over all data and noise of a five-letter alphabet."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from helpers.objectives.contrastive import noise_contrastive

V = 5


def tables() -> tuple[Tensor, Tensor]:
    """Log-probabilities of data and of noise."""
    data, noise = torch.randn(2, V).log_softmax(1)
    return data, noise


def expected_loss(log_f: Tensor, data: Tensor, noise: Tensor, ratio: int) -> Tensor:
    """The mean loss over all (x, y_1, …, y_ν), weighted with their probabilities."""
    letters = torch.arange(V)
    x, *y = torch.cartesian_prod(*[letters] * (1 + ratio)).T
    fake = torch.stack(y)
    weight = (data[x] + noise[fake].sum(0)).exp()
    return (weight * noise_contrastive(log_f[x], noise[x], log_f[fake], noise[fake])).sum()


@pytest.mark.parametrize("ratio", [1, 3])
def test_the_best_function_is_the_normalised_density(ratio: int) -> None:
    """Value and gradient by enumeration, at the data's probabilities and not at a multiple."""
    data, noise = tables()
    log_f = data.clone().requires_grad_()
    value = expected_loss(log_f, data, noise, ratio)
    both = torch.logaddexp(data, noise + math.log(ratio))
    p, q = data.exp(), ratio * noise.exp()
    best = -(p * (data - both)).sum() - (q * (noise + math.log(ratio) - both)).sum()
    torch.testing.assert_close(value, best)
    (gradient,) = torch.autograd.grad(value, log_f)
    torch.testing.assert_close(gradient, torch.zeros(V), atol=1e-12, rtol=0)
    for shift in (-0.5, 0.5):  # a wrong normaliser is noticed
        assert expected_loss(data + shift, data, noise, ratio) > best + 0.01
    assert expected_loss(data + 0.5 * torch.randn(V), data, noise, ratio) > best


def test_equal_densities_cannot_be_told_apart() -> None:
    """D = ½ everywhere: 2 log 2, and with ν noise draws the entropy of (1, ν)."""
    log_p = torch.randn(4)
    torch.testing.assert_close(
        noise_contrastive(log_p, log_p, log_p[None], log_p[None]),
        torch.full((4,), 2 * math.log(2)),
    )
    three = log_p.expand(3, 4)
    expected = -math.log(1 / 4) - 3 * math.log(3 / 4)
    torch.testing.assert_close(
        noise_contrastive(log_p, log_p, three, three), torch.full((4,), expected)
    )


def test_examples_stay_apart() -> None:
    x, n = torch.randn(2, 4)
    y, m = torch.randn(2, 3, 4)
    together = noise_contrastive(x, n, y, m)
    alone = [
        noise_contrastive(x[i : i + 1], n[i : i + 1], y[:, i : i + 1], m[:, i : i + 1])
        for i in range(4)
    ]
    torch.testing.assert_close(together, torch.cat(alone))


def test_shapes_that_would_broadcast_are_refused() -> None:
    x = torch.zeros(4)
    with pytest.raises(ValueError, match=r"fake_log_model must have shape \(ν, 4\), got \(4,\)"):
        noise_contrastive(x, x, x, x)
    with pytest.raises(ValueError, match=r"log_noise must have shape \(4,\), got \(4, 1\)"):
        noise_contrastive(x, x[:, None], x[None], x[None])
