"""Chow–Liu trees against all trees on five variables, and their tables against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.metrics import mutual_info_score
from torch import Tensor

from helpers.models.bayesian_network import (
    ChowLiuTree,
    maximum_spanning_tree,
    mutual_information,
    pair_tables,
)
from helpers.random import seeded
from tests.statistics import assert_mean_close

N, D, V = 70, 5, 3


def data(seed: int, n: int = N) -> Tensor:
    """Levels (n, D) from a random chain, so that some pairs are close and others are not."""
    g = seeded(seed)
    x = torch.randint(V, (n, D), generator=g)
    for i in range(1, D):
        copy = torch.rand(n, generator=g) < 0.15 * (i + 1)
        x[:, i] = torch.where(copy, x[:, i - 1], x[:, i])
    return x


def all_trees() -> list[list[tuple[int, int]]]:
    """The 5³ = 125 trees on five variables, from their Prüfer codes."""
    trees = []
    for code in itertools.product(range(D), repeat=D - 2):
        degree = [1 + code.count(i) for i in range(D)]
        edges = []
        for node in code:
            leaf = degree.index(1)
            edges.append((leaf, node))
            degree[leaf] -= 1
            degree[node] -= 1
        last = [i for i in range(D) if degree[i] == 1]
        trees.append([*edges, (last[0], last[1])])
    return trees


def tree_log_likelihood(x: Tensor, edges: list[tuple[int, int]], smoothing: float) -> float:
    """Products of pair tables over products of single tables: no root, no direction."""
    pair = {e: np.full((V, V), smoothing) for e in edges}
    for edge, table in pair.items():
        for row in x.tolist():
            table[row[edge[0]], row[edge[1]]] += 1
        table /= table.sum()
    single = {}
    for (i, j), table in pair.items():
        single[i], single[j] = table.sum(1), table.sum(0)
    total = 0.0
    for row in x.tolist():
        total += sum(np.log(t[row[i], row[j]]) for (i, j), t in pair.items())
        total -= sum(
            (sum(i in e for e in edges) - 1) * np.log(p[row[i]]) for i, p in single.items()
        )
    return float(total)


def test_there_are_125_trees() -> None:
    trees = {frozenset(frozenset(e) for e in tree) for tree in all_trees()}
    assert len(trees) == 125


def test_no_tree_is_more_likely(seed: int) -> None:
    x = data(seed)
    tree = ChowLiuTree(V, smoothing=0.0).fit(x)
    best = max(tree_log_likelihood(x, edges, 0.0) for edges in all_trees())
    assert float(tree.log_prob(x).sum()) == pytest.approx(best)


def test_smoothed_tree_scores_as_its_tables_say(seed: int) -> None:
    x = data(seed)
    tree = ChowLiuTree(V, smoothing=0.6).fit(x)
    edges = [(int(tree.parent[i]), i) for i in range(1, D)]
    expected = tree_log_likelihood(x, edges, 0.6)
    assert float(tree.log_prob(x).sum()) == pytest.approx(expected)


def test_the_root_does_not_matter(seed: int) -> None:
    x, new = data(seed), data(seed + 1, 9)
    scores = [ChowLiuTree(V, smoothing=0.4).fit(x, root=r).log_prob(new) for r in range(D)]
    for score in scores[1:]:
        torch.testing.assert_close(score, scores[0])


def test_probabilities_of_all_examples_sum_to_one(seed: int) -> None:
    tree = ChowLiuTree(V, smoothing=0.4).fit(data(seed), root=2)
    every = torch.tensor(list(itertools.product(range(V), repeat=D)))
    assert float(tree.log_prob(every).exp().sum()) == pytest.approx(1.0, abs=1e-12)


def test_samples_have_the_pair_tables_of_the_tree(seed: int) -> None:
    x = data(seed)
    tree = ChowLiuTree(V, smoothing=0.4).fit(x, root=3)
    draws = tree.sample(20_000, rng=seeded(seed + 1))
    tables = pair_tables(x, V, 0.4)
    for i in range(D):
        j = int(tree.parent[i])
        if i != j:
            both = torch.nn.functional.one_hot(draws[:, j] * V + draws[:, i], V * V).double()
            assert_mean_close(both, tables[j, i].flatten())


def test_mutual_information_is_that_of_scikit_learn(seed: int) -> None:
    x = data(seed)
    ours = mutual_information(pair_tables(x, V, 0.0))
    for i, j in itertools.product(range(D), repeat=2):
        expected = mutual_info_score(x[:, i].numpy(), x[:, j].numpy())
        assert float(ours[i, j]) == pytest.approx(expected, abs=1e-12)


def test_spanning_tree_is_that_of_scipy(seed: int) -> None:
    weights = torch.rand(11, 11, generator=seeded(seed)) + 0.1
    weights = weights + weights.T
    parent, order = maximum_spanning_tree(weights, root=4)
    edges = {frozenset((i, int(parent[i]))) for i in range(11) if i != 4}
    rows, columns = minimum_spanning_tree(-weights.numpy()).nonzero()
    assert edges == {frozenset((int(i), int(j))) for i, j in zip(rows, columns)}
    place = {node: t for t, node in enumerate(order.tolist())}
    assert all(place[int(parent[i])] < place[i] for i in range(11) if i != 4)
    assert int(parent[4]) == 4
    assert sorted(order.tolist()) == list(range(11))  # each node joins once


def test_log_likelihood_is_information_minus_entropies(seed: int) -> None:
    x = data(seed)
    tree = ChowLiuTree(V, smoothing=0.0).fit(x)
    single = torch.nn.functional.one_hot(x, V).double().mean(0)
    entropies = -torch.xlogy(single, single).sum()
    information = mutual_information(pair_tables(x, V, 0.0))
    gain = sum(information[i, int(tree.parent[i])] for i in range(1, D))
    assert float(tree.log_prob(x).mean()) == pytest.approx(float(gain - entropies))


def test_levels_that_never_occur_do_no_harm(seed: int) -> None:
    x = data(seed)
    tree = ChowLiuTree(V + 2, smoothing=0.0).fit(x)
    torch.testing.assert_close(tree.log_prob(x), ChowLiuTree(V, smoothing=0.0).fit(x).log_prob(x))
    assert torch.isfinite(tree.log_table.exp()).all()
    assert tree.log_prob(torch.full((1, D), V)).item() == -torch.inf


def test_images_keep_their_shape_and_device(device: torch.device, seed: int) -> None:
    x = data(seed)[:, :4].reshape(N, 1, 2, 2).to(device)
    tree = ChowLiuTree(V).fit(x)
    sample = tree.sample(7, rng=seeded(seed, device))
    assert sample.shape == (7, 1, 2, 2)
    assert sample.device.type == device.type
    assert tree.parent.shape == (1, 2, 2)
    again = tree.sample(7, rng=seeded(seed, device))
    assert torch.equal(sample, again)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_levels(dtype: torch.dtype, seed: int) -> None:
    x = data(seed) + 190
    expected = ChowLiuTree(200).fit(x).log_prob(x)
    found = ChowLiuTree(200).fit(x.to(dtype)).log_prob(x.to(dtype))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_bad_arguments_are_named(seed: int) -> None:
    x = data(seed)
    with pytest.raises(RuntimeError, match="ChowLiuTree has no parameters yet: call fit first"):
        ChowLiuTree(V).log_prob(x)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 2"):
        ChowLiuTree(2).fit(x)
    with pytest.raises(ValueError, match=r"root must lie in \[0, 4\], got 5"):
        ChowLiuTree(V).fit(x, root=5)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 5\), got \(70, 4\)"):
        ChowLiuTree(V).fit(x).log_prob(x[:, :4])
