r"""What gradient descent and momentum do on a quadratic, exactly.

On $J(\theta) = \frac12 \sum_i \lambda_i \theta_i^2$ the rule `SGD` is linear, and the coordinates
do not mix: all there is to know is one 2×2 matrix for each curvature $\lambda_i$.

Taught in: optimisation/gradient_methods
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_option
from helpers.optim.rules import SGD


def momentum_matrix(
    lr: float, curvature: Tensor, *, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    r"""The matrices (..., 2, 2) that map $(\theta_t, \theta_{t-1})$ to $(\theta_{t+1}, \theta_t)$.

    $$ \begin{pmatrix} 1 + \beta - \alpha\lambda & -\beta \\ 1 & 0 \end{pmatrix}
        \quad\text{or}\quad
        \begin{pmatrix} (1 + \beta)(1 - \alpha\lambda) & -\beta (1 - \alpha\lambda) \\ 1 & 0
        \end{pmatrix} \text{ (Nesterov)} $$
    """
    trace, determinant = _trace_and_determinant(lr, curvature, momentum, nesterov)
    one, zero = torch.ones_like(trace), torch.zeros_like(trace)
    return torch.stack([trace, -determinant, one, zero], -1).reshape(*trace.shape, 2, 2)


def momentum_radius(
    lr: float | Tensor, curvature: Tensor, *, momentum: float | Tensor = 0.0, nesterov: bool = False
) -> Tensor:
    """The spectral radius of `momentum_matrix`: the factor by which the error shrinks in a step."""
    trace, determinant = _trace_and_determinant(lr, curvature, momentum, nesterov)
    discriminant = trace**2 - 4 * determinant
    # Where the eigenvalues coincide the root of a rounding error would cost half of the digits.
    rounding = 8 * torch.finfo(trace.dtype).eps * (trace**2 + 4 * determinant.abs())
    root = torch.where(discriminant > rounding, discriminant, 0.0).sqrt()
    complex_pair = determinant.clamp(min=0).sqrt()
    return torch.where(discriminant < -rounding, complex_pair, (trace.abs() + root) / 2)


def tuned(method: str, smallest: float, largest: float) -> tuple[SGD, float]:
    """The best constant step size and momentum for curvatures in [smallest, largest], and the rate.

    The rate is the factor by which the error shrinks in a step in the long run. The methods are
    ``"gradient descent"``, ``"heavy ball"`` and ``"nesterov"``.

    Reference: Lessard, Recht & Packard (2016), arXiv:1408.3595.
    """
    check_between("smallest", smallest, 0, largest, ends="()")
    low, high = math.sqrt(smallest), math.sqrt(largest)
    ratio = (high - low) / (high + low)
    total = smallest + largest
    table = {
        "gradient descent": (SGD(lr=2 / total), (largest - smallest) / total),
        "heavy ball": (SGD(lr=4 / (low + high) ** 2, momentum=ratio**2), ratio),
        "nesterov": (SGD(lr=1 / largest, momentum=ratio, nesterov=True), 1 - low / high),
    }
    return table[check_option("method", method, table)]


def _trace_and_determinant(
    lr: float | Tensor, curvature: Tensor, momentum: float | Tensor, nesterov: bool
) -> tuple[Tensor, Tensor]:
    shrink = 1 - lr * curvature
    if nesterov:
        return (1 + momentum) * shrink, momentum * shrink
    return shrink + momentum, momentum + torch.zeros_like(shrink)
