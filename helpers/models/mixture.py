"""Finite mixtures fitted by expectation–maximisation (EM).

EM alternates the posterior over the component (E-step) with weighted maximum likelihood (M-step);
no step lowers the objective (Dempster, Laird and Rubin, 1977).
"""

from abc import ABC, abstractmethod
from typing import Self

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from helpers.checks import Dimension, check_counts, check_data
from helpers.models.fitted import Fitted
from helpers.random import choose


class Mixture(Fitted, ABC):
    r"""A mixture of K components, without saying of what: the E-step and the loop.

    $$p(x) = \sum_{k=1}^K \pi_k\, p_k(x)$$

    The buffer `weights` (K,) holds the π_k; `history` the objective before each step of the last
    `fit` and at its end.

    Taught in: background/classical_models
    """

    weights: Tensor

    def __init__(self, components: int) -> None:
        super().__init__()
        check_counts(components=components)
        self.components = components
        self.history: list[float] = []
        self.register_buffer("weights", torch.full((components,), 1.0 / components))

    @torch.no_grad()
    def fit(
        self, x: Tensor, *, restarts: int = 1, max_steps: int = 200, rng: Generator | None = None
    ) -> Self:
        """Fit examples (N, *event) by EM from groups of k-means, and keep the best of the restarts.

        A run stops when a step gains less than 1e-5 nats an example.
        """
        x = self._look(x, (...,))
        check_counts(self.components, **{"len(x)": len(x)})
        check_counts(restarts=restarts)
        runs = []
        for _ in range(restarts):
            self.start(x, k_means(x.to(self.weights.dtype), self.components, rng=rng))
            history: list[float] = []
            for step in range(max_steps + 1):
                r, objective = self._expect(x)
                history.append(objective)
                if step == max_steps or (step and objective - history[-2] < 1e-5):
                    break
                self._maximise(x, r)
            runs.append((history, self.state_dict()))  # an EM step makes new tensors
        self.history, best = max(runs, key=lambda run: run[0][-1])
        self.load_state_dict(best)
        return self

    @torch.no_grad()
    def start(self, x: Tensor, responsibilities: Tensor) -> Self:
        """Set the parameters by one M-step from given responsibilities (N, K)."""
        x = self._look(x, (...,))
        shape = (len(x), self.components)
        r = check_data("responsibilities", responsibilities, shape, like=self.weights, low=0.0)
        self._prepare(_rows(x), x.shape[1:])
        self._maximise(x, r)
        return self

    @torch.no_grad()
    def em_step(self, x: Tensor) -> None:
        """One E-step and one M-step, in place; the objective does not fall.

        A component to which no example belongs keeps its parameters and gets the weight zero.
        """
        r, _ = self._expect(x)
        self._maximise(self._look(x), r)

    def _expect(self, x: Tensor) -> tuple[Tensor, float]:
        """The E-step: p(k | x), (N, K), and (log-likelihood + log-prior) / N, which EM raises."""
        log_joint = self.log_joint(x)
        log_prob = log_joint.logsumexp(1).double().mean()
        return log_joint.softmax(1), float(log_prob + self._log_prior() / len(x))

    def _maximise(self, x: Tensor, r: Tensor) -> None:
        """The M-step: weights here, components in the subclass."""
        counts = r.sum(0)  # (K,)
        self.weights = counts / counts.sum()
        alive = counts > 1e-8  # below this a quotient of two vanishing sums means nothing
        self._maximise_components(_rows(x), r, alive)

    def log_joint(self, x: Tensor) -> Tensor:
        """Log of π_k p_k(x) for each example and component: (B, *event) to (B, K) nats."""
        self.check_fitted()
        return self.weights.log() + self._log_components(_rows(self._look(x)))

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood of each example: (B, *event) to (B,) nats."""
        return self.log_joint(x).logsumexp(1)

    def sample(
        self, n: int, *, rng: Generator | None = None, component: int | None = None
    ) -> Tensor:
        """Draw a component for each example (or take `component`), then the example."""
        self.check_fitted()
        weights = self.weights
        if component is not None:
            weights = torch.eye(self.components).to(weights)[component]
        return self._sample_components(choose(weights, rng, n=n), rng)

    @abstractmethod
    def _look(self, x: Tensor, shape: tuple[Dimension, ...] = ()) -> Tensor:
        """The one look at the examples, by default at more of those that the model knows."""

    @abstractmethod
    def _prepare(self, x: Tensor, event: torch.Size) -> None:
        """Set what the first M-step on rows (N, D) needs: empty components, the prior."""

    @abstractmethod
    def _maximise_components(self, x: Tensor, r: Tensor, alive: Tensor) -> None:
        """Set the components' parameters; only where `alive` (K,) do examples belong to one."""

    @abstractmethod
    def _log_components(self, x: Tensor) -> Tensor:
        """Log-densities log p_k(x), (B, K)."""

    @abstractmethod
    def _log_prior(self) -> Tensor | float:
        """Log-prior of the components' parameters, up to a constant."""

    @abstractmethod
    def _sample_components(self, k: Tensor, rng: Generator | None) -> Tensor:
        """One example of each component k (n,): (n, *event)."""


def _rows(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def k_means(
    x: Tensor, components: int, *, max_steps: int = 20, rng: Generator | None = None
) -> Tensor:
    """Groups around K centres, to start EM from: examples (N, *event) to (N, K) zeros and ones.

    The first centres are drawn in proportion to the squared distance from the nearest one before
    (k-means++: Arthur and Vassilvitskii, 2007); then groups and their means take turns.
    """
    # scikit-learn's KMeans draws from NumPy, on the CPU: restarts would not follow `rng`.
    points = _rows(x)
    points = points - points.mean(0)  # sums far from the origin would lose digits
    chances = torch.ones_like(points[:, 0])
    centres = points[:0]
    for _ in range(components):
        centres = torch.cat([centres, points[choose(chances, rng)][None]])
        chances = _distances(points, centres).min(1).values.square()
        if not chances.any():  # fewer different examples than centres
            chances = torch.ones_like(chances)
    groups = _nearest(points, centres)
    for _ in range(max_steps):
        sizes = groups.sum(0)[:, None]
        means = groups.T @ points / sizes.clamp_min(1.0)
        centres = torch.where(sizes > 0, means, centres)
        previous, groups = groups, _nearest(points, centres)
        if torch.equal(previous, groups):
            break
    return groups


def _nearest(x: Tensor, centres: Tensor) -> Tensor:
    return F.one_hot(_distances(x, centres).argmin(1), len(centres)).to(x.dtype)  # (N, K)


def _distances(x: Tensor, centres: Tensor) -> Tensor:
    # from differences: |a|² − 2ab + |b|², which cdist takes from 26 rows on, loses small ones
    return torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist")
