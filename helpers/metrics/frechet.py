"""The Fréchet distance between two sets of features."""

import math

import torch
from torch import Tensor

from helpers.checks import check_counts
from helpers.metrics.distances import two_sets
from helpers.metrics.estimates import Estimate


def frechet_distance(features_a: Tensor, features_b: Tensor, *, groups: int = 20) -> Estimate:
    r"""Squared Fréchet distance between Gaussians fitted to two sets of features; Inception's: FID.

    $$ d^2 = \lVert \mu_a - \mu_b \rVert^2
       + \mathrm{tr}\bigl(\Sigma_a + \Sigma_b - 2 (\Sigma_a \Sigma_b)^{1/2}\bigr) $$

    The standard error is a jackknife over interleaved groups. It does not measure the bias: finite
    sets are too far apart, so compare only at equal N.

    Args:
        features_a: (N, D), independent rows in random order, N at least 4.
        features_b: (M, D), likewise.
        groups: of the jackknife, at least 2; at most one for each row is used.

    Reference: Heusel et al. 2017, arXiv 1706.08500, equation (6).

    Taught in: models/gan, models/hybrids
    """
    check_counts(2, groups=groups)
    a, b = two_sets(4, features_a=features_a, features_b=features_b)
    a, b = a - a.mean(0), b - a.mean(0)  # a common shift changes nothing but the rounding
    moments_a, moments_b = _moments(a), _moments(b)
    variance = 0.0
    for rows, other in ((a, moments_b), (b, moments_a)):  # the distance is symmetric
        count = min(groups, len(rows))
        group = torch.arange(len(rows), device=rows.device) % count
        left_out = [_frechet(_moments(rows[group != g]), other) for g in range(count)]
        variance += (count - 1) * torch.stack(left_out).var(unbiased=False).item()
    return Estimate(_frechet(moments_a, moments_b).item(), math.sqrt(variance))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and a factor R (min(N, D), D) of the covariance RᵀR, divided by N − 1."""
    mean = features.mean(0)
    factor = torch.linalg.qr((features - mean) / math.sqrt(len(features) - 1), mode="r").R
    return mean, factor


def _frechet(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    (mean_a, factor_a), (mean_b, factor_b) = a, b
    # The trace of the root is the sum of these singular values: real and at least 0 at any rank.
    root: Tensor = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    spread = factor_a.square().sum() + factor_b.square().sum() - 2 * root
    return (mean_a - mean_b).square().sum() + spread.clamp(min=0)  # rounding may leave −1e-16
