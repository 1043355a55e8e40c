"""The deep energy model: any network may say how unlikely an example is."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from helpers.checks import argument_error, check_between, check_counts, check_data, check_shape
from helpers.networks import evaluating
from helpers.random import normal, uniform
from helpers.samplers.langevin import langevin


class EnergyModel(nn.Module):
    r"""A network bends the energy of a standard normal distribution.

    $$ p(x) = \frac{e^{-E(x)}}{Z}, \qquad
       E(x) = \mathrm{network}(x) + \tfrac12 \lVert x \rVert^2 $$

    The square keeps Z finite where the network is bounded below, or falls no faster than linearly;
    centre and scale the data. There is no `log_prob`, since Z is an integral over all images.

    Training needs draws of the model. They come from kept chains, each of which makes some Langevin
    steps in each call of `loss`, and now and then begins again in noise.

    Args:
        network: (B, *event) to (B,) or (B, 1).
        event: shape of one example.
        chains: number of kept chains, at least the size of a batch.
        steps: Langevin steps of a chain in each call of `loss`.
        step_size: h of the Langevin steps.
        restart: probability of a chain to begin again, in [0, 1].
        penalty: weight of the squared energies in `loss`, which keeps them near 0.

    Reference: Du and Mordatch, arXiv:1903.08689; kept chains: Tieleman, ICML 2008.

    >>> from helpers.networks import MLP
    >>> model = EnergyModel(MLP((2, 3), [8], 1), (2, 3), chains=10)
    >>> model.energy(torch.zeros(5, 2, 3)).shape, model.sample(4, steps=10).shape
    (torch.Size([5]), torch.Size([4, 2, 3]))

    Taught in: models/energy
    """

    chains: Tensor

    def __init__(
        self,
        network: nn.Module,
        event: Sequence[int],
        *,
        chains: int = 1000,
        steps: int = 20,
        step_size: float = 0.01,
        restart: float = 0.05,
        penalty: float = 0.0,
    ) -> None:
        super().__init__()
        check_counts(chains=chains, steps=steps)
        check_between("step_size", step_size, 0, ends="()")
        check_between("restart", restart, 0, 1)
        check_between("penalty", penalty, 0)
        self.network, self.event, self.steps = network, tuple(event), steps
        self.step_size, self.restart, self.penalty = step_size, restart, penalty
        self.register_buffer("chains", normal((chains, *self.event), self._weight))

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = −log p(x) − log Z: (B, *event) to (B,) nats."""
        return self._energy(self._check(x))

    def loss(self, x: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        r"""Lower the energy of the data, raise it where the kept chains have gone.

        $$ E(x) - E(x^-) + \mathrm{penalty}\,\big(E(x)^2 + E(x^-)^2\big) $$

        Without penalty the gradient is that of −log p, if x⁻ are draws of the model. The chains
        move on in training mode only.

        Returns:
            Means over the batch, nats: ``loss`` with graph, whose value says nothing about the fit;
            detached ``data_energy`` E(x) and ``model_energy`` E(x⁻), which should stay close.
        """
        x = self._check(x)
        if len(x) > len(self.chains):
            hint = "make a model with more chains"
            raise argument_error("x", f"have at most {len(self.chains)} examples", len(x), hint)
        rows = torch.randperm(len(self.chains), generator=rng, device=x.device)[: len(x)]
        again = uniform((len(x), *[1] * (x.ndim - 1)), x, rng) < self.restart
        start = torch.where(again, normal(x.shape, x, rng), self.chains[rows])
        negative = self._langevin(start, self.steps, rng)
        if self.training:
            self.chains[rows] = negative
        data, model = self._energy(x), self._energy(negative)
        loss = (data - model + self.penalty * (data.square() + model.square())).mean()
        terms = {"data_energy": data.detach().mean(), "model_energy": model.detach().mean()}
        return {"loss": loss, **terms}

    @torch.no_grad()
    def sample(self, n: int, *, rng: Generator | None = None, steps: int = 1000) -> Tensor:
        """Ends of n Langevin chains (n, *event) that begin in noise; near p if they are long."""
        return self._langevin(normal((n, *self.event), self._weight, rng), steps, rng)

    def _langevin(self, x: Tensor, steps: int, rng: Generator | None) -> Tensor:
        with evaluating(self):
            return langevin(self._energy, x, steps=steps, step_size=self.step_size, rng=rng)

    def _energy(self, x: Tensor) -> Tensor:
        output: Tensor = self.network(x).reshape(len(x), -1)
        check_shape("network's output", output, (len(x), 1), hint="one number for each example")
        return output[:, 0] + 0.5 * x.square().flatten(1).sum(1)

    @property
    def _weight(self) -> Tensor:
        """A parameter: knows the model's device and type."""
        return next(self.parameters())

    def _check(self, x: Tensor) -> Tensor:
        return check_data("x", x, ("B", *self.event), like=self._weight)
