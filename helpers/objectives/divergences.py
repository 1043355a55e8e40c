"""Entropies and divergences of distributions, and what importance weights estimate.

The last dimension of logits, (B, K), is summed: (B,), in nats. Logarithms of probabilities are
logits.

Taught in: concepts/probability, models/vae
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_shape


def entropy_categorical(logits: Tensor) -> Tensor:
    r"""Entropy of a categorical distribution.

    $$H(p) = -\sum_k p_k \log p_k, \qquad 0 \log 0 = 0$$

    >>> entropy_categorical(torch.tensor([0.5, 0.25, 0.125, 0.125]).log()) / math.log(2)  # bits
    tensor(1.7500)
    """
    return cross_entropy_categorical(logits, logits)


def cross_entropy_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Mean code length of data from p under a code made for q.

    $$H(p, q) = -\sum_k p_k \log q_k = H(p) + \mathrm{KL}(p \,\|\, q)$$
    """
    check_shape("logits_q", logits_q, logits_p.shape)
    return -_expectation(logits_p.log_softmax(-1), logits_q.log_softmax(-1))


def total_variation_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Total variation distance: the largest difference in the probability of any event.

    $$\mathrm{TV}(p, q) = \max_A |p(A) - q(A)| = \tfrac12 \sum_k |p_k - q_k|$$
    """
    check_shape("logits_q", logits_q, logits_p.shape)
    return 0.5 * (logits_p.softmax(-1) - logits_q.softmax(-1)).abs().sum(-1)


def kl_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""KL divergence KL(q‖p) between two categorical distributions.

    $$\mathrm{KL}(q \,\|\, p) = \sum_k q_k \log \frac{q_k}{p_k}, \qquad 0 \log 0 = 0$$

    >>> q, p = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.25, 0.5]])
    >>> kl_categorical(q.log(), p.log())
    tensor([0.6931])
    """
    check_shape("logits_p", logits_p, logits_q.shape)
    log_q = logits_q.log_softmax(-1)
    return _expectation(log_q, log_q - logits_p.log_softmax(-1))


def js_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""Jensen–Shannon divergence between two categorical distributions, from 0 to log 2.

    $$\mathrm{JS}(q, p) = \tfrac12 \mathrm{KL}(q \,\|\, m) + \tfrac12 \mathrm{KL}(p \,\|\, m),
      \qquad m = \tfrac12 (q + p)$$
    """
    check_shape("logits_p", logits_p, logits_q.shape)
    log_q, log_p = logits_q.log_softmax(-1), logits_p.log_softmax(-1)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    return 0.5 * (kl_categorical(log_q, log_m) + kl_categorical(log_p, log_m))


def kl_normal(mean: Tensor, log_std: Tensor, mean_p: Tensor, log_std_p: Tensor) -> Tensor:
    r"""KL divergence KL(q‖p) between two normal distributions of independent values.

    $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \sum_d \left(\frac{(\mu_q - \mu_p)^2}{\sigma_p^2}
      + \frac{\sigma_q^2}{\sigma_p^2} - 1 - \log \frac{\sigma_q^2}{\sigma_p^2}\right)$$

    All shapes are (B, *event), those of p may be (1, *event).

    >>> zeros = torch.zeros(2, 2)
    >>> kl_normal(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), zeros, zeros, zeros)
    tensor([0.0000, 2.5000])
    """
    scale = log_std_p.exp()  # in units of p's standard deviation p is standard normal
    return kl_standard_normal((mean - mean_p) / scale, log_std - log_std_p)


def kl_standard_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    r"""The same from N(0, I), of (B, *event): (B,).

    $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \sum_d \left(\mu_d^2 + \sigma_d^2 - 1
      - \log \sigma_d^2\right)$$
    """
    log_variance = 2 * log_std
    # expm1(r) - r keeps the digits that exp(r) - 1 - r loses near r = 0.
    terms = mean.square() + log_variance.expm1() - log_variance
    return 0.5 * terms.flatten(1).sum(-1)


def _expectation(log_p: Tensor, values: Tensor) -> Tensor:
    """Mean of values under p, where those that never occur count nothing: 0 · ∞ = 0."""
    return (log_p.exp() * torch.where(log_p > -math.inf, values, 0.0)).sum(-1)


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    r"""Log of the mean of K importance weights (K, B): on average a lower bound on log p(x), (B,).

    $$\mathcal L_K(x) = \log \frac1K \sum_{k=1}^K w_k, \qquad
      w_k = \frac{p(x, z_k)}{q(z_k \mid x)}, \quad z_k \sim q(z \mid x)$$

    Reference: Burda et al., arXiv:1509.00519.
    """
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


def effective_sample_size(log_weights: Tensor) -> Tensor:
    r"""How many of the K importance weights, (K, B), carry the sum: from 1 to K, (B,).

    $$\mathrm{ESS} = \frac{\left(\sum_k w_k\right)^2}{\sum_k w_k^2}$$

    >>> effective_sample_size(torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]).log())
    tensor([3., 1.])
    """
    return (2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0)).exp()
