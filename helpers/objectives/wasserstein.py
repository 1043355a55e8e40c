r"""Wasserstein distances: in closed form on the line, by linear programming in general."""

from __future__ import annotations

import numpy as np
import torch
from scipy import optimize, sparse
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_nonempty,
    check_shape,
)


def wasserstein_line(x: Tensor, y: Tensor, *, power: float = 1.0) -> Tensor:
    r"""Wasserstein distance between two samples of real numbers, by their quantiles.

    $$ W_r(x, y) = \left(\int_0^1 \bigl|F_x^{-1}(u) - F_y^{-1}(u)\bigr|^r \mathrm du\right)^{1/r} $$

    On the line the cheapest plan never lets two paths cross: it carries quantile to quantile. Both
    quantile functions are steps, so that the integral is a sum over the pieces between jumps.

    Args:
        x: (N,), each value with mass 1/N; N at least 1.
        y: (M,), each value with mass 1/M; M may differ from N.
        power: r, at least 1.

    Returns:
        Scalar, in the unit of the values, never negative, zero only for equal distributions.
        Gradients flow to `x` and `y`.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: wrong shapes, no values, values that are not finite, or `power` below 1.

    >>> wasserstein_line(torch.tensor([0.0, 1.0]), torch.tensor([5.0, 7.0]))
    tensor(5.5000)

    Taught in: probability.
    """
    for name, values in (("x", x), ("y", y)):
        check_floating(name, values)
        check_shape(name, values, ("N",))
        check_nonempty(name, values)
        check_finite(name, values)
    check_at_least("power", power, 1.0)
    n, m = len(x), len(y)
    # Jumps as multiples of 1/(n m): integers, so that equal jumps are equal.
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n])
    ends = torch.unique_consecutive(ends.sort().values)
    starts = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    mass = ((ends - starts) / (n * m)).to(x)
    left = x.sort().values[(starts // m).to(x.device)]
    right = y.sort().values[(starts // n).to(y.device)]
    work: Tensor = ((left - right).abs() ** power * mass).sum()
    root: Tensor = work ** (1 / power)
    return root


def transport_plan(cost: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    r"""The cheapest way to turn one distribution of masses into another.

    $$ \min_{\pi \ge 0} \sum_{ij} \pi_{ij} c_{ij} \quad \text{subject to} \quad
       \sum_j \pi_{ij} = p_i, \quad \sum_i \pi_{ij} = q_j $$

    A linear program, solved exactly by SciPy's HiGHS. With distances as costs the minimum is the
    Wasserstein distance $W_1$. It takes about a second for N = M = 200.

    Args:
        cost: (N, M), the price of moving a unit of mass from i to j, finite.
        p: (N,), masses to be moved, non-negative, of sum 1.
        q: (M,), masses that are wanted, non-negative, of sum 1.

    Returns:
        The least total cost, a scalar, and the plan (N, M), which sums to `p` over its columns
        and to `q` over its rows; both float64 on the CPU, without gradients.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: wrong shapes, values that are not finite, or masses that are negative or do
            not sum to 1.

    >>> cost = torch.tensor([[0.0, 3.0], [3.0, 0.0]])
    >>> value, plan = transport_plan(cost, torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75]))
    >>> value.item(), plan.tolist()
    (0.75, [[0.25, 0.25], [0.0, 0.5]])

    Taught in: probability.
    """
    check_floating("cost", cost)
    check_shape("cost", cost, ("N", "M"))
    check_finite("cost", cost)
    n, m = cost.shape
    for name, masses, size in (("p", p, n), ("q", q, m)):
        check_floating(name, masses)
        check_shape(name, masses, (size,))
        _check_masses(name, masses)
    rows = sparse.kron(sparse.eye(n), np.ones((1, m)))  # sums over j
    columns = sparse.kron(np.ones((1, n)), sparse.eye(m))  # sums over i
    wanted = [mass.detach().cpu().double() for mass in (p, q)]
    result = optimize.linprog(
        cost.detach().cpu().double().flatten().numpy(),
        A_eq=sparse.vstack([rows, columns]).tocsr()[:-1],  # the last one follows from the others
        b_eq=torch.cat([mass / mass.sum() for mass in wanted]).numpy()[:-1],
        bounds=(0, None),
        method="highs",
    )
    if not result.success:
        raise RuntimeError(f"the linear program of transport_plan failed: {result.message}")
    plan = torch.as_tensor(result.x).reshape(n, m)
    return torch.as_tensor(result.fun, dtype=torch.float64), plan


def _check_masses(name: str, masses: Tensor) -> None:
    check_finite(name, masses)
    if bool((masses < 0).any()):
        raise argument_error(name, "be non-negative", f"{masses.min().item():g}")
    total = masses.double().sum().item()
    if abs(total - 1) > 1e-5:
        raise argument_error(name, "sum to 1", f"{total:g}", "divide by the sum")
