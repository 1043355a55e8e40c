"""A number with its standard error."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_counts, check_data


class Estimate(NamedTuple):
    """A number and its standard error, in the same unit."""

    value: float
    standard_error: float


def mean_and_standard_error(values: Tensor) -> Estimate:
    r"""The mean of independent values (N,) and its standard error, N at least 2.

    $$ \bar v = \frac1N \sum_n v_n, \qquad
       \mathrm{se} = \sqrt{\frac{1}{N (N - 1)} \sum_n (v_n - \bar v)^2} $$

    >>> mean_and_standard_error(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    Estimate(value=3.0, standard_error=1.0801...)

    Taught in: background/classical_models
    """
    v = check_data("values", values, ("N",), hint="give one value for each example")
    check_counts(2, **{"len(values)": len(v)})
    v = v.detach().to(torch.float64)
    return Estimate(v.mean().item(), (v.std(unbiased=True) / math.sqrt(len(v))).item())


def log_mean_exp(log_weights: Tensor) -> Estimate:
    r"""Log of the mean of independent weights, given as logarithms (N,), N at least 2.

    $$ \log \frac1N \sum_n w_n, \qquad \mathrm{se} \approx \mathrm{se}(\bar w) / \bar w $$

    The logarithm of an unbiased mean is too small on average, the more the weights differ.

    >>> log_mean_exp(torch.tensor([1.0, 3.0]).log())
    Estimate(value=0.6931..., standard_error=0.5...)
    """
    log_w = check_data("log_weights", log_weights, ("N",), hint="one for each draw").double()
    top = log_w.max()
    mean, error = mean_and_standard_error((log_w - top).exp())
    return Estimate(top.item() + math.log(mean), error / mean)


def share(inside: Tensor) -> Estimate:
    """The fraction of true values (N,) and its binomial standard error."""
    p = inside.double().mean().item()
    return Estimate(p, math.sqrt(p * (1 - p) / len(inside)))
