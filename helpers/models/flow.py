"""Flows: an invertible network between the data and a distribution that is known."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from helpers.checks import check_counts, check_data
from helpers.distributions import StandardNormal
from helpers.networks import Chain, Invertible, evaluating


class Flow(nn.Module):
    r"""A density by change of variables, exact in both directions.

    $$\log p(x) = \log p_0(f(x)) + \log \left|\det \frac{\partial f}{\partial x}\right|,
      \qquad x = f^{-1}(z), \quad z \sim p_0$$

    Args:
        layers: the parts of f, from data to noise.
        event: shape of one example.
        base: p₀; `StandardUniform` for layers that map the unit cube to itself.
        condition: C, numbers that each example is conditioned on; 0 for none. Where it is not, the
            methods take `condition`, (B, C).

    Reference: Dinh et al., arXiv:1605.08803; Papamakarios et al., arXiv:1912.02762.

    >>> from helpers.networks import MLP, Coupling
    >>> moved = torch.tensor([False, True])
    >>> flow = Flow([Coupling(MLP(1, [8], 2), moved), Coupling(MLP(1, [8], 2), ~moved)], (2,))
    >>> z, log_det = flow(torch.zeros(5, 2))
    >>> flow.log_prob(torch.zeros(5, 2)).shape
    torch.Size([5])

    Taught in: models/flow
    """

    def __init__(
        self,
        layers: Iterable[Invertible],
        event: Sequence[int],
        *,
        base: Any = None,
        condition: int = 0,
    ) -> None:
        super().__init__()
        check_counts(0, condition=condition)
        self.chain = Chain(layers)
        self.event, self.condition = tuple(event), condition
        self.base = StandardNormal() if base is None else base
        with torch.no_grad(), evaluating(self):
            x = self._weight.new_zeros(1, *self.event)
            z, _ = self.chain(x, x.new_zeros(1, condition) if condition else None)
        self.latent: tuple[int, ...] = tuple(z.shape[1:])

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """From data to noise: z, and log |det ∂z/∂x|, (B,) nats."""
        _, low, high = self.base.support
        x = check_data("x", x, ("B", *self.event), like=self._weight, low=low, high=high)
        z, log_det = self.chain(x, self._given(condition, len(x)))
        return z, log_det

    def inverse(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """From noise to data: x, and log |det ∂x/∂z|, (B,) nats."""
        z = check_data("z", z, ("B", *self.latent), like=self._weight)
        return self.chain.inverse(z, self._given(condition, len(z)))

    def log_prob(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Exact log-density of each example, without dropout: (B,) nats."""
        with evaluating(self):
            return self._log_prob(x, condition)

    def loss(
        self, x: Tensor, condition: Tensor | None = None, *, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean negative log-likelihood, nats: ``loss``.

        `rng` is unused: dropout draws from torch's global state.
        """
        return {"loss": -self._log_prob(x, condition).mean()}

    @torch.no_grad()
    def sample(
        self, n: int, *, rng: Generator | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """Draw n examples, (n, *event); `condition` has one row for each."""
        z = self.base.sample((n, *self.latent), self._weight, rng)
        with evaluating(self):
            x, _ = self.chain.inverse(z, self._given(condition, n))
        return x

    @torch.no_grad()
    def initialise(self, x: Tensor, condition: Tensor | None = None) -> None:
        """Set each `ActNorm` from a batch, one after the other, as the batch reaches it."""
        self(x, condition)  # looks at both
        with evaluating(self):
            self.chain.initialise(x, condition)

    @property
    def _weight(self) -> Tensor:
        """A parameter: knows the model's device and type."""
        return next(self.parameters())

    def _log_prob(self, x: Tensor, condition: Tensor | None) -> Tensor:
        z, log_det = self(x, condition)
        log_prob: Tensor = self.base.log_prob(z) + log_det
        return log_prob

    def _given(self, condition: Tensor | None, n: int) -> Tensor | None:
        if not self.condition and condition is None:
            return None
        return check_data("condition", condition, (n, self.condition), like=self._weight)
