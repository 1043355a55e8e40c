r"""How good is a model, as numbers with their standard errors."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_same_device,
    check_shape,
    check_tensor,
)

CHUNK = 1 << 22  # distances held at once by the nearest-neighbour search: 32 MB


class Estimate(NamedTuple):
    """A number and its standard error, in the same unit."""

    value: float
    standard_error: float


def mean_and_standard_error(values: Tensor) -> Estimate:
    r"""The mean of independent values and the standard error of that mean.

    $$ \bar v = \frac1N \sum_n v_n, \qquad
       \mathrm{se} = \sqrt{\frac{1}{N (N - 1)} \sum_n (v_n - \bar v)^2} $$

    Args:
        values: (N,), one independent value for each example, N at least 2.

    Returns:
        ``(value, standard_error)`` in the unit of the values.

    Raises:
        TypeError: `values` is no tensor of floating-point numbers.
        ValueError: a wrong shape, fewer than two values, or values that are not finite.

    >>> mean_and_standard_error(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    Estimate(value=3.0, standard_error=1.0801...)

    Taught in: what_is_a_generative_model.
    """
    check_floating("values", values)
    check_shape("values", values, ("N",), hint="give one value for each example")
    if len(values) < 2:
        raise argument_error("values", "hold at least 2 values", len(values))
    check_finite("values", values)
    v = values.detach().to(torch.float64)
    return Estimate(v.mean().item(), (v.std(unbiased=True) / math.sqrt(len(v))).item())


def bits_per_dimension(
    nll_nats: Tensor | float, dims: int, *, num_levels: int | None = None
) -> Tensor | float:
    r"""A negative log-likelihood in bits for each dimension of an example.

    $$ \mathrm{bpd} = \frac{\mathrm{NLL}}{D \ln 2} $$

    A model of integers gives comparable numbers at once. A density on data that were made
    continuous (integers plus uniform noise, divided by the number of levels so that they fill
    [0, 1]) must count the change of unit: with `num_levels` its log₂ is added. The result then
    is an upper bound on the bits of the integers.

    Args:
        nll_nats: −log p in nats of whole examples, any shape, or its mean as a number.
        dims: dimensions D of one example, at least 1: 64 for an 8×8 grey image.
        num_levels: only for a density on [0, 1]: how many levels the integers had.

    Returns:
        Bits per dimension with the shape and type of `nll_nats`; lower is better; never negative
        for integer data.

    Raises:
        TypeError: `dims` or `num_levels` is no integer.
        ValueError: `dims` below 1 or `num_levels` below 2.

    >>> round(bits_per_dimension(64 * math.log(17), dims=64), 4)  # log₂ 17: uniform levels
    4.0875
    >>> bits_per_dimension(0.0, dims=64, num_levels=256)  # a density of 1 on [0, 1]
    8.0

    Taught in: what_is_a_generative_model.
    """
    check_at_least("dims", dims, 1)
    offset = 0.0
    if num_levels is not None:
        check_at_least("num_levels", num_levels, 2)
        offset = math.log2(num_levels)
    return nll_nats / (dims * math.log(2)) + offset


def frechet_distance(features_a: Tensor, features_b: Tensor, *, groups: int = 20) -> Estimate:
    r"""Squared Fréchet distance between Gaussians fitted to two sets of features.

    $$ d^2 = \lVert \mu_a - \mu_b \rVert^2
       + \mathrm{tr}\bigl(\Sigma_a + \Sigma_b - 2 (\Sigma_a \Sigma_b)^{1/2}\bigr) $$

    With features of the Inception network this is the "FID", which also is the squared distance.
    The trace of the root is the sum of the singular values of $A^\top B$ for any factors
    $\Sigma_a = A A^\top$, $\Sigma_b = B B^\top$: real and non-negative for every rank, also with
    fewer examples than features. Covariances are divided by N − 1.

    The standard error is a jackknife: each set is cut into interleaved groups, the distance is
    computed again without each group, and the variances of both sets add. It measures the scatter
    and not the bias: with finite sets the distance is too large, more so the fewer the examples,
    so compare distances only at equal N.

    Args:
        features_a: (N, D), independent rows in random order.
        features_b: (M, D), likewise; N and M at least 4.
        groups: groups of the jackknife, at least 2; at most one for each row is used.

    Returns:
        ``(value, standard_error)``, in squared units of the features; the value is at least 0.

    Raises:
        TypeError: a set is no floating-point tensor.
        ValueError: wrong shapes, different D, fewer than 4 rows, or values that are not finite.

    Reference: Heusel et al. 2017, arXiv 1706.08500, equation (6).

    >>> a = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    >>> value, _ = frechet_distance(a, 2 * a + 1)  # mean near 1, standard deviation near 2
    >>> 5 < value < 7
    True

    Taught in: evaluation.
    """
    for name, features in (("features_a", features_a), ("features_b", features_b)):
        check_floating(name, features)
        check_shape(name, features, ("N", "D"), hint="flatten each example to a row")
        if len(features) < 4:
            raise argument_error(name, "have at least 4 rows", len(features))
        if features.shape[1] == 0:
            raise argument_error(name, "have at least one feature", "0 columns")
        check_finite(name, features)
    check_shape("features_b", features_b, ("N", features_a.shape[1]))
    check_same_device("features_b", features_b, "features_a", features_a.device)
    check_at_least("groups", groups, 2)
    a, b = (features.detach().to(torch.float64) for features in (features_a, features_b))
    moments_a, moments_b = _moments(a), _moments(b)
    variance = 0.0
    for rows, other in ((a, moments_b), (b, moments_a)):  # the distance is symmetric
        count = min(groups, len(rows))
        group = torch.arange(len(rows), device=rows.device) % count
        left_out = [_frechet(_moments(rows[group != g]), other) for g in range(count)]
        variance += (count - 1) * torch.stack(left_out).var(unbiased=False).item()
    return Estimate(_frechet(moments_a, moments_b).item(), math.sqrt(variance))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and a factor R (min(N, D), D) of the covariance RᵀR."""
    mean = features.mean(0)
    factor = torch.linalg.qr((features - mean) / math.sqrt(len(features) - 1), mode="r").R
    return mean, factor


def _frechet(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    (mean_a, factor_a), (mean_b, factor_b) = a, b
    root: Tensor = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    spread = factor_a.square().sum() + factor_b.square().sum() - 2 * root
    return (mean_a - mean_b).square().sum() + spread.clamp(min=0)  # rounding may leave −1e-16


def nearest_neighbours(x: Tensor, reference: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    r"""The k nearest rows of `reference` for each row of `x`, in Euclidean distance.

    Generated images shown beside their nearest training images tell memory from invention. The
    search looks at every pair, in double precision, and holds a few million distances at a time.

    Args:
        x: examples (N, …), floating point; dimensions after the first are flattened.
        reference: examples (M, …) with the same dimensions after the first.
        k: how many neighbours, between 1 and M.

    Returns:
        Distances (N, k) of the dtype of `x`, smallest first, and row numbers in `reference`
        (N, k), int64. A row that occurs in `reference` has distance exactly 0.

    Raises:
        TypeError: an argument is no floating-point tensor, or `k` no integer.
        ValueError: different dimensions or devices, no examples, `k` out of range, or NaN.

    >>> reference = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> distances, rows = nearest_neighbours(torch.tensor([[3.0, 4.0]]), reference, k=2)
    >>> distances.tolist(), rows.tolist()
    ([[0.0, 5.0]], [[1, 0]])

    Taught in: evaluation.
    """
    for name, examples in (("x", x), ("reference", reference)):
        check_tensor(name, examples)
        if examples.ndim < 2 or examples.numel() == 0:
            got = tuple(examples.shape)
            raise argument_error(name, "have shape (N, ...) with N of at least 1", got)
        check_floating(name, examples)
        check_finite(name, examples)
    check_shape("x", x, ("N", *reference.shape[1:]), hint="match the rows of reference")
    check_same_device("x", x, "reference", reference.device)
    check_at_least("k", k, 1)
    if k > len(reference):
        raise argument_error("k", f"be at most {len(reference)}, the rows of reference", k)
    with torch.no_grad():
        parts = [
            _nearest(part, reference.flatten(1), k)
            for part in torch.split(x.flatten(1), max(1, CHUNK // len(reference)))
        ]
    distances, rows = (torch.cat(column) for column in zip(*parts))
    return distances.to(x.dtype), rows


def _nearest(x: Tensor, reference: Tensor, k: int) -> tuple[Tensor, Tensor]:
    # |a − b|² = |a|² − 2ab + |b|² ranks fast; centred and in double precision its error is far
    # below the rounding of the data. The few distances that are kept come from differences.
    x = x.double()
    centre = reference.mean(0).double()
    ranks = []
    for part in torch.split(reference, max(1, CHUNK // reference.shape[1])):
        part = part.double() - centre
        ranks.append(part.square().sum(1) - 2 * (x - centre) @ part.T)  # (n, m); |a|² is common
    rows = torch.cat(ranks, 1).topk(k, largest=False).indices  # (n, k)
    distances = (x[:, None] - reference[rows].double()).square().sum(-1).sqrt()  # (n, k)
    distances, order = distances.sort(dim=1, stable=True)
    return distances, rows.gather(1, order)
