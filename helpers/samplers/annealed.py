"""Annealed importance sampling: the ratio of two normalisers along a path between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from helpers.checks import argument_error

PathEnergy = Callable[[Tensor, float], Tensor]
Move = Callable[[Tensor, float], Tensor]


@torch.no_grad()
def annealed_log_weights(
    energy: PathEnergy, move: Move, x: Tensor, betas: Sequence[float]
) -> Tensor:
    r"""Log-weights (B,) of chains that follow a path of energies $E_\beta$.

    $$ \log w = \sum_{k=1}^K E_{\beta_{k-1}}(x_{k-1}) - E_{\beta_k}(x_{k-1}), \qquad
       \mathbb E\, w = \frac{Z_{\beta_K}}{Z_{\beta_0}} $$

    Betas that rise from an easy $E_0$ give, on average, a lower bound on $\log Z_1$; betas that
    fall from draws of the model give the other way round an upper bound: together a bracket.

    Args:
        energy: $E_\beta(x)$ as a function of x, (B, *event), and β: (B,) nats.
        move: a Markov step (x, β) → x that leaves $e^{-E_\beta} / Z_\beta$ as it is.
        x: exact draws at the first β, (B, *event).
        betas: the path, from the first β to the last.

    Reference: Neal, arXiv:physics/9803008; from both ends: Grosse et al., arXiv:1511.02543.

    Taught in: models/energy
    """
    if len(betas) < 2:
        raise argument_error("betas", "have at least 2 entries", len(betas))
    log_w = torch.zeros_like(x.flatten(1)[:, 0])
    for before, after in pairwise(betas):
        log_w += energy(x, before) - energy(x, after)
        x = move(x, after)
    return log_w
