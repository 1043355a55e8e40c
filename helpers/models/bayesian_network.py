r"""Bayesian networks over categorical variables whose best structure can be found exactly: trees.

A tree lets each variable depend on one other variable, its parent. Among all trees the one with
the highest likelihood is a maximum spanning tree under the pairwise mutual informations, so the
structure is learnt without search (Chow and Liu, 1968).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_nonempty,
    check_range,
)


class ChowLiuTree:
    r"""The tree-shaped Bayesian network with the highest likelihood, found exactly.

    .. math:: \log p(x) = \log p(x_r) + \sum_{i \ne r} \log p(x_i \mid x_{\mathrm{pa}(i)})

    Pair tables are relative frequencies with `smoothing` added to each cell. Single tables are
    their marginals, so all tables agree with each other and the choice of the root r changes
    nothing but the direction of the arrows.

    Args:
        num_levels: number V of values of each variable, at least 2.
        smoothing: pseudo-count of each of the V² cells of a pair table, in examples, ≥ 0; zero is
            maximum likelihood, which gives unseen pairs probability zero.

    After :meth:`fit`: ``parent`` (D,) with ``parent[root] == root``, ``order`` (D,) in which each
    parent comes before its children, ``log_table`` (D, V, V) with
    ``log_table[i, u, v]`` = log p(x_i = v | x_parent(i) = u) (for the root the same row for all u).

    Raises:
        ValueError: `num_levels` below 2, or a negative `smoothing`.

    >>> x = torch.tensor([[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]])
    >>> tree = ChowLiuTree(2, smoothing=0.0).fit(x)
    >>> tree.parent.tolist()[:2]  # the first two always agree, the third is independent of them
    [0, 0]
    >>> tree.log_prob(x).exp()
    tensor([0.2500, 0.2500, 0.2500, 0.2500])

    Taught in: background/classical_models
    """

    def __init__(self, num_levels: int, *, smoothing: float = 0.8) -> None:
        check_at_least("num_levels", num_levels, 2)
        check_at_least("smoothing", smoothing, 0.0)
        self.num_levels = num_levels
        self.smoothing = smoothing
        self.event_shape: torch.Size | None = None

    def fit(self, x: Tensor, *, root: int = 0) -> ChowLiuTree:
        r"""Learn the structure and the tables from examples.

        Args:
            x: integer levels in {0, …, V−1}, shape (N, *event); the event is flattened to D.
            root: the variable to start from; it does not change the distribution.

        Returns:
            The model itself.

        Raises:
            TypeError: `x` is not an integer tensor.
            ValueError: no examples, a level out of range, or a root that is not there.
        """
        check_integer("x", x)
        check_nonempty("x", x)
        check_range("x", x, 0, self.num_levels - 1, hint="raise num_levels")
        event, x = x.shape[1:], x.flatten(1)  # (N, D)
        check_at_least("root", root, 0)
        if root >= x.shape[1]:
            raise argument_error("root", f"be below {x.shape[1]}", root)
        pairs = pair_tables(x, self.num_levels, self.smoothing)  # (D, D, V, V)
        self.information = mutual_information(pairs)  # (D, D)
        self.parent, self.order = maximum_spanning_tree(self.information, root)
        marginal = pairs[0].sum(1)  # (D, V): sums of a pair table over its first variable
        children = torch.arange(len(self.parent), device=x.device)
        joint = pairs[self.parent, children]  # (D, V, V), rows are the parent's level
        # A parent's level that never occurs gives 0/0: any row will do, the marginal is one.
        total = joint.sum(2, keepdim=True)
        table = torch.where(total > 0, joint / total.clamp_min(1e-300), marginal[:, None])
        table[root] = marginal[root]
        self.log_table = table.log()
        self.event_shape = event
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Exact log-likelihood of each example.

        Args:
            x: integer levels, shape (B, *event).

        Returns:
            (B,) log p(x) in nats, at most 0; −inf for what an unsmoothed table excludes.
        """
        event = self._fitted()
        check_integer("x", x)
        check_range("x", x, 0, self.num_levels - 1)
        if x.shape[1:] != event:
            raise argument_error(
                "x", f"have shape (B, {', '.join(map(str, event))})", tuple(x.shape)
            )
        x = x.flatten(1)
        nodes = torch.arange(x.shape[1], device=x.device)
        return self.log_table[nodes, x[:, self.parent], x].sum(1)

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        r"""Ancestral sampling: each variable after its parent.

        Args:
            n: number of examples, at least 1.
            rng: source of randomness; without one, the global state of torch.

        Returns:
            (n, *event) int64 levels.
        """
        event = self._fitted()
        check_at_least("n", n, 1)
        x = self.parent.new_zeros(n, len(self.parent))
        for node in self.order.tolist():
            rows = self.log_table[node, x[:, self.parent[node]]].exp()  # (n, V)
            x[:, node] = torch.multinomial(rows, 1, generator=rng)[:, 0]
        return x.reshape(n, *event)

    def _fitted(self) -> torch.Size:
        if self.event_shape is None:
            raise RuntimeError("the tree has no tables yet: call fit first")
        return self.event_shape


def pair_tables(x: Tensor, num_levels: int, smoothing: float) -> Tensor:
    r"""Smoothed joint tables of all pairs of variables.

    .. math:: \hat p_{ij}(u, v) = \frac{\#\{n: x_{ni} = u, x_{nj} = v\} + s}{N + s V^2}

    Args:
        x: (N, D) integer levels in {0, …, V−1}.
        num_levels: V.
        smoothing: s ≥ 0, in examples a cell.

    Returns:
        (D, D, V, V) probabilities; each V × V table sums to 1. The tables (i, i) are not
        meaningful when s > 0, and no tree uses them.

    >>> pair_tables(torch.tensor([[0, 1], [1, 1]]), 2, 0.0)[0, 1]
    tensor([[0.0000, 0.5000],
            [0.0000, 0.5000]])
    """
    n, d = x.shape
    one_hot = F.one_hot(x, num_levels).to(torch.get_default_dtype()).flatten(1)  # (N, D V)
    counts = (one_hot.T @ one_hot).reshape(d, num_levels, d, num_levels).transpose(1, 2)
    return (counts + smoothing) / (n + smoothing * num_levels**2)


def mutual_information(pairs: Tensor) -> Tensor:
    r"""Mutual information of each pair of variables.

    .. math:: I(x_i; x_j) = \sum_{u, v} p_{ij}(u, v) \log \frac{p_{ij}(u, v)}{p_i(u)\, p_j(v)}

    Args:
        pairs: (..., V, V) joint probabilities.

    Returns:
        (...) nats, ≥ 0, and 0 exactly for independent variables.

    >>> mutual_information(torch.tensor([[0.5, 0.0], [0.0, 0.5]]))  # log 2
    tensor(0.6931)
    """
    independent = pairs.sum(-1, keepdim=True) * pairs.sum(-2, keepdim=True)
    terms = torch.xlogy(pairs, pairs) - torch.xlogy(pairs, independent)
    return terms.sum((-2, -1)).clamp_min(0.0)


def maximum_spanning_tree(weights: Tensor, root: int = 0) -> tuple[Tensor, Tensor]:
    r"""The spanning tree with the largest total weight, by Prim's algorithm.

    The tree grows from the root: each step adds the heaviest edge that leaves it.

    Args:
        weights: (D, D), symmetric; the diagonal is ignored.
        root: where to start.

    Returns:
        parent (D,) int64 with ``parent[root] == root``, and the order (D,) of joining.

    >>> w = torch.tensor([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
    >>> maximum_spanning_tree(w)
    (tensor([0, 0, 1]), tensor([0, 1, 2]))
    """
    best = weights[root].clone()  # heaviest edge from the tree to each node outside
    parent = torch.full_like(best, root, dtype=torch.int64)
    best[root] = -math.inf
    order = [root]
    for _ in range(len(weights) - 1):
        node = int(best.argmax())
        order.append(node)
        best[node] = -math.inf  # in the tree from now on
        closer = (weights[node] > best) & (best > -math.inf)
        parent[closer] = node
        best = torch.where(closer, weights[node], best)
    return parent, torch.tensor(order, device=weights.device)
