"""Wasserstein distances: in closed form on the line, by linear programming in general.

Taught in: concepts/probability
"""

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error, check_between, check_data


def wasserstein_line(x: Tensor, y: Tensor, *, power: float = 1.0) -> Tensor:
    r"""Wasserstein distance between samples (N,) and (M,) of real numbers, by their quantiles.

    $$ W_r(x, y) = \left(\int_0^1 \bigl|F_x^{-1}(u) - F_y^{-1}(u)\bigr|^r \mathrm du\right)^{1/r} $$

    On the line the cheapest plan carries quantile to quantile. Both quantile functions are steps,
    so that the integral is a sum over the pieces between jumps. The power r is at least 1.

    >>> wasserstein_line(torch.tensor([0.0, 1.0]), torch.tensor([5.0, 7.0]))
    tensor(5.5000)
    """
    x, y = check_data("x", x, ("N",)), check_data("y", y, ("M",))
    check_between("power", power, 1)
    n, m = len(x), len(y)
    # Jumps as multiples of 1/(n m): integers, so that equal jumps are equal.
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n])
    ends = torch.unique_consecutive(ends.sort().values)
    starts = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    mass = ((ends - starts) / (n * m)).to(x)
    left = x.sort().values[(starts // m).to(x.device)]
    right = y.sort().values[(starts // n).to(y.device)]
    work: Tensor = ((left - right).abs().pow(power) * mass).sum()
    return work.pow(1 / power)


def transport_plan(cost: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    r"""The least total cost of turning masses p (N,) into masses q (M,), and the plan (N, M).

    $$ \min_{\pi \ge 0} \sum_{ij} \pi_{ij} c_{ij} \quad \text{subject to} \quad
       \sum_j \pi_{ij} = p_i, \quad \sum_i \pi_{ij} = q_j $$

    A linear program, solved exactly. With distances as costs, (N, M), the minimum is the
    Wasserstein distance $W_1$. Both masses sum to 1; the results are float64 on the CPU.

    >>> cost = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> value, plan = transport_plan(cost, torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75]))
    >>> value.item(), plan.tolist()
    (0.25, [[0.25, 0.25], [0.0, 0.5]])
    """
    from scipy import optimize, sparse  # here, since it takes longer to import than all the rest

    cost = check_data("cost", cost, ("N", "M")).detach().cpu().double()
    n, m = cost.shape
    masses = []
    for name, mass, size in (("p", p, n), ("q", q, m)):
        mass = check_data(name, mass, (size,), low=0).detach().cpu().double()
        if abs(mass.sum() - 1) > 1e-5:
            raise argument_error(name, "sum to 1", f"{mass.sum():g}", "divide by the sum")
        masses.append(mass / mass.sum())
    rows = sparse.kron(sparse.eye(n), np.ones((1, m)))  # sums over j
    columns = sparse.kron(np.ones((1, n)), sparse.eye(m))  # sums over i
    result = optimize.linprog(
        cost.flatten().numpy(),
        A_eq=sparse.vstack([rows, columns]).tocsr()[:-1],  # the last one follows from the others
        b_eq=torch.cat(masses).numpy()[:-1],
        bounds=(0, None),
        method="highs",
    )
    if not result.success:
        raise RuntimeError(f"the linear program of transport_plan failed: {result.message}")
    plan = torch.as_tensor(result.x).reshape(n, m)
    return torch.as_tensor(result.fun, dtype=torch.float64), plan
