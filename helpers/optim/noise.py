r"""The noise of stochastic gradients: how large it is, and where it keeps the iterates."""

from __future__ import annotations

from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_positive, check_shape
from helpers.optim.gradient import check_decay, check_step_size


def minibatch_variance(per_example: Tensor, batch_size: int) -> Tensor:
    r"""The variance of a mini-batch gradient, drawn without replacement.

    .. math:: \operatorname{Var}\Big[\frac1B \sum_{i \in \mathcal B} g_i\Big]
        = \frac{1}{B}\,\frac{N - B}{N - 1}\;\frac1N \sum_{i=1}^N (g_i - \bar g)^2

    Args:
        per_example: the gradients $g_i$ of all examples, shape (N, D), N ≥ 2.
        batch_size: $B$ in 1 … N.

    Returns:
        The variance of each coordinate, shape (D,), never negative, zero for B = N.

    Raises:
        TypeError: `batch_size` is no integer, or `per_example` no tensor.
        ValueError: another shape, fewer than two examples, or a batch larger than the data.

    >>> import torch
    >>> minibatch_variance(torch.tensor([[0.0], [2.0], [4.0]]), 2)
    tensor([0.6667])

    Taught in: optimisation/gradient_methods
    """
    check_shape("per_example", per_example, ("N", "D"))
    check_at_least("batch_size", batch_size, 1)
    n = per_example.shape[0]
    if n < 2:
        raise argument_error("per_example", "have at least 2 rows", n)
    if batch_size > n:
        raise argument_error("batch_size", f"be at most the {n} examples", batch_size)
    spread = per_example.var(0, correction=0)  # (D,)
    return spread * (n - batch_size) / (n - 1) / batch_size


def noise_floor(lr: float, curvature: float, noise_std: float, *, momentum: float = 0.0) -> float:
    r"""The variance at which stochastic descent on a quadratic comes to rest.

    The gradient is $\lambda \theta_t + \xi_t$ with independent noise of standard deviation
    $\sigma$; for $\beta = 0$ the last factor of the second form is one.

    .. math:: \operatorname{Var}[\theta_\infty]
        = \frac{\alpha \sigma^2}{\lambda (2 - \alpha \lambda)}
        \quad\text{and}\quad
        \frac{\alpha \sigma^2}{\lambda \big(2 (1 + \beta) - \alpha \lambda\big)}
        \cdot \frac{1 + \beta}{1 - \beta}

    Args:
        lr: $\alpha$, below the threshold $2 (1 + \beta) / \lambda$.
        curvature: $\lambda > 0$.
        noise_std: $\sigma \ge 0$, of the gradient.
        momentum: $\beta$ in [0, 1).

    Returns:
        The variance of $\theta$ in the long run.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range, or `lr` is at or above the threshold.

    >>> noise_floor(0.5, 1.0, 3.0)
    3.0

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_positive("curvature", curvature)
    check_at_least("noise_std", noise_std, 0.0)
    check_decay("momentum", momentum)
    room = 2 * (1 + momentum) - lr * curvature
    if room <= 0:
        limit = 2 * (1 + momentum) / curvature
        raise argument_error("lr", f"be below {limit:g}", lr, "the variance grows for ever")
    return lr * noise_std**2 * (1 + momentum) / (curvature * room * (1 - momentum))
