"""Whether play converges: eigenvalues of one step, computed from the rule and from formulas.

Taught in: optimisation/adversarial_dynamics
"""

import cmath
from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from helpers.checks import check_option, check_shape
from helpers.games.fields import Field
from helpers.games.ways_to_play import WayToPlay

#: Spectral radius of each way to play the bilinear game with the step size h.
BILINEAR_RADII: dict[str, Callable[[float], float]] = {
    "simultaneous": lambda h: sqrt(1 + h**2),
    "alternating": lambda h: 1.0 if h <= 2 else (h**2 - 2 + h * sqrt(h**2 - 4)) / 2,
    "proximal": lambda h: 1 / sqrt(1 + h**2),
    "extragradient": lambda h: sqrt(1 - h**2 + h**4),
    "optimistic": lambda h: (
        sqrt((1 + sqrt(1 - 4 * h**2)) / 2)
        if h <= 1 / 2
        else sqrt(1 + (2 * h + sqrt(4 * h**2 - 1)) ** 2) / 2
    ),
}


def bilinear_radius(method: str, lr: float) -> float:
    """The spectral radius of a way to play the bilinear game, from `BILINEAR_RADII`."""
    return BILINEAR_RADII[check_option("method", method, BILINEAR_RADII)](lr)


def step_matrix(rule: WayToPlay, field: Field, at: Tensor) -> Tensor:
    r"""The Jacobian (2D, 2D) of one step, $(p_t, p_{t-1}) \mapsto (p_{t+1}, p_t)$, both at `at`.

    A rule that does not look back adds D eigenvalues of zero.
    """
    check_shape("at", at, ("D",))

    def advance(pair: Tensor) -> Tensor:
        point, before = pair.chunk(2)
        return torch.cat([rule.step(field, point, before), point])

    jacobian = torch.autograd.functional.jacobian
    matrix: Tensor = jacobian(advance, torch.cat([at, at]))  # type: ignore[no-untyped-call]
    return matrix


def spectral_radius(rule: WayToPlay, field: Field, at: Tensor) -> float:
    """The largest modulus of an eigenvalue of `step_matrix`; below 1 play converges locally."""
    eigenvalues: Tensor = torch.linalg.eigvals(step_matrix(rule, field, at))
    return eigenvalues.abs().max().item()


def dirac_eigenvalues(
    gamma: float = 0.0, noise_std: float = 0.0, ratio: float = 1.0
) -> tuple[complex, complex]:
    r"""The eigenvalues of the Dirac-GAN's flow $\dot p = -F(p)$ at its equilibrium.

    $$ \lambda = -\frac{\tau d}{2} \pm \sqrt{\frac{\tau^2 d^2}{4} - \frac{\tau}{4}}, \qquad
        d = \gamma + \frac{s^2}{2} $$

    The discriminator learns $\tau$ = `ratio` times as fast as the generator. The eigenvalue with
    the larger real part comes first; a simultaneous step of size $h$ has $1 + h\lambda$.
    """
    half = ratio * (gamma + noise_std**2 / 2) / 2
    root = cmath.sqrt(half**2 - ratio / 4)
    return -half + root, -half - root
