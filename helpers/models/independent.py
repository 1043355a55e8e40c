r"""The simplest honest model of images: each pixel by itself, with counted frequencies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_nonempty,
    check_range,
    check_same_device,
    check_shape,
)


class IndependentCategorical(nn.Module):
    r"""Independent categorical variables whose probabilities are counted frequencies.

    $$p(x) = \prod_d p_d(x_d), \qquad p_d(v) = \frac{n_d(v) + s}{N + s V}$$

    $n_d(v)$ of N training examples have level v at place d; s is the smoothing. Before `fit` all
    levels are equally likely.

    Args:
        shape: shape of one example, for instance (1, 8, 8).
        num_levels: V, the number of levels; x holds the integers 0 to V − 1.
        smoothing: s ≥ 0, added to each count; with 0, a level that was never seen at its place
            has probability 0, and log p is −∞.

    Raises:
        ValueError: a size or the smoothing is out of range.

    >>> model = IndependentCategorical((2,), 2, smoothing=1.0)
    >>> _ = model.fit(torch.tensor([[0, 1], [0, 0], [0, 1]]))
    >>> model.log_prob(torch.tensor([[0, 1]])).exp()  # 4/5 · 3/5
    tensor([0.4800])

    Taught in: What is a generative model?
    """

    log_probabilities: Tensor

    def __init__(self, shape: Sequence[int], num_levels: int, *, smoothing: float = 0.3) -> None:
        super().__init__()
        check_at_least("num_levels", num_levels, 1)
        check_at_least("smoothing", smoothing, 0.0)
        if not shape:
            raise argument_error("shape", "have at least one size", shape)
        for size in shape:
            check_at_least("shape", size, 1)
        self.shape, self.num_levels, self.smoothing = tuple(shape), num_levels, smoothing
        uniform = torch.full((*self.shape, num_levels), -math.log(num_levels))
        self.register_buffer("log_probabilities", uniform)  # (*shape, V)

    @torch.no_grad()
    def fit(self, x: Tensor) -> Self:
        r"""Count the levels of the training data: the maximum of the likelihood for s = 0.

        Args:
            x: levels, shape (N, *shape), integers.

        Returns:
            The model itself.
        """
        self._check(x)
        table = self.log_probabilities
        counts = torch.stack([(x == v).sum(0) for v in range(self.num_levels)], -1)  # (*shape, V)
        smoothed = counts.to(table.dtype) + self.smoothing
        table.copy_(smoothed.log() - math.log(len(x) + self.smoothing * self.num_levels))
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Exact log-likelihood.

        Args:
            x: levels, shape (B, *shape), integers.

        Returns:
            Shape (B,), nats.
        """
        self._check(x)
        # gather, not a product with one-hot codes: those need V times the memory of x
        tables = self.log_probabilities.expand(len(x), *self.log_probabilities.shape)
        return tables.gather(-1, x.long().unsqueeze(-1)).flatten(1).sum(1)

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Draw n examples: every pixel by itself.

        Returns:
            Levels, shape (n, *shape), int64.
        """
        check_at_least("n", n, 1)
        table = self.log_probabilities.reshape(-1, self.num_levels).exp()  # (D, V)
        if rng is not None:
            check_same_device("rng", rng, "the model", table.device)
        drawn = torch.multinomial(table, n, replacement=True, generator=rng)  # (D, n)
        return drawn.T.reshape(n, *self.shape)

    def _check(self, x: Tensor) -> None:
        check_integer("x", x)
        check_shape("x", x, ("B", *self.shape))
        check_nonempty("x", x)
        check_same_device("x", x, "the model", self.log_probabilities.device)
        check_range("x", x, 0, self.num_levels - 1, hint="levels are the integers below num_levels")
