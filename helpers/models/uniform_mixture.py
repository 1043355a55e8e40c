"""Equal mixtures of models, or of the conditions of one: what is not told is summed over."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from helpers.checks import check_counts, check_data


class UniformMixture(nn.Module):
    r"""K equally likely components, each with a likelihood of its own; the subclass says which.

    $$ p(x) = \frac1K \sum_{k=1}^K p_k(x) $$
    """

    components: int

    def log_components(self, x: Tensor) -> Tensor:
        """The components' log-likelihoods, (B, *event) to (B, K) nats."""
        raise NotImplementedError

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood, (B, *event) to (B,) nats."""
        return self.log_components(x).logsumexp(1) - math.log(self.components)

    def loss(self, x: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Mean negative log-likelihood, nats: the components' own, without dropout."""
        return {"loss": -self.log_prob(x).mean()}

    def _choose(self, n: int, rng: Generator | None) -> Tensor:
        device = next(self.parameters()).device
        return torch.randint(self.components, (n,), generator=rng, device=device)


class ConditionMixture(UniformMixture):
    """One conditional model, summed over what it is conditioned on: p_k(x) = p(x | y_k).

    With one condition it is the conditional model that needs not be told. Training is the
    conditional model's.

    Args:
        model: has `log_prob(x, y)` and `sample(n, y=…)`.
        conditions: the y_k, (K,) or (K, F).
    """

    conditions: Tensor

    def __init__(self, model: Any, conditions: Tensor) -> None:
        super().__init__()
        check_data("conditions", conditions, (...,), "integer")
        self.model, self.components = model, len(conditions)
        self.register_buffer("conditions", conditions)

    def log_components(self, x: Tensor) -> Tensor:
        ys = [y.expand(len(x), *y.shape) for y in self.conditions]
        return torch.stack([self.model.log_prob(x, y) for y in ys], 1)

    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """A condition for each example, then the example: (n, *event)."""
        x: Tensor = self.model.sample(n, y=self.conditions[self._choose(n, rng)], rng=rng)
        return x


class ModelMixture(UniformMixture):
    """Several models of the same data, for instance of several orders: p_k is the k-th."""

    def __init__(self, models: Iterable[nn.Module]) -> None:
        super().__init__()
        self.models: Any = nn.ModuleList(models)
        self.components = len(self.models)
        check_counts(models=self.components)

    def log_components(self, x: Tensor) -> Tensor:
        return torch.stack([model.log_prob(x) for model in self.models], 1)

    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """A model for each example, then the example: (n, *event)."""
        counts = torch.bincount(self._choose(n, rng), minlength=self.components).tolist()
        pairs = zip(self.models, counts)
        drawn = torch.cat([model.sample(count, rng=rng) for model, count in pairs if count])
        mixed = torch.randperm(n, generator=rng, device=drawn.device)
        return drawn[mixed]  # any few of them are draws from the mixture too
