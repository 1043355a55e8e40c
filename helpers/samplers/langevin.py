"""Langevin dynamics: downhill with noise, from an energy E that need not be normalised.

Many chains run side by side. The energy is a callable from (B, *event) to (B,) nats that does not
mix the examples.
"""

import torch
from torch import Generator, Tensor

from helpers.checks import check_between, check_counts
from helpers.objectives.score import Energy, score_of
from helpers.random import normal, uniform


@torch.no_grad()
def langevin(
    energy: Energy, x: Tensor, *, steps: int, step_size: float, rng: Generator | None = None
) -> Tensor:
    r"""Unadjusted Langevin dynamics from x, (B, *event); the end of each chain, without gradient.

    $$ x_{t+1} = x_t - \tfrac h2 \nabla E(x_t) + \sqrt h\, \varepsilon_t, \qquad
       \varepsilon_t \sim \mathcal N(0, I) $$

    In the long run the chains come from a density near $e^{-E} / Z$, with an error of order h. For
    $E = \lambda x^2 / 2$ it is normal with the variance $1 / (\lambda (1 - h \lambda / 4))$.

    Args:
        energy: E.
        x: where the chains begin.
        steps: how many, from 0.
        step_size: h.
        rng: draws the noise.

    Reference: Roberts and Tweedie, Bernoulli 2 (1996) 341.

    Taught in: models/energy
    """
    check_counts(0, steps=steps)
    check_between("step_size", step_size, 0, ends="()")
    score = score_of(energy)
    for _ in range(steps):
        eps = normal(x.shape, x, rng)
        x = x + step_size / 2 * score(x) + step_size**0.5 * eps
    return x


@torch.no_grad()
def metropolis_langevin(
    energy: Energy, x: Tensor, *, steps: int, step_size: float, rng: Generator | None = None
) -> tuple[Tensor, Tensor]:
    r"""Langevin steps as proposals that are accepted or refused: no error in the long run (MALA).

    $$ A = \min\Big(1, \frac{e^{-E(x')}\, q(x \mid x')}{e^{-E(x)}\, q(x' \mid x)}\Big), \qquad
       q(x' \mid x) = \mathcal N\big(x';\, x - \tfrac h2 \nabla E(x),\, h I\big) $$

    Arguments as in `langevin`.

    Returns:
        The end of each chain, (B, *event), and the share of its proposals that were accepted, (B,).

    Reference: Roberts and Tweedie, Bernoulli 2 (1996) 341.

    Taught in: models/energy
    """
    check_counts(steps=steps)
    check_between("step_size", step_size, 0, ends="()")
    score = score_of(energy)
    log_p, slope = -energy(x), score(x)
    accepted = torch.zeros_like(log_p)
    for _ in range(steps):
        proposal = x + step_size / 2 * slope + step_size**0.5 * normal(x.shape, x, rng)
        log_p_new, slope_new = -energy(proposal), score(proposal)
        there = _log_normal(proposal - x - step_size / 2 * slope, step_size)
        back = _log_normal(x - proposal - step_size / 2 * slope_new, step_size)
        log_ratio = log_p_new + back - log_p - there
        accept = uniform(log_p.shape, log_p, rng).log() < log_ratio  # (B,)
        wide = accept.reshape(-1, *[1] * (x.ndim - 1))  # (B, 1, …)
        x, slope = torch.where(wide, proposal, x), torch.where(wide, slope_new, slope)
        log_p = torch.where(accept, log_p_new, log_p)
        accepted += accept
    return x, accepted / steps


def _log_normal(gap: Tensor, variance: float) -> Tensor:
    """Log-density of a normal distance, up to a constant: (B, *event) to (B,)."""
    return -gap.square().flatten(1).sum(1) / (2 * variance)
