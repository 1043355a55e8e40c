"""The noise of stochastic gradients: how large it is, and where it keeps the iterates.

Taught in: optimisation/gradient_methods
"""

from torch import Tensor

from helpers.checks import check_between, check_data


def minibatch_variance(per_example: Tensor, batch_size: int) -> Tensor:
    r"""The variance, shape (D,), of a mini-batch gradient drawn without replacement from (N, D).

    $$ \operatorname{Var}\Big[\frac1B \sum_{i \in \mathcal B} g_i\Big]
        = \frac{1}{B}\,\frac{N - B}{N - 1}\;\frac1N \sum_{i=1}^N (g_i - \bar g)^2 $$
    """
    n = len(check_data("per_example", per_example, ("N", "D")))
    check_between("batch_size", batch_size, 1, n)
    spread = per_example.var(0, correction=0)
    return spread * (n - batch_size) / (n - 1) / batch_size


def noise_floor(lr: float, curvature: float, noise_std: float, *, momentum: float = 0.0) -> float:
    r"""The variance at which descent comes to rest on a quadratic, under noise of std $\sigma$.

    $$ \operatorname{Var}[\theta_\infty] = \frac{\alpha \sigma^2}
        {\lambda \big(2 (1 + \beta) - \alpha \lambda\big)} \cdot \frac{1 + \beta}{1 - \beta} $$
    """
    check_between("lr", lr, 0, 2 * (1 + momentum) / curvature, ends="()")
    room = 2 * (1 + momentum) - lr * curvature
    return lr * noise_std**2 * (1 + momentum) / (curvature * room * (1 - momentum))
