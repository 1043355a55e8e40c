"""Continuous flows: an ordinary differential equation carries data to noise."""

import torch
from torch import Generator, Tensor, nn

from helpers.checks import check_counts, check_data, check_option
from helpers.distributions import StandardNormal
from helpers.networks import evaluating
from helpers.samplers.ode import Step, integrate, runge_kutta_4


class ContinuousFlow(nn.Module):
    r"""The flow of a vector field from data at t = 0 to noise at t = 1.

    $$\frac{dx}{dt} = v(t, x), \qquad
      \log p(x_0) = \log \mathcal N(x_1; 0, I) + \int_0^1 \operatorname{tr}
      \frac{\partial v}{\partial x}(t, x_t)\, dt$$

    The trace costs D gradients. Hutchinson's estimate costs one, with any ε of mean 0 and
    covariance I; it is unbiased, and only `loss` uses it: log_prob stays exact (up to the steps).

    $$\operatorname{tr} A = \mathbb E\, \varepsilon^\top A\, \varepsilon$$

    Args:
        field: v, maps (B, D + 1), x and then t, to (B, D). Smooth activations only.
        features: D.
        trace: of the loss, `"exact"` or `"hutchinson"`.
        steps: number of steps of the solver.
        step: how it steps, see `helpers.samplers.ode`.

    Reference: Chen et al., arXiv:1806.07366; Grathwohl et al., arXiv:1810.01367. They
    keep time the other way round.

    Taught in: models/flow
    """

    def __init__(
        self,
        field: nn.Module,
        features: int,
        *,
        trace: str = "exact",
        steps: int = 20,
        step: Step = runge_kutta_4,
    ) -> None:
        super().__init__()
        check_counts(features=features, steps=steps)
        check_option("trace", trace, ("exact", "hutchinson"))
        self.field, self.features, self.trace = field, features, trace
        self.steps, self.step = steps, step
        self.base = StandardNormal()

    def velocity(self, t: float, x: Tensor) -> Tensor:
        """The field v(t, x), (B, D)."""
        v: Tensor = self.field(torch.cat([x, torch.full_like(x[:, :1], t)], 1))
        return v

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """From data to noise: z, and log |det ∂z/∂x| by exact traces, (B,) nats."""
        return self._carry(self._check("x", x), 0, 1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """From noise to data: x, and log |det ∂x/∂z| by exact traces, (B,) nats."""
        return self._carry(self._check("z", z), 1, 0)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each example, exact but for the solver's steps: (B,) nats."""
        z, log_det = self(x)
        log_prob: Tensor = self.base.log_prob(z) + log_det
        return log_prob

    def loss(self, x: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Mean negative log-likelihood, nats; with Hutchinson's trace an unbiased estimate."""
        x, probe = self._check("x", x), None
        if self.trace == "hutchinson":
            coins = torch.rand(x.shape, generator=rng, device=x.device, dtype=x.dtype)
            probe = 1 - 2 * coins.round()  # the same at all times: one smooth equation
        z, log_det = self._carry(x, 0, 1, probe)
        return {"loss": -(self.base.log_prob(z) + log_det).mean()}

    @torch.no_grad()
    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """Draw n examples, (n, D), without any trace."""
        z = self.base.sample((n, self.features), self._weight, rng)
        with evaluating(self):
            return integrate(self.velocity, z, 1, 0, steps=self.steps, step=self.step)

    @property
    def _weight(self) -> Tensor:
        return next(self.parameters())

    def _check(self, name: str, x: Tensor) -> Tensor:
        return check_data(name, x, ("B", self.features), like=self._weight)

    def _carry(
        self, x: Tensor, start: float, end: float, probe: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Solve for x and for the integral of the trace at once: one more column."""
        training = torch.is_grad_enabled()

        def both(t: float, state: Tensor) -> Tensor:
            with torch.enable_grad():
                x = state[:, :-1]
                x = x if x.requires_grad else x.detach().requires_grad_()
                v = self.velocity(t, x)
                trace = _trace(v, x, probe, training)
            out = torch.cat([v, trace[:, None]], 1)
            return out if training else out.detach()

        state = torch.cat([x, torch.zeros_like(x[:, :1])], 1)  # (B, D + 1)
        state = integrate(both, state, start, end, steps=self.steps, step=self.step)
        return state[:, :-1], state[:, -1]


def _trace(v: Tensor, x: Tensor, probe: Tensor | None, training: bool) -> Tensor:
    r"""The trace of ∂v/∂x, or $\varepsilon^\top (\partial v / \partial x)\, \varepsilon$: (B,)."""

    def row(weighted: Tensor) -> Tensor:
        gradient: Tensor = torch.autograd.grad(
            weighted.sum(), x, create_graph=training, retain_graph=True
        )[0]
        return gradient

    if probe is not None:
        return (row(v * probe) * probe).sum(1)
    return torch.stack([row(v[:, d])[:, d] for d in range(x.shape[1])]).sum(0)
