"""Entropy, cross-entropy and total variation of categorical distributions.

Pure functions of logits, as in `divergences`: the last dimension is summed, all leading ones are
kept, so that (B, K) gives (B,). The logarithms of probabilities are logits, so that densities on a
common grid can be compared too, after the cell's size has been added to them.
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_shape


def entropy_categorical(logits: Tensor) -> Tensor:
    r"""Entropy of a categorical distribution.

    $$H(p) = -\sum_k p_k \log p_k, \qquad 0 \log 0 = 0$$

    Args:
        logits: unnormalised log-probabilities, (B, K); −∞ for what never occurs.

    Returns:
        (B,), nats, from 0 (one category is certain) to log K (all are equally likely).

    >>> entropy_categorical(torch.tensor([0.5, 0.25, 0.125, 0.125]).log()) / math.log(2)  # bits
    tensor(1.7500)

    Taught in: concepts/probability
    """
    return cross_entropy_categorical(logits, logits)


def cross_entropy_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Mean code length of data from p under a code made for q.

    $$H(p, q) = -\sum_k p_k \log q_k = H(p) + \mathrm{KL}(p \,\|\, q)$$

    Returns:
        (B,), nats, at least the entropy of p; infinite where p allows what q excludes.

    Taught in: concepts/probability
    """
    check_shape("logits_q", logits_q, logits_p.shape)
    log_p, log_q = logits_p.log_softmax(-1), logits_q.log_softmax(-1)
    occurs = log_p > -math.inf  # 0 log 0 = 0, and 0 · ∞ would be NaN
    return -(log_p.exp() * torch.where(occurs, log_q, 0.0)).sum(-1)


def total_variation_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Total variation distance: the largest difference in the probability of any event.

    $$\mathrm{TV}(p, q) = \max_A |p(A) - q(A)| = \tfrac12 \sum_k |p_k - q_k|$$

    Returns:
        (B,), without unit, from 0 (equal) to 1 (nothing in common); symmetric.

    Taught in: concepts/probability
    """
    check_shape("logits_q", logits_q, logits_p.shape)
    return 0.5 * (logits_p.softmax(-1) - logits_q.softmax(-1)).abs().sum(-1)
