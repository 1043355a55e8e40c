"""Mixtures of independent categorical variables, fitted by EM: naive Bayes without labels."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from helpers.checks import Dimension, check_between, check_counts, check_data
from helpers.models.mixture import Mixture
from helpers.random import choose


class CategoricalMixture(Mixture):
    r"""Each component draws every variable independently from its own table.

    $$p_k(x) = \prod_{i=1}^D \theta_{k i x_i}$$

    The prior of each table is a Dirichlet with 1 + s + A f_i(v), where f_i(v) is the relative
    frequency of level v of variable i; with s = A = 0 EM is maximum likelihood.

    Buffers: `weights` (K,), `log_table` (K, *event, V) and `prior_counts` (1, *event, V).

    Args:
        components: K.
        num_levels: V, the number of values of each variable.
        smoothing: s, in examples for each cell of a component's tables.
        prior_examples: A, more of them for each variable, spread over the levels as the data are.

    >>> x = torch.tensor([[0, 0, 0], [1, 1, 1]])
    >>> CategoricalMixture(2, 2, smoothing=0.0).fit(x).log_prob(x).exp()
    tensor([0.5000, 0.5000])

    Taught in: background/classical_models
    """

    log_table: Tensor
    prior_counts: Tensor

    def __init__(
        self,
        components: int,
        num_levels: int,
        *,
        smoothing: float = 0.1,
        prior_examples: float = 0.0,
    ) -> None:
        super().__init__(components)
        check_counts(2, num_levels=num_levels)
        check_between("smoothing", smoothing, 0)
        check_between("prior_examples", prior_examples, 0)
        self.num_levels, self.smoothing, self.prior_examples = num_levels, smoothing, prior_examples
        self.register_buffer("log_table", torch.zeros(components, 0, num_levels))
        self.register_buffer("prior_counts", torch.zeros(1, 0, num_levels))

    def _look(self, x: Tensor, shape: tuple[Dimension, ...] = ()) -> Tensor:
        shape, top = shape or ("B", *self.log_table.shape[1:-1]), self.num_levels - 1
        return check_data("x", x, shape, "integer", like=self.weights, low=0, high=top)

    def _prepare(self, x: Tensor, event: torch.Size) -> None:
        frequency = self._counts(x, self.weights.new_ones(len(x), 1)) / len(x)  # (1, D, V)
        prior = self.smoothing + self.prior_examples * frequency
        self.prior_counts = prior.reshape(1, *event, self.num_levels)
        uniform = torch.full_like(self.prior_counts, -math.log(self.num_levels))
        self.log_table = uniform.repeat(self.components, *[1] * (uniform.ndim - 1))

    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        counts = self._counts(x, r).reshape(self.log_table.shape) + self.prior_counts
        table = (counts / counts.sum(-1, keepdim=True)).log()
        if self.smoothing == 0 and self.prior_examples == 0:  # else the prior says what is best
            table[~alive] = self.log_table[~alive]
        self.log_table = table

    def _counts(self, x: Tensor, r: Tensor) -> Tensor:
        one_hot = F.one_hot(x, self.num_levels).to(r.dtype).flatten(1)  # (N, D V)
        return (r.T @ one_hot).reshape(r.shape[1], -1, self.num_levels)  # (K, D, V)

    def _log_components(self, x: Tensor) -> Tensor:
        table = self.log_table.reshape(self.components, -1, self.num_levels)  # (K, D, V)
        variables = torch.arange(x.shape[1], device=x.device)
        return table[:, variables, x].sum(2).T  # (B, K)

    def _log_prior(self) -> Tensor | float:
        return torch.where(self.prior_counts > 0, self.prior_counts * self.log_table, 0.0).sum()

    def _sample_components(self, k: Tensor, rng: Generator | None) -> Tensor:
        return choose(self.log_table[k].exp(), rng)  # (n, *event)
