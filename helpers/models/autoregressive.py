"""Autoregressive models: one value after the other, each given those before it."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from helpers.checks import check_counts, check_data, check_shape
from helpers.distributions import Categorical
from helpers.networks import evaluating
from helpers.networks.masked import full_order


class AutoregressiveModel(nn.Module):
    r"""A product of conditional distributions of one value each, all from one network.

    $$\log p(x) = \sum_{i=1}^{D} \log p(x_{o(i)} \mid x_{o(1)}, \dots, x_{o(i-1)})$$

    Args:
        network: maps x as floats, (B, *event), to (B, *event, P): P numbers for each value, which
            depend on the values before it only. Levels come divided by the largest one. A network
            of a conditional model takes (x, y).
        event: the shape of one example.
        levels: V, where the values are integers 0 … V − 1; None for real numbers.
        likelihood: turns P numbers for each of N values, (N, P), into their distributions, with
            `log_prob` and `sample`: `Categorical`, `LogisticLevels`, `NormalMixture`.
        order: o, the order that the network obeys: a permutation of 0 … D − 1, the positions of the
            flattened event. As they stand by default.

    A training step costs one pass through the network, a sample D of them.

    >>> from helpers.networks import MADE
    >>> model = AutoregressiveModel(MADE(6, [16], 2), (6,), levels=2)
    >>> model.log_prob(torch.tensor([[0, 1, 1, 0, 1, 0]])).shape
    torch.Size([1])

    Taught in: models/autoregressive
    """

    order: Tensor

    def __init__(
        self,
        network: nn.Module,
        event: Sequence[int],
        *,
        levels: int | None = None,
        likelihood: Callable[[Tensor], Any] = Categorical,
        order: Tensor | Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if levels is not None:
            check_counts(2, levels=levels)
        self.network, self.event, self.levels = network, tuple(event), levels
        self.likelihood = likelihood
        self.register_buffer("order", full_order(order, math.prod(self.event)))

    def conditionals(self, x: Tensor, y: Tensor | None = None) -> Any:
        """The distribution of each value given those before it in x: B·D entries, one a value."""
        return self.scaled_conditionals(self._floats(self._check(x)), y)

    def scaled_conditionals(self, x: Tensor, y: Tensor | None = None) -> Any:
        """The same for x as floats, as the network reads it."""
        return self.likelihood(self._raw(x, y).flatten(0, 1))

    def log_conditionals(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The terms of `log_prob`, each at its value's place: (B, *event) nats, without dropout."""
        with evaluating(self):
            return self._log_conditionals(x, y)

    def log_prob(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Exact log-likelihood, (B, *event) to (B,) nats, given y if the network takes it."""
        return self.log_conditionals(x, y).flatten(1).sum(1)

    def loss(
        self, x: Tensor, y: Tensor | None = None, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean negative log-likelihood of an example, nats.

        `rng` is unused: dropout draws from torch's global state.
        """
        return {"loss": -self._log_conditionals(x, y).flatten(1).sum(1).mean()}

    def sample(
        self, n: int, *, y: Tensor | None = None, rng: torch.Generator | None = None
    ) -> Tensor:
        """Draw n examples, (n, *event), value by value; y is what each is conditioned on."""
        dtype = self._weight.dtype if self.levels is None else torch.int64
        x = torch.zeros(n, *self.event, dtype=dtype, device=self._weight.device)
        return self._draw(x, 0, y, rng)

    def complete(
        self, x: Tensor, known: int, *, y: Tensor | None = None, rng: torch.Generator | None = None
    ) -> Tensor:
        """Keep the first `known` values in the order, draw the rest given them: (B, *event).

        These are draws from the exact conditional distribution; a half that does not come first
        needs a model of another order.
        """
        check_counts(0, known=known)
        return self._draw(self._check(x).clone(), known, y, rng)

    @property
    def _weight(self) -> Tensor:
        """A parameter: knows the model's device and type."""
        return next(self.parameters())

    def _check(self, x: Tensor) -> Tensor:
        if self.levels is None:
            return check_data("x", x, ("B", *self.event), like=self._weight)
        top = self.levels - 1
        return check_data("x", x, ("B", *self.event), "integer", like=self._weight, low=0, high=top)

    def _log_conditionals(self, x: Tensor, y: Tensor | None) -> Tensor:
        x = self._check(x)
        terms: Tensor = self.scaled_conditionals(self._floats(x), y).log_prob(x.flatten())
        return terms.reshape(x.shape)

    def _floats(self, x: Tensor) -> Tensor:
        return x if self.levels is None else x.to(self._weight.dtype) / (self.levels - 1)

    def _raw(self, x: Tensor, y: Tensor | None) -> Tensor:
        """The network's numbers for each value, (B, D, P)."""
        raw: Tensor = self.network(x) if y is None else self.network(x, y)
        check_shape("network's output", raw, (*x.shape, "P"))
        return raw.flatten(1, -2)

    @torch.no_grad()
    def _draw(self, x: Tensor, known: int, y: Tensor | None, rng: torch.Generator | None) -> Tensor:
        with evaluating(self):
            for place in self.order[known:].tolist():
                raw = self._raw(self._floats(x), y)[:, place]  # (n, P)
                x.view(len(x), -1)[:, place] = self.likelihood(raw).sample(rng)
        return x


class MeanOfConditionals(nn.Module):
    r"""The conditional distributions of several models, averaged: a network for one more model.

    $$ p(x_i \mid x_{<i}) = \frac1K \sum_k p_k(x_i \mid x_{<i}) $$

    The models have one order and one number of levels. What they say of a value is averaged in
    probability; averaged logits would be other distributions.

    Taught in: models/autoregressive
    """

    def __init__(self, models: Iterable[AutoregressiveModel]) -> None:
        super().__init__()
        self.models: Any = nn.ModuleList(models)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Floats (B, *event), and y if the models take it, to logits (B, *event, V)."""
        logits = [model.scaled_conditionals(x, y).logits.log_softmax(1) for model in self.models]
        return torch.stack(logits).logsumexp(0).reshape(*x.shape, -1)
