r"""Entropy, cross-entropy and total variation of categorical distributions.

Pure functions of logits, as in `divergences`: the last dimension is summed, all leading ones are
kept, so that `(B, K)` gives `(B,)`. The logarithms of probabilities are logits, so that densities
on a common grid can be compared too, after the cell's size has been added to them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_floating, check_shape


def entropy_categorical(logits: Tensor) -> Tensor:
    r"""Entropy of a categorical distribution.

    $$ H(p) = -\sum_k p_k \log p_k, \qquad 0 \log 0 = 0 $$

    Args:
        logits: unnormalised log-probabilities, shape (B, K); any leading dimensions. A logit of
            −∞ is a category that never occurs.

    Returns:
        Shape (B,), nats, from 0 (one category is certain) to log K (all are equally likely).

    Raises:
        TypeError: `logits` is no floating-point tensor.
        ValueError: `logits` is a scalar.

    >>> entropy_categorical(torch.tensor([0.5, 0.25, 0.125, 0.125]).log()) / math.log(2)  # bits
    tensor(1.7500)

    Taught in: probability.
    """
    return cross_entropy_categorical(logits, logits)


def cross_entropy_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Mean code length of data from p under a code made for q.

    $$ H(p, q) = -\sum_k p_k \log q_k = H(p) + \mathrm{KL}(p \,\|\, q) $$

    Args:
        logits_p: unnormalised log-probabilities of the data, shape (B, K).
        logits_q: unnormalised log-probabilities of the model, same shape.

    Returns:
        Shape (B,), nats, at least the entropy of p; infinite where p allows what q excludes.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or the logits are scalars.

    >>> p, q = torch.tensor([1.0, 0.0]), torch.tensor([0.25, 0.75])
    >>> cross_entropy_categorical(p.log(), q.log())
    tensor(1.3863)

    Taught in: probability.
    """
    log_p, log_q = _log_probabilities(logits_p=logits_p, logits_q=logits_q)
    occurs = log_p > -math.inf  # 0 log 0 = 0, and 0 · ∞ would be NaN
    return -(log_p.exp() * torch.where(occurs, log_q, 0.0)).sum(-1)


def total_variation_categorical(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    r"""Total variation distance: the largest difference in the probability of any event.

    $$ \mathrm{TV}(p, q) = \max_A |p(A) - q(A)| = \tfrac12 \sum_k |p_k - q_k| $$

    Args:
        logits_p: unnormalised log-probabilities of p, shape (B, K); any leading dimensions.
        logits_q: unnormalised log-probabilities of q, same shape.

    Returns:
        Shape (B,), without unit, from 0 (equal) to 1 (nothing in common); symmetric.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes differ, or the logits are scalars.

    >>> p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.5, 0.25])
    >>> total_variation_categorical(p.log(), q.log())
    tensor(0.2500)

    Taught in: probability.
    """
    log_p, log_q = _log_probabilities(logits_p=logits_p, logits_q=logits_q)
    return 0.5 * (log_p.exp() - log_q.exp()).abs().sum(-1)


def _log_probabilities(*, logits_p: Tensor, logits_q: Tensor) -> tuple[Tensor, Tensor]:
    check_floating("logits_p", logits_p)
    if logits_p.ndim == 0:
        raise argument_error("logits_p", "have shape (B, K)", "a scalar", "the last is summed")
    check_floating("logits_q", logits_q)
    check_shape("logits_q", logits_q, tuple(logits_p.shape))
    return logits_p.log_softmax(-1), logits_q.log_softmax(-1)
