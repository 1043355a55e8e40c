"""The simplest honest model of images: each pixel by itself, with counted frequencies."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Generator, Tensor, nn

from helpers.checks import check_between, check_counts, check_data
from helpers.random import choose


class IndependentCategorical(nn.Module):
    r"""Independent categorical variables whose probabilities are counted frequencies.

    $$p(x) = \prod_d p_d(x_d), \qquad p_d(v) = \frac{n_d(v) + s}{N + s V}$$

    $n_d(v)$ of N training examples have level v at place d. Before `fit` all levels are equally
    likely. The buffer `log_probabilities` (*shape, V) holds the model.

    Args:
        shape: shape of one example.
        num_levels: V.
        smoothing: s; with 0, a level never seen at its place has log p = −∞.

    >>> model = IndependentCategorical((2,), 2, smoothing=1.0)
    >>> _ = model.fit(torch.tensor([[0, 1], [0, 0], [0, 1]]))
    >>> model.log_prob(torch.tensor([[0, 1]])).exp()  # 4/5 · 3/5
    tensor([0.4800])

    Taught in: background/what_is_a_generative_model
    """

    log_probabilities: Tensor

    def __init__(self, shape: Sequence[int], num_levels: int, *, smoothing: float = 0.3) -> None:
        super().__init__()
        check_counts(num_levels=num_levels)
        check_between("smoothing", smoothing, 0)
        self.shape, self.num_levels, self.smoothing = tuple(shape), num_levels, smoothing
        uniform = torch.full((*self.shape, num_levels), -math.log(num_levels))
        self.register_buffer("log_probabilities", uniform)

    def fit(self, x: Tensor) -> Self:
        """Count the levels of the training data, integers (N, *shape)."""
        x, table = self._look(x), self.log_probabilities
        places = x.reshape(len(x), -1).T  # (D, N)
        counts = torch.stack([place.bincount(minlength=self.num_levels) for place in places])
        smoothed = counts.reshape(table.shape).to(table.dtype) + self.smoothing
        table.copy_(smoothed.log() - math.log(len(x) + self.smoothing * self.num_levels))
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood: integer levels (B, *shape) to (B,) nats."""
        x = self._look(x)
        tables = self.log_probabilities.expand(len(x), *self.log_probabilities.shape)
        return tables.gather(-1, x.unsqueeze(-1)).reshape(len(x), -1).sum(1)

    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """Draw n examples, every pixel by itself: levels (n, *shape), int64."""
        table = self.log_probabilities.reshape(-1, self.num_levels).exp()  # (D, V)
        return choose(table, rng, n=n).T.reshape(n, *self.shape)

    def _look(self, x: Tensor) -> Tensor:
        like, top = self.log_probabilities, self.num_levels - 1
        return check_data("x", x, ("B", *self.shape), "integer", like=like, low=0, high=top)
