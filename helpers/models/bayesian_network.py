"""Bayesian networks over categorical variables whose best structure can be found exactly: trees.

Among all trees the one with the highest likelihood is a maximum spanning tree under the pairwise
mutual informations, so the structure is learnt without search (Chow and Liu, 1968).
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from helpers.checks import Dimension, check_between, check_counts, check_data
from helpers.models.fitted import Fitted
from helpers.random import choose


class ChowLiuTree(Fitted):
    r"""The tree-shaped Bayesian network with the highest likelihood, found exactly.

    $$\log p(x) = \log p(x_r) + \sum_{i \ne r} \log p(x_i \mid x_{\mathrm{pa}(i)})$$

    Buffers after `fit`, with the D variables of an example counted along its flattened shape:
    `parent` (*event) with `parent[root] == root`; `order` (D,), each parent before its children;
    `log_table` (D, V, V), log p(x_i = v | x_parent(i) = u) at [i, u, v], the same for all u at r.

    Args:
        num_levels: V, the number of values of each variable.
        smoothing: pseudo-count of each of the V² cells of a pair table, in examples.

    >>> x = torch.tensor([[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]])
    >>> ChowLiuTree(2).fit(x).parent.tolist()[:2]  # they always agree, the third is independent
    [0, 0]

    Taught in: background/classical_models
    """

    parent: Tensor
    order: Tensor
    log_table: Tensor

    def __init__(self, num_levels: int, *, smoothing: float = 0.8) -> None:
        super().__init__()
        check_counts(2, num_levels=num_levels)
        check_between("smoothing", smoothing, 0)
        self.num_levels, self.smoothing = num_levels, smoothing
        self.register_buffer("parent", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("order", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("log_table", torch.zeros(0, num_levels, num_levels))

    def fit(self, x: Tensor, *, root: int = 0) -> Self:
        """Learn structure and tables from levels (N, *event); any root gives the same p(x)."""
        x = self._look(x, (...,))
        rows = x.reshape(len(x), -1)  # (N, D)
        check_between("root", root, 0, rows.shape[1] - 1)
        pairs = pair_tables(rows, self.num_levels, self.smoothing)  # (D, D, V, V)
        parent, self.order = maximum_spanning_tree(mutual_information(pairs), root)
        marginal = pairs[0].sum(1)  # (D, V): sums of a pair table over its first variable
        joint = pairs[parent, torch.arange(len(parent), device=x.device)]  # rows: parent's level
        # A parent's level that never occurs gives 0/0: any row will do, the marginal is one.
        total = joint.sum(2, keepdim=True)
        table = torch.where(total > 0, joint / total.clamp_min(1e-300), marginal[:, None])
        table[root] = marginal[root]
        self.log_table = table.log().to(self.log_table)
        self.parent = parent.reshape(x.shape[1:])
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood: integer levels (B, *event) to (B,) nats."""
        self.check_fitted()
        x = self._look(x, ("B", *self.parent.shape)).reshape(len(x), -1)
        nodes = torch.arange(x.shape[1], device=x.device)
        return self.log_table[nodes, x[:, self.parent.flatten()], x].sum(1)

    def sample(self, n: int, *, rng: Generator | None = None) -> Tensor:
        """Ancestral sampling, each variable after its parent: levels (n, *event), int64."""
        self.check_fitted()
        parent = self.parent.flatten()
        x = parent.new_zeros(n, len(parent))
        for node in self.order.tolist():
            x[:, node] = choose(self.log_table[node, x[:, parent[node]]].exp(), rng)
        return x.reshape(n, *self.parent.shape)

    def _look(self, x: Tensor, shape: tuple[Dimension, ...]) -> Tensor:
        top = self.num_levels - 1
        return check_data("x", x, shape, "integer", like=self.log_table, low=0, high=top)


def pair_tables(x: Tensor, num_levels: int, smoothing: float) -> Tensor:
    r"""Smoothed joint tables of all pairs of variables.

    $$\hat p_{ij}(u, v) = \frac{\#\{n: x_{ni} = u, x_{nj} = v\} + s}{N + s V^2}$$

    Integer levels (N, D) to probabilities (D, D, V, V) in float64; the tables (i, i) mean nothing
    when s > 0.
    """
    n, d = x.shape
    one_hot = F.one_hot(x, num_levels).double().flatten(1)  # (N, D V)
    counts = (one_hot.T @ one_hot).reshape(d, num_levels, d, num_levels).transpose(1, 2)
    return (counts + smoothing) / (n + smoothing * num_levels**2)


def mutual_information(pairs: Tensor) -> Tensor:
    r"""Mutual information of each pair of variables, from joint tables (..., V, V): (...) nats.

    $$I(x_i; x_j) = \sum_{u, v} p_{ij}(u, v) \log \frac{p_{ij}(u, v)}{p_i(u)\, p_j(v)}$$
    """
    independent = pairs.sum(-1, keepdim=True) * pairs.sum(-2, keepdim=True)
    terms = torch.xlogy(pairs, pairs) - torch.xlogy(pairs, independent)
    return terms.sum((-2, -1)).clamp_min(0.0)


def maximum_spanning_tree(weights: Tensor, root: int = 0) -> tuple[Tensor, Tensor]:
    """The spanning tree with the largest total weight, by Prim's algorithm.

    Each step adds the heaviest edge that leaves the tree. Symmetric weights (D, D) to the parents
    (D,), with `parent[root] == root`, and the order (D,) of joining.
    """
    best = weights[root].clone()  # heaviest edge from the tree to each node outside
    parent = torch.full_like(best, root, dtype=torch.int64)
    best[root] = -torch.inf
    order = [root]
    for _ in range(len(weights) - 1):
        node = int(best.argmax())
        order.append(node)
        best[node] = -torch.inf  # in the tree from now on
        closer = (weights[node] > best) & (best > -torch.inf)
        parent[closer] = node
        best = torch.where(closer, weights[node], best)
    return parent, torch.tensor(order, device=weights.device)
