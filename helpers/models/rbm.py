"""The restricted Boltzmann machine: an energy over a visible and a hidden layer of binary units."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import softplus

from helpers.checks import argument_error, check_counts, check_data
from helpers.metrics.estimates import Estimate, log_mean_exp
from helpers.random import normal
from helpers.samplers.annealed import annealed_log_weights

LARGEST = 16  # units of a layer whose states are enumerated


class Bracket(NamedTuple):
    """Two estimates of log Z, of which one is too small on average and the other too large."""

    lower: Estimate
    upper: Estimate


class RBM(nn.Module):
    r"""Binary x and hidden h, with weights between the layers and none inside a layer.

    $$ p(x, h) = \frac{e^{-E(x, h)}}{Z}, \qquad
       E(x, h) = -b^\top x - c^\top h - x^\top W h $$
    $$ F(x) = -\log \sum_h e^{-E(x, h)} =
       -b^\top x - \sum_j \mathrm{softplus}\big(c_j + (W^\top x)_j\big) $$

    Given one layer, the units of the other are independent: block Gibbs sampling draws them in
    turns. There is no `log_prob`, since Z is a sum over all images; see `log_normaliser` for small
    layers and `log_normaliser_bracket` for others.

    Args:
        event: shape of one example, of D zeros and ones.
        hidden: number of hidden units.
        frequencies: how often each unit of x is 1, (*event), inside (0, 1); default ½. Training
            and annealing start from independent units with these frequencies.
        steps: k, Gibbs steps from the data (CD-k) or of the kept chains in each call of `loss`.
        chains: number of kept chains (persistent contrastive divergence); 0 starts at the data.

    Reference: Hinton, Neural Computation 14 (2002) 1771; kept chains: Tieleman, ICML 2008.

    >>> model = RBM((2, 2), 3)
    >>> sorted(model.loss(torch.ones(5, 2, 2)))
    ['data_energy', 'loss', 'model_energy']
    >>> model.sample(3, steps=10).shape
    torch.Size([3, 2, 2])

    Taught in: models/energy
    """

    base: Tensor
    chains: Tensor

    def __init__(
        self,
        event: Sequence[int],
        hidden: int,
        *,
        frequencies: Tensor | None = None,
        steps: int = 1,
        chains: int = 0,
    ) -> None:
        super().__init__()
        check_counts(hidden=hidden, steps=steps)
        check_counts(0, chains=chains)
        self.event, self.hidden, self.steps = tuple(event), hidden, steps
        if frequencies is None:
            frequencies = torch.full(self.event, 0.5)
        hint = "count one example more of either kind"
        p = check_data("frequencies", frequencies, self.event, low=1e-6, high=1 - 1e-6, hint=hint)
        p = p.flatten()
        self.register_buffer("base", p.logit())
        self.register_buffer("chains", torch.bernoulli(p.expand(chains, len(p))))
        self.weight = nn.Parameter(0.01 * normal((len(p), hidden), p))
        self.visible_bias = nn.Parameter(p.logit())
        self.hidden_bias = nn.Parameter(torch.zeros_like(self.weight[0]))

    def joint_energy(self, x: Tensor, h: Tensor) -> Tensor:
        """E(x, h) of pairs (B, *event) and (B, hidden): (B,) nats."""
        x = self._rows(x)
        h = check_data("h", h, (len(x), self.hidden), "binary", like=self.weight, low=0, high=1)
        return -x @ self.visible_bias - h @ self.hidden_bias - (x @ self.weight * h).sum(1)

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) = −log p(x) − log Z: (B, *event) to (B,) nats."""
        return self._free_energy(self._rows(x))

    def loss(self, x: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Contrastive divergence: its gradient is that of −log p, with draws after k Gibbs steps.

        $$ F(x) - F(x^-) $$

        Kept chains move on in training mode only.

        Returns:
            Means over the batch, nats: ``loss`` with graph, whose value says nothing about the fit;
            detached ``data_energy`` F(x) and ``model_energy`` F(x⁻).
        """
        x = self._rows(x)
        negative = self._gibbs(self.chains if len(self.chains) else x, self.steps, 1.0, rng)
        if len(self.chains) and self.training:
            self.chains = negative
        data, model = self._free_energy(x).mean(), self._free_energy(negative).mean()
        terms = {"data_energy": data.detach(), "model_energy": model.detach()}
        return {"loss": data - model, **terms}

    def gibbs(self, x: Tensor, *, steps: int, rng: Generator | None = None) -> Tensor:
        """Draw h given x, then x given h, `steps` times: (B, *event) to (B, *event)."""
        check_counts(0, steps=steps)
        return self._gibbs(self._rows(x), steps, 1.0, rng).reshape(x.shape)

    @torch.no_grad()
    def sample(self, n: int, *, rng: Generator | None = None, steps: int = 1000) -> Tensor:
        """Ends of n chains (n, *event) that start with independent units; exact for long chains."""
        rows = torch.bernoulli(self.base.sigmoid().expand(n, -1), generator=rng)
        return self._gibbs(rows, steps, 1.0, rng).reshape(n, *self.event)

    @torch.no_grad()
    def log_normaliser(self) -> Tensor:
        """Log Z by a sum over all states of the smaller layer, of at most 16 units."""
        w, b, c = self.weight.data, self.visible_bias.data, self.hidden_bias.data
        if len(b) < len(c):
            w, b, c = w.T, c, b  # the energy does not care which layer is called hidden
        if len(c) > LARGEST:
            hint = "see log_normaliser_bracket"
            raise argument_error("smaller layer", f"have at most {LARGEST} units", len(c), hint)
        h = _states(len(c), like=c)
        return torch.logsumexp(h @ c + softplus(b + h @ w.T).sum(1), 0)

    @torch.no_grad()
    def log_normaliser_bracket(
        self, start: Tensor, *, temperatures: int = 1000, rng: Generator | None = None
    ) -> Bracket:
        r"""Log Z between annealed importance sampling from independent units, and back to them.

        $$ F_\beta(x) = -\big((1 - \beta)\, b_0 + \beta b\big)^\top x
           - \sum_j \mathrm{softplus}\, \beta \big(c_j + (W^\top x)_j\big) $$

        Args:
            start: draws of the model, (N, *event), one for each chain in either direction. The
                upper end is as good as they are: use exact draws, or the ends of long chains.
            temperatures: steps of β from 0 to 1.
            rng: draws.

        Reference: Salakhutdinov and Murray, ICML 2008.
        """
        check_counts(temperatures=temperatures)
        start = self._rows(start)
        first = torch.bernoulli(self.base.sigmoid().expand_as(start), generator=rng)
        betas = torch.linspace(0, 1, temperatures + 1).tolist()

        def move(x: Tensor, beta: float) -> Tensor:
            return self._gibbs(x, 1, beta, rng)

        there = annealed_log_weights(self._free_energy, move, first, betas)
        back = annealed_log_weights(self._free_energy, move, start, betas[::-1])
        log_z0 = softplus(self.base).sum().item() + self.hidden * math.log(2)
        lower, upper = log_mean_exp(there), log_mean_exp(back)
        return Bracket(
            Estimate(log_z0 + lower.value, lower.standard_error),
            Estimate(log_z0 - upper.value, upper.standard_error),
        )

    def _rows(self, x: Tensor) -> Tensor:
        like = self.weight
        x = check_data("x", x, ("B", *self.event), "binary", like=like, low=0, high=1)
        return x.flatten(1)

    def _free_energy(self, x: Tensor, beta: float = 1.0) -> Tensor:
        bias = (1 - beta) * self.base + beta * self.visible_bias
        return -x @ bias - softplus(self._hidden_logits(x, beta)).sum(1)

    def _hidden_logits(self, x: Tensor, beta: float) -> Tensor:
        return beta * (self.hidden_bias + x @ self.weight)

    def _visible_logits(self, h: Tensor, beta: float) -> Tensor:
        return (1 - beta) * self.base + beta * (self.visible_bias + h @ self.weight.T)

    @torch.no_grad()
    def _gibbs(self, x: Tensor, steps: int, beta: float, rng: Generator | None) -> Tensor:
        for _ in range(steps):
            h = torch.bernoulli(self._hidden_logits(x, beta).sigmoid(), generator=rng)
            x = torch.bernoulli(self._visible_logits(h, beta).sigmoid(), generator=rng)
        return x


def _states(units: int, like: Tensor) -> Tensor:
    """All zeros and ones of so many units: (2^units, units)."""
    number = torch.arange(2**units, device=like.device)[:, None]
    return (number >> torch.arange(units, device=like.device) & 1).to(like.dtype)
