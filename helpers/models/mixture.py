r"""Finite mixtures fitted by expectation–maximisation (EM).

A mixture explains each example by one of K components, and which one is not observed. EM
alternates the posterior over the component (E-step) with weighted maximum likelihood (M-step); no
step lowers the objective (Dempster, Laird and Rubin, 1977).
"""

from __future__ import annotations

import math
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_nonempty,
    check_option,
    check_range,
)
from helpers.data.k_means import k_means


class Mixture:
    r"""A mixture of K components, without saying of what: the E-step and the loop.

    .. math:: p(x) = \sum_{k=1}^K \pi_k\, p_k(x)

    Subclasses say what a component is. ``weights`` (K,) are the π_k; ``history`` holds the
    objective before each step of the last :meth:`fit` and after its last step.

    Taught in: background/classical_models
    """

    weights: Tensor
    history: list[float]

    def __init__(self, components: int) -> None:
        check_at_least("components", components, 1)
        self.components = components
        self.event_shape: torch.Size | None = None

    def fit(
        self,
        x: Tensor,
        *,
        restarts: int = 1,
        max_steps: int = 200,
        tolerance: float = 1e-5,
        rng: torch.Generator | None = None,
    ) -> Self:
        r"""Fit by EM, each time from the groups of k-means, and keep the best of the restarts.

        Args:
            x: examples, shape (N, *event), N ≥ K.
            restarts: number of runs of EM, each from its own groups; the objective on `x` decides.
            max_steps: limit of EM steps in a run.
            tolerance: a run stops when a step gains less, in nats an example.
            rng: source of randomness of the groups.

        Returns:
            The model itself; ``history`` tells how the best run went.

        Raises:
            ValueError: fewer examples than components, or an argument out of range.
        """
        check_at_least("restarts", restarts, 1)
        self._check_values(x)
        runs = []
        for _ in range(restarts):
            groups = k_means(x, self.components, rng=rng)
            self.start(x, groups).improve(x, max_steps=max_steps, tolerance=tolerance)
            runs.append(dict(vars(self)))  # shallow: an EM step makes new tensors
        vars(self).update(max(runs, key=lambda run: run["history"][-1]))
        return self

    def start(self, x: Tensor, responsibilities: Tensor) -> Self:
        r"""Set the parameters by one M-step from given responsibilities, shape (N, K)."""
        self._check_values(x)
        check_nonempty("x", x)
        if responsibilities.shape != (len(x), self.components):
            expected = f"have shape ({len(x)}, {self.components})"
            raise argument_error("responsibilities", expected, tuple(responsibilities.shape))
        self.event_shape = x.shape[1:]
        self.weights = responsibilities.mean(0)
        self._first_guess(x.flatten(1))
        self._maximise(x.flatten(1), responsibilities)
        return self

    def improve(self, x: Tensor, *, max_steps: int = 200, tolerance: float = 1e-5) -> Self:
        r"""Repeat :meth:`em_step` until a step gains less than `tolerance` nats an example."""
        self.history = [self.objective(x)]
        for _ in range(max_steps):
            self.em_step(x)
            self.history.append(self.objective(x))
            if self.history[-1] - self.history[-2] < tolerance:
                break
        return self

    def em_step(self, x: Tensor) -> None:
        r"""One E-step and one M-step, in place; :meth:`objective` does not fall.

        A component to which no example belongs keeps its parameters and gets the weight zero.
        """
        self._maximise(x.flatten(1), self.responsibilities(x))

    def objective(self, x: Tensor) -> float:
        r"""What EM never lowers: (log-likelihood + log-prior of the parameters) / N, in nats."""
        return float(self.log_prob(x).mean() + self._log_prior() / len(x))

    def log_joint(self, x: Tensor) -> Tensor:
        r"""Log of π_k p_k(x) for each example and component: (B, K) nats."""
        event = self._fitted()
        self._check_values(x)
        if x.shape[1:] != event:
            raise argument_error(
                "x", f"have shape (B, {', '.join(map(str, event))})", tuple(x.shape)
            )
        return self.weights.log() + self._log_components(x.flatten(1))

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Exact log-likelihood of each example.

        .. math:: \log p(x) = \log \sum_k \exp(\log \pi_k + \log p_k(x))

        Args:
            x: examples, shape (B, *event).

        Returns:
            (B,) nats.
        """
        return self.log_joint(x).logsumexp(1)

    def responsibilities(self, x: Tensor) -> Tensor:
        r"""The E-step: posterior probability of each component.

        .. math:: r_k(x) = p(k \mid x) = \frac{\pi_k\, p_k(x)}{\sum_j \pi_j\, p_j(x)}

        Args:
            x: examples, shape (B, *event).

        Returns:
            (B, K), rows sum to 1.

        Raises:
            ValueError: no component can produce one of the examples.
        """
        log_joint = self.log_joint(x)
        impossible = int(log_joint.isneginf().all(1).sum())
        if impossible:
            got = f"{impossible} of {len(x)} that no component can produce"
            raise argument_error("x", "hold examples of positive probability", got, "smooth more")
        return log_joint.softmax(1)

    @torch.no_grad()
    def sample(
        self, n: int, *, rng: torch.Generator | None = None, component: int | None = None
    ) -> Tensor:
        r"""Draw a component for each example, then the example.

        Args:
            n: number of examples, at least 1.
            component: draw from this one only, in [0, K).
            rng: source of randomness; without one, the global state of torch.

        Returns:
            (n, *event).
        """
        event = self._fitted()
        check_at_least("n", n, 1)
        weights = self.weights
        if component is not None:
            check_option("component", component, range(self.components))
            weights = F.one_hot(torch.tensor(component, device=weights.device), self.components)
            weights = weights.to(self.weights.dtype)
        k = torch.multinomial(weights, n, replacement=True, generator=rng)
        return self._sample_components(k, rng).reshape(n, *event)

    def _maximise(self, x: Tensor, r: Tensor) -> None:
        r"""The M-step: weights here, components in the subclass."""
        counts = r.sum(0)  # (K,)
        self.weights = counts / counts.sum()
        alive = counts > 1e-8  # below this a quotient of two vanishing sums means nothing
        self._maximise_components(x, r, alive)

    def _fitted(self) -> torch.Size:
        if self.event_shape is None:
            raise RuntimeError("the mixture has no parameters yet: call fit or start first")
        return self.event_shape

    def _check_values(self, x: Tensor) -> None:
        raise NotImplementedError

    def _first_guess(self, x: Tensor) -> None:
        raise NotImplementedError

    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        raise NotImplementedError

    def _log_components(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _log_prior(self) -> Tensor | float:
        raise NotImplementedError

    def _sample_components(self, k: Tensor, rng: torch.Generator | None) -> Tensor:
        raise NotImplementedError


class CategoricalMixture(Mixture):
    r"""Each component draws every variable independently from its own table.

    .. math:: p_k(x) = \prod_{i=1}^D \theta_{k i x_i}

    With one component it is the model of independent pixels; with K components, naive Bayes whose
    classes nobody has told.

    Args:
        components: number K ≥ 1.
        num_levels: number V ≥ 2 of values of each variable.
        smoothing: pseudo-count s ≥ 0 of each cell of each component's tables, in examples.
        prior_examples: A ≥ 0 pseudo-examples that each component gets in addition, spread over the
            levels as the data as a whole are: with few examples of its own a component falls back
            on independent variables.

    The prior of each table is a Dirichlet with 1 + s + A f_i(v), where f_i(v) is the relative
    frequency of level v of variable i. EM climbs to a mode of the posterior; with s = A = 0 it is
    maximum likelihood.

    After fitting: ``weights`` (K,), ``log_table`` (K, D, V).

    >>> x = torch.tensor([[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]])
    >>> mixture = CategoricalMixture(2, 2, smoothing=0.0)
    >>> mixture = mixture.fit(x, rng=torch.Generator().manual_seed(0))
    >>> mixture.log_prob(x).exp()
    tensor([0.5000, 0.5000, 0.5000, 0.5000])

    Taught in: background/classical_models
    """

    def __init__(
        self,
        components: int,
        num_levels: int,
        *,
        smoothing: float = 0.1,
        prior_examples: float = 0.0,
    ) -> None:
        super().__init__(components)
        check_at_least("num_levels", num_levels, 2)
        check_at_least("smoothing", smoothing, 0.0)
        self.num_levels = num_levels
        check_at_least("prior_examples", prior_examples, 0.0)
        self.smoothing = smoothing
        self.prior_examples = prior_examples

    def _check_values(self, x: Tensor) -> None:
        check_integer("x", x)
        check_range("x", x, 0, self.num_levels - 1)

    def _first_guess(self, x: Tensor) -> None:
        everyone = torch.ones(len(x), 1, device=x.device)
        frequency = self._counts(x, everyone) / len(x)  # (1, D, V)
        self.prior_counts = self.smoothing + self.prior_examples * frequency
        shape = (self.components, x.shape[1], self.num_levels)
        self.log_table = torch.full(shape, -math.log(self.num_levels), device=x.device)

    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        counts = self._counts(x, r) + self.prior_counts
        table = (counts / counts.sum(2, keepdim=True)).log()
        if self.smoothing == 0 and self.prior_examples == 0:  # else the prior says what is best
            table = torch.where(alive[:, None, None], table, self.log_table)
        self.log_table = table

    def _counts(self, x: Tensor, r: Tensor) -> Tensor:
        cell = x + self.num_levels * torch.arange(x.shape[1], device=x.device)
        one_hot = r.new_zeros(len(x), x.shape[1] * self.num_levels).scatter_(1, cell, 1.0)
        return (r.T @ one_hot).reshape(r.shape[1], -1, self.num_levels)  # (K, D, V)

    def _log_components(self, x: Tensor) -> Tensor:
        variables = torch.arange(x.shape[1], device=x.device)
        by_level = self.log_table.permute(1, 2, 0).contiguous()  # (D, V, K)
        return by_level[variables, x].sum(1)

    def _log_prior(self) -> Tensor | float:
        return torch.where(self.prior_counts > 0, self.prior_counts * self.log_table, 0.0).sum()

    def _sample_components(self, k: Tensor, rng: torch.Generator | None) -> Tensor:
        rows = self.log_table[k].exp().flatten(0, 1)  # (n D, V)
        return torch.multinomial(rows, 1, generator=rng)
