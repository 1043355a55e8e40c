"""Divergences between categorical distributions, and what importance weights estimate.

Pure functions: the last dimension of logits is summed, all leading ones are kept, so that (B, K)
gives (B,). All values are in nats. The divergence between normal distributions is `Gaussian.kl`.
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_shape


def kl_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""KL divergence KL(q‖p) between two categorical distributions.

    $$\mathrm{KL}(q \,\|\, p) = \sum_k q_k \log \frac{q_k}{p_k}, \qquad 0 \log 0 = 0$$

    Args:
        logits_q: unnormalised log-probabilities of q, (B, K); −∞ for what never occurs.
        logits_p: those of p, same shape.

    Returns:
        (B,), nats, never negative; infinite where q allows what p excludes.

    >>> q, p = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.25, 0.5]])
    >>> kl_categorical(q.log(), p.log())
    tensor([0.6931])

    Taught in: concepts/probability
    """
    check_shape("logits_p", logits_p, logits_q.shape)
    log_q, log_p = logits_q.log_softmax(-1), logits_p.log_softmax(-1)
    occurs = log_q > -math.inf  # 0 log 0 = 0, and −∞ − (−∞) would be NaN
    log_ratio = torch.where(occurs, log_q, 0.0) - torch.where(occurs, log_p, 0.0)
    return (log_q.exp() * log_ratio).sum(-1)


def js_categorical(logits_q: Tensor, logits_p: Tensor) -> Tensor:
    r"""Jensen–Shannon divergence between two categorical distributions.

    $$\mathrm{JS}(q, p) = \tfrac12 \mathrm{KL}(q \,\|\, m) + \tfrac12 \mathrm{KL}(p \,\|\, m),
      \qquad m = \tfrac12 (q + p)$$

    Returns:
        (B,), nats, from 0 (equal) to log 2 (nothing in common); symmetric.

    Taught in: concepts/probability
    """
    check_shape("logits_p", logits_p, logits_q.shape)
    log_q, log_p = logits_q.log_softmax(-1), logits_p.log_softmax(-1)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    return 0.5 * (kl_categorical(log_q, log_m) + kl_categorical(log_p, log_m))


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    r"""Logarithm of the mean of K importance weights: a lower bound on log p(x) on average.

    $$\mathcal L_K(x) = \log \frac1K \sum_{k=1}^K w_k, \qquad
      w_k = \frac{p(x, z_k)}{q(z_k \mid x)}, \quad z_k \sim q(z \mid x)$$

    Args:
        log_weights: log w, (K, B): one row for each of the K draws.

    Returns:
        (B,), nats. Its expectation never exceeds log p(x) and never falls as K grows.

    Reference: Burda et al., arXiv:1509.00519.

    >>> importance_weighted_bound(torch.tensor([[1.0], [3.0]]).log())
    tensor([0.6931])

    Taught in: models/vae
    """
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


def effective_sample_size(log_weights: Tensor) -> Tensor:
    r"""How many of the K importance weights carry the sum.

    $$\mathrm{ESS} = \frac{\left(\sum_k w_k\right)^2}{\sum_k w_k^2}$$

    Returns:
        (B,) for log w of shape (K, B): from 1 (one weight dwarfs all others) to K (all are equal).

    >>> effective_sample_size(torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]).log())
    tensor([3., 1.])

    Taught in: models/vae, concepts/probability
    """
    return (2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0)).exp()
