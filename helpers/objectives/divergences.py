r"""Divergences between distributions in closed form, and what importance weights estimate.

Pure functions of parameters: the last dimension is summed, all leading ones are kept, so that
`(B, L)` gives `(B,)`. All values are in nats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_floating, check_nonempty, check_shape


def kl_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    r"""KL divergence of a diagonal normal distribution from the standard normal one.

    $$\mathrm{KL}(\mathcal N(\mu, \mathrm{diag}\,\sigma^2) \,\|\, \mathcal N(0, I))
      = \tfrac12 \sum_l \left(\mu_l^2 + \sigma_l^2 - 1 - \log \sigma_l^2\right)$$

    Args:
        mu: means, shape (B, L); any leading dimensions.
        log_var: logarithms of the variances, same shape.

    Returns:
        Shape (B,), nats, never negative, zero only for mu = 0 and log_var = 0.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.

    Reference: Kingma and Welling, arXiv:1312.6114 (which states the negative of it).

    >>> kl_standard_normal(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), torch.zeros(2, 2))
    tensor([0.0000, 2.5000])

    Taught in: Variational autoencoders.
    """
    _check_parameters(mu=mu, log_var=log_var)
    # expm1 keeps the digits of exp(log_var) - 1 - log_var near log_var = 0, where they cancel.
    return 0.5 * (mu.square() + log_var.expm1() - log_var).sum(-1)


def kl_normal(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    r"""KL divergence KL(q‖p) between two diagonal normal distributions.

    $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \sum_l \left(\frac{\sigma_{q,l}^2}{\sigma_{p,l}^2} - 1
      - \log \frac{\sigma_{q,l}^2}{\sigma_{p,l}^2}
      + \frac{(\mu_{q,l} - \mu_{p,l})^2}{\sigma_{p,l}^2}\right)$$

    Args:
        mu_q: means of q, shape (B, L); any leading dimensions.
        log_var_q: logarithms of the variances of q, same shape.
        mu_p: means of p, same shape.
        log_var_p: logarithms of the variances of p, same shape.

    Returns:
        Shape (B,), nats, never negative, zero only for q = p.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.

    >>> zero = torch.zeros(1, 3)
    >>> kl_normal(zero + 2.0, zero, zero, zero)
    tensor([6.])

    Taught in: Variational autoencoders.
    """
    _check_parameters(mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p)
    log_ratio = log_var_q - log_var_p
    shift = (mu_q - mu_p).square() * torch.exp(-log_var_p)
    return 0.5 * (log_ratio.expm1() - log_ratio + shift).sum(-1)


def kl_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""KL divergence KL(q‖p) between two categorical distributions.

    $$\mathrm{KL}(q \,\|\, p) = \sum_k q_k \log \frac{q_k}{p_k}, \qquad 0 \log 0 = 0$$

    Args:
        logits_q: unnormalised log-probabilities of q, shape (B, K); any leading dimensions.
            A logit of −∞ is a category that never occurs.
        logits_p: unnormalised log-probabilities of p, same shape.

    Returns:
        Shape (B,), nats, never negative; infinite where q allows what p excludes.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.

    >>> q, p = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.25, 0.5]])
    >>> kl_categorical(q.log(), p.log())
    tensor([0.6931])

    Taught in: Variational autoencoders.
    """
    _check_parameters(logits_q=logits_q, logits_p=logits_p)
    log_q, log_p = logits_q.log_softmax(-1), logits_p.log_softmax(-1)
    occurs = log_q > -math.inf  # 0 log 0 = 0, and −∞ − (−∞) would be NaN
    log_ratio = torch.where(occurs, log_q, 0.0) - torch.where(occurs, log_p, 0.0)
    return (log_q.exp() * log_ratio).sum(-1)


def js_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""Jensen–Shannon divergence between two categorical distributions.

    $$\mathrm{JS}(q, p) = \tfrac12 \mathrm{KL}(q \,\|\, m) + \tfrac12 \mathrm{KL}(p \,\|\, m),
      \qquad m = \tfrac12 (q + p)$$

    Args:
        logits_q: unnormalised log-probabilities of q, shape (B, K); any leading dimensions.
        logits_p: unnormalised log-probabilities of p, same shape.

    Returns:
        Shape (B,), nats, from 0 (equal) to log 2 (nothing in common); symmetric.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ.

    >>> js_categorical(torch.tensor([[1.0, 0.0]]).log(), torch.tensor([[0.0, 1.0]]).log())
    tensor([0.6931])

    Taught in: Variational autoencoders.
    """
    _check_parameters(logits_q=logits_q, logits_p=logits_p)
    log_q, log_p = logits_q.log_softmax(-1), logits_p.log_softmax(-1)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    return 0.5 * (kl_categorical(log_q, log_m) + kl_categorical(log_p, log_m))


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    r"""Logarithm of the mean of K importance weights: a lower bound on log p(x) on average.

    $$\mathcal L_K(x) = \log \frac1K \sum_{k=1}^K w_k, \qquad
      w_k = \frac{p(x, z_k)}{q(z_k \mid x)}, \quad z_k \sim q(z \mid x)$$

    Args:
        log_weights: log w, shape (K, B): one row for each of the K draws.

    Returns:
        Shape (B,), nats. Its expectation never exceeds log p(x) and never falls as K grows.

    Raises:
        TypeError: `log_weights` is no floating-point tensor.
        ValueError: there is no draw, or no dimension for the draws.

    Reference: Burda et al., arXiv:1509.00519.

    >>> importance_weighted_bound(torch.tensor([[1.0], [3.0]]).log())
    tensor([0.6931])

    Taught in: Variational autoencoders.
    """
    _check_weights(log_weights)
    return torch.logsumexp(log_weights, 0) - math.log(log_weights.shape[0])


def effective_sample_size(log_weights: Tensor) -> Tensor:
    r"""How many of the K importance weights carry the sum.

    $$\mathrm{ESS} = \frac{\left(\sum_k w_k\right)^2}{\sum_k w_k^2}$$

    Args:
        log_weights: log w, shape (K, B): one row for each of the K draws.

    Returns:
        Shape (B,), from 1 (one weight dwarfs all others) to K (all are equal).

    Raises:
        TypeError: `log_weights` is no floating-point tensor.
        ValueError: there is no draw, or no dimension for the draws.

    >>> effective_sample_size(torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]).log())
    tensor([3., 1.])

    Taught in: Variational autoencoders.
    """
    _check_weights(log_weights)
    return (2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0)).exp()


def _check_parameters(**parameters: Tensor) -> None:
    first, *_ = parameters.values()
    for name, value in parameters.items():
        check_floating(name, value)
        if value.shape != first.shape:
            check_shape(name, value, tuple(first.shape))
    if first.ndim == 0:
        name = next(iter(parameters))
        raise argument_error(name, "have at least one dimension", "a scalar", "the last is summed")


def _check_weights(log_weights: Tensor) -> None:
    check_floating("log_weights", log_weights)
    if log_weights.ndim == 0:
        raise argument_error("log_weights", "have shape (K, B)", "a scalar")
    check_nonempty("log_weights", log_weights)
