r"""Whether play converges: eigenvalues of one step, computed from the rule and from formulas."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import check_at_least, check_floating, check_option, check_positive, check_shape
from helpers.games.fields import Field
from helpers.games.play import GameRule

METHODS = ("simultaneous", "alternating", "proximal", "extragradient", "optimistic")


def step_matrix(rule: GameRule, field: Field, at: Tensor) -> Tensor:
    r"""The Jacobian of one step with respect to the point and the rule's memory.

    Args:
        rule: from `helpers.games.play`.
        field: the joint field of a game.
        at: a point (D,), usually an equilibrium; the memory is the one that the rule starts with.

    Returns:
        The matrix, shape (2D, 2D), rows and columns ordered as (point, memory). A rule without a
        memory adds D eigenvalues of zero.

    Raises:
        TypeError: `at` is not a floating-point tensor.
        ValueError: `at` is no vector.

    >>> from helpers.games.fields import bilinear_game
    >>> from helpers.games.play import Simultaneous
    >>> step_matrix(Simultaneous(0.5), bilinear_game, torch.zeros(2))[:2, :2]
    tensor([[ 1.0000, -0.5000],
            [ 0.5000,  1.0000]])

    Taught in: optimisation/adversarial_dynamics
    """
    check_floating("at", at)
    check_shape("at", at, ("D",))
    size = at.shape[0]
    pair = torch.cat([at, rule.start(field, at)]).detach()

    def advance(state: Tensor) -> Tensor:
        return torch.cat(rule.step(field, state[:size], state[size:]))

    jacobian = torch.autograd.functional.jacobian
    matrix: Tensor = jacobian(advance, pair)  # type: ignore[no-untyped-call]
    return matrix


def spectral_radius(rule: GameRule, field: Field, at: Tensor) -> float:
    r"""The factor by which the error near an equilibrium changes in a step, in the long run.

    .. math:: \rho = \max_i |\lambda_i|

    Args: as in `step_matrix`.

    Returns:
        The largest modulus of an eigenvalue of `step_matrix`; below 1 play converges locally. At a
        double eigenvalue of a matrix that cannot be diagonalised half of the digits are lost.

    >>> from helpers.games.fields import bilinear_game
    >>> from helpers.games.lookahead import Proximal
    >>> round(spectral_radius(Proximal(1.0), bilinear_game, torch.zeros(2)), 4)
    0.7071

    Taught in: optimisation/adversarial_dynamics
    """
    eigenvalues: Tensor = torch.linalg.eigvals(step_matrix(rule, field, at))
    return eigenvalues.abs().max().item()


def bilinear_radius(method: str, lr: float) -> float:
    r"""The spectral radius of a way to play the bilinear game, from its formula.

    ==============  ====================================================  ======================
    method          spectral radius                                       converges
    ==============  ====================================================  ======================
    simultaneous    $\sqrt{1 + h^2}$                                      never
    alternating     1 up to $h = 2$, then $(h^2-2+h\sqrt{h^2-4})/2$       never; bounded, $h < 2$
    proximal        $1 / \sqrt{1 + h^2}$                                  always
    extragradient   $\sqrt{1 - h^2 + h^4}$                                $h < 1$
    optimistic      $\sqrt{(1 + \sqrt{1 - 4h^2}) / 2}$ up to $h = 1/2$,   $h < 1/\sqrt 3$
                    then $\sqrt{1 + (2h + \sqrt{4h^2 - 1})^2} / 2$
    ==============  ====================================================  ======================

    Args:
        method: the first column.
        lr: $h > 0$.

    Returns:
        The radius.

    Raises:
        TypeError: `lr` is no number.
        ValueError: unknown method, or `lr` is not positive.

    >>> round(bilinear_radius("extragradient", 0.5**0.5), 6)
    0.866025

    Taught in: optimisation/adversarial_dynamics
    """
    check_option("method", method, METHODS)
    check_positive("lr", lr)
    square = lr**2
    if method == "simultaneous":
        return math.sqrt(1 + square)
    if method == "alternating":
        return 1.0 if lr <= 2 else (square - 2 + lr * math.sqrt(square - 4)) / 2
    if method == "proximal":
        return 1 / math.sqrt(1 + square)
    if method == "extragradient":
        return math.sqrt(1 - square + square**2)
    if lr <= 0.5:
        return math.sqrt((1 + math.sqrt(1 - 4 * square)) / 2)
    return math.sqrt(1 + (2 * lr + math.sqrt(4 * square - 1)) ** 2) / 2


def dirac_eigenvalues(
    gamma: float = 0.0, noise_std: float = 0.0, ratio: float = 1.0
) -> tuple[complex, complex]:
    r"""The eigenvalues of the Dirac-GAN's flow $\dot p = -F(p)$ at its equilibrium.

    .. math:: \lambda = -\frac{\tau d}{2} \pm \sqrt{\frac{\tau^2 d^2}{4} - \frac{\tau}{4}}, \qquad
        d = \gamma + \frac{s^2}{2}

    Args:
        gamma: weight $\gamma \ge 0$ of the R1 penalty.
        noise_std: $s \ge 0$, standard deviation of the instance noise.
        ratio: $\tau > 0$, how much faster the discriminator learns than the generator.

    Returns:
        Both eigenvalues, the one with the larger real part first. A simultaneous step of size $h$
        multiplies its eigenvector by $1 + h\lambda$.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range.

    Reference: Mescheder, Geiger & Nowozin (2018), arXiv:1801.04406, for $\tau = 1$.

    >>> dirac_eigenvalues(gamma=1.0)
    ((-0.5+0j), (-0.5+0j))

    Taught in: optimisation/adversarial_dynamics
    """
    check_at_least("gamma", gamma, 0.0)
    check_at_least("noise_std", noise_std, 0.0)
    check_positive("ratio", ratio)
    half = ratio * (gamma + noise_std**2 / 2) / 2
    inside = half**2 - ratio / 4
    root = complex(math.sqrt(inside), 0) if inside >= 0 else complex(0, math.sqrt(-inside))
    return -half + root, -half - root
