r"""What gradient descent and momentum do on a quadratic, exactly.

On $J(\theta) = \frac12 \sum_i \lambda_i \theta_i^2$ every rule of `momentum` is linear, and the
coordinates do not mix: all there is to know is one 2×2 matrix for each curvature $\lambda_i$.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_floating, check_option, check_positive
from helpers.optim.gradient import check_decay, check_step_size
from helpers.optim.momentum import SGD


def momentum_matrix(
    lr: float, curvature: Tensor, *, momentum: float = 0.0, nesterov: bool = False
) -> Tensor:
    r"""The matrix that maps $(\theta_t, \theta_{t-1})$ to $(\theta_{t+1}, \theta_t)$.

    .. math:: \begin{pmatrix} 1 + \beta - \alpha\lambda & -\beta \\ 1 & 0 \end{pmatrix}
        \quad\text{or}\quad
        \begin{pmatrix} (1 + \beta)(1 - \alpha\lambda) & -\beta (1 - \alpha\lambda) \\ 1 & 0
        \end{pmatrix} \text{ (Nesterov)}

    For Nesterov $\theta$ is the point at which the gradient is taken, as in ``torch.optim.SGD``.

    Args:
        lr: $\alpha > 0$.
        curvature: $\lambda$, any shape, floating point.
        momentum: $\beta$ in [0, 1).
        nesterov: the second form.

    Returns:
        The matrices, shape (\*curvature.shape, 2, 2).

    Raises:
        TypeError: `curvature` is not a floating-point tensor, or a number is none.
        ValueError: `lr` or `momentum` is out of its range.

    >>> momentum_matrix(0.5, torch.tensor(1.0), momentum=0.25)
    tensor([[ 0.7500, -0.2500],
            [ 1.0000,  0.0000]])

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_floating("curvature", curvature)
    check_decay("momentum", momentum)
    trace, determinant = _trace_and_determinant(lr, curvature, momentum, nesterov)
    top = torch.stack([trace, -determinant], -1)
    bottom = torch.stack([torch.ones_like(trace), torch.zeros_like(trace)], -1)
    return torch.stack([top, bottom], -2)  # (*curvature.shape, 2, 2)


def momentum_radius(
    lr: float | Tensor, curvature: Tensor, *, momentum: float | Tensor = 0.0, nesterov: bool = False
) -> Tensor:
    r"""The spectral radius of `momentum_matrix`: the factor by which the error shrinks in a step.

    Args:
        lr: $\alpha$; a tensor draws a whole map at once (it broadcasts with the others).
        curvature: $\lambda$, floating point.
        momentum: $\beta$, likewise.
        nesterov: Nesterov's form.

    Returns:
        The larger modulus of the two eigenvalues, broadcast shape; below 1 the rule converges.
        At the best parameters both eigenvalues coincide, where a general eigenvalue routine loses
        half of its digits; the quadratic formula used here, with a discriminant below rounding
        taken as zero, does not.

    Raises:
        TypeError: `curvature` is not a floating-point tensor.

    >>> round(momentum_radius(0.1, torch.tensor(1.0), momentum=0.81).item(), 6)
    0.9

    Taught in: optimisation/gradient_methods
    """
    check_floating("curvature", curvature)
    trace, determinant = _trace_and_determinant(lr, curvature, momentum, nesterov)
    discriminant = trace**2 - 4 * determinant
    rounding = 8 * torch.finfo(trace.dtype).eps * (trace**2 + 4 * determinant.abs())
    root = torch.where(discriminant.abs() <= rounding, 0.0, discriminant).clamp(min=0).sqrt()
    complex_pair = determinant.clamp(min=0).sqrt()
    return torch.where(discriminant < -rounding, complex_pair, (trace.abs() + root) / 2)


def tuned(method: str, smallest: float, largest: float) -> tuple[SGD, float]:
    r"""The best constant step size and momentum for curvatures in [smallest, largest].

    With $\kappa$ the ratio of the two, $\mu$ the smaller and $L$ the larger:

    =================  ===========================  ==========================  ================
    method             step size                    momentum                    rate
    =================  ===========================  ==========================  ================
    gradient descent   $2/(\mu+L)$                  0                           $(κ-1)/(κ+1)$
    heavy ball         $4/(\sqrt\mu+\sqrt L)^2$     square of the rate          $(√κ-1)/(√κ+1)$
    nesterov           $1/L$                        $(√κ-1)/(√κ+1)$             $1-1/√κ$
    =================  ===========================  ==========================  ================

    Args:
        method: ``"gradient descent"``, ``"heavy ball"`` or ``"nesterov"``.
        smallest: $\mu > 0$.
        largest: $L > \mu$.

    Returns:
        The rule, and the factor by which its error shrinks in a step in the long run.

    Raises:
        TypeError: a curvature is no number.
        ValueError: unknown method, or not ``0 < smallest < largest``.

    Reference: Polyak (1964) for the heavy ball; Lessard, Recht & Packard (2016),
    arXiv:1408.3595, for the table of rates on quadratics.

    >>> rule, rate = tuned("heavy ball", 1.0, 100.0)
    >>> round(rule.lr, 4), round(rule.momentum, 4), round(rate, 4)
    (0.0331, 0.6694, 0.8182)

    Taught in: optimisation/gradient_methods
    """
    check_option("method", method, ["gradient descent", "heavy ball", "nesterov"])
    check_positive("smallest", smallest)
    check_positive("largest", largest)
    if smallest >= largest:
        got = f"{smallest} and {largest}"
        raise argument_error("smallest", "be smaller than largest", got)
    if method == "gradient descent":
        return SGD(lr=2 / (smallest + largest)), (largest - smallest) / (largest + smallest)
    low, high = math.sqrt(smallest), math.sqrt(largest)
    ratio = (high - low) / (high + low)
    if method == "heavy ball":
        return SGD(lr=4 / (low + high) ** 2, momentum=ratio**2), ratio
    return SGD(lr=1 / largest, momentum=ratio, nesterov=True), 1 - low / high


def _trace_and_determinant(
    lr: float | Tensor, curvature: Tensor, momentum: float | Tensor, nesterov: bool
) -> tuple[Tensor, Tensor]:
    shrink = 1 - lr * curvature
    if nesterov:
        trace, determinant = (1 + momentum) * shrink, momentum * shrink
    else:
        trace, determinant = shrink + momentum, momentum + torch.zeros_like(shrink)
    return trace, determinant + torch.zeros_like(trace)
