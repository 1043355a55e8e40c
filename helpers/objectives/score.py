"""Score matching: fit the slope of log p, in which the normaliser Z does not appear.

A score is a callable from (B, *event) to (B, *event) that does not mix the examples; every
objective gives one value for each example, (B,), to be minimised.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from helpers.checks import check_between, check_shape
from helpers.random import normal, uniform

Energy = Callable[[Tensor], Tensor]
Score = Callable[[Tensor], Tensor]


def score_of(energy: Energy) -> Score:
    r"""The score of an energy, $\nabla \log p(x) = -\nabla E(x)$: Z has gone.

    It keeps the graph to the energy's parameters, unless gradients are switched off.

    >>> score_of(lambda x: x.square().sum(1) / 2)(torch.tensor([[1.0, -2.0]]))
    tensor([[-1., 2.]], grad_fn=<NegBackward0>)
    """

    def score(x: Tensor) -> Tensor:
        keep = torch.is_grad_enabled()
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            value = energy(x)
            check_shape("energy(x)", value, (len(x),), hint="one number for each example")
            (slope,) = torch.autograd.grad(value.sum(), x, create_graph=keep)
        return -slope

    return score


def explicit_score_matching(score: Score, target: Score, x: Tensor) -> Tensor:
    r"""Half the squared distance from the true score, where it is known; 0 if they agree.

    $$ \tfrac12 \lVert s(x) - \nabla \log p(x) \rVert^2 $$

    Its mean over x from p is the Fisher divergence.
    """
    return 0.5 * (score(x) - target(x)).square().flatten(1).sum(1)


def score_matching(score: Score, x: Tensor) -> Tensor:
    r"""The same on average, up to a constant, without the true score.

    $$ \tfrac12 \lVert s(x) \rVert^2 + \operatorname{tr} \nabla s(x) $$

    The trace takes one backward pass for each dimension of x.

    Reference: Hyvärinen, JMLR 6 (2005) 695.

    Taught in: models/energy
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        rows = s.flatten(1)  # (B, D)
        trace = torch.zeros_like(rows[:, 0])
        for d in range(rows.shape[1]):
            (row,) = torch.autograd.grad(rows[:, d].sum(), x, create_graph=True)
            trace = trace + row.flatten(1)[:, d]
    return 0.5 * rows.square().sum(1) + trace


def sliced_score_matching(score: Score, x: Tensor, *, rng: Generator | None = None) -> Tensor:
    r"""`score_matching` with the trace estimated along one random direction of signs.

    $$ \tfrac12 \lVert s(x) \rVert^2 + v^\top \nabla s(x)\, v, \qquad
       v \in \{-1, 1\}^D, \quad \mathbb E\, v^\top A v = \operatorname{tr} A $$

    Reference: Song et al., arXiv:1905.07088, with the square taken exactly.

    Taught in: models/energy
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        s = score(x)
        v = 2 * uniform(x.shape, x, rng).round() - 1
        (row,) = torch.autograd.grad((s * v).sum(), x, create_graph=True)  # vᵀ∇s
    return (0.5 * s.square() + row * v).flatten(1).sum(1)


def denoising_score_matching(
    score: Score, x: Tensor, *, std: float, rng: Generator | None = None
) -> Tensor:
    r"""Regression on the score of the noise: the best s is the score of the *noisy* density.

    $$ \tfrac12 \Big\lVert s(x + \sigma \varepsilon) + \frac{\varepsilon}{\sigma}
       \Big\rVert^2, \qquad \varepsilon \sim \mathcal N(0, I) $$

    Args:
        score: s.
        x: clean examples, (B, *event).
        std: σ of the noise.
        rng: draws it.

    Reference: Vincent, Neural Computation 23 (2011) 1661.

    Taught in: models/energy
    """
    check_between("std", std, 0, ends="()")
    eps = normal(x.shape, x, rng)
    return 0.5 * (score(x + std * eps) + eps / std).square().flatten(1).sum(1)
