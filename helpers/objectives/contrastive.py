"""Learning an unnormalised density by telling data from noise."""

import math

from torch import Tensor
from torch.nn.functional import softplus

from helpers.checks import check_shape


def noise_contrastive(
    log_model: Tensor, log_noise: Tensor, fake_log_model: Tensor, fake_log_noise: Tensor
) -> Tensor:
    r"""Noise-contrastive estimation: a classifier whose logit is a difference of log-densities.

    $$ -\log \mathrm{sigmoid}\, u(x) - \sum_{j=1}^\nu \log \mathrm{sigmoid}(-u(y_j)), \qquad
       u = \log f - \log (\nu\, p_\text{noise}) $$

    The logarithm of the normaliser is a parameter of log f like the others: at the minimum f is the
    data's density, and its integral is 1.

    Args:
        log_model: log f of the data x, (B,).
        log_noise: log of the noise's density at x, (B,).
        fake_log_model: log f of ν draws y of the noise for each example, (ν, B).
        fake_log_noise: log of the noise's density at y, (ν, B).

    Returns:
        (B,) nats, to be minimised.

    Reference: Gutmann and Hyvärinen, AISTATS 2010.

    Taught in: models/energy
    """
    check_shape("log_model", log_model, ("B",))
    check_shape("log_noise", log_noise, tuple(log_model.shape))
    check_shape("fake_log_model", fake_log_model, ("ν", len(log_model)))
    check_shape("fake_log_noise", fake_log_noise, tuple(fake_log_model.shape))
    log_ratio = math.log(len(fake_log_model))
    u, v = log_model - log_noise - log_ratio, fake_log_model - fake_log_noise - log_ratio
    return softplus(-u) + softplus(v).sum(0)
