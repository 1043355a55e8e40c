"""The equations of the chapter, in the chapter's own cells, against independent answers."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from sklearn import mixture as sklearn_mixture
from sklearn.decomposition import PCA
from sklearn.metrics import mutual_info_score
from sklearn.naive_bayes import CategoricalNB
from torch import Tensor
from torch.distributions import MultivariateNormal

from helpers.data import images
from helpers.models import (
    CategoricalMixture,
    ChowLiuTree,
    GaussianMixture,
    HiddenMarkovModel,
    IndependentCategorical,
    MarkovChain,
    ProbabilisticPCA,
)
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "background/classical_models"
WORLD = ("truth", "world", "draw-points")
EM = (*WORLD, "em", "m-step")


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, after its own imports; `names` replace what these set."""
    known = run_cells(PAGE, ["imports"], seed=0) | {
        "ProbabilisticPCA": ProbabilisticPCA,
        "table": lambda *rows, **options: None,
    }
    return run_cells(PAGE, list(ids), **(known | names))


def levels(seed: int, n: int = 60, d: int = 4, v: int = 3) -> Tensor:
    g = seeded(seed)
    table = torch.rand(d, v, generator=g) + 0.1
    x = torch.multinomial(table, n, replacement=True, generator=g).T.contiguous()
    copy = torch.rand(n, generator=g) < 0.5
    x[:, 1] = torch.where(copy, x[:, 0], x[:, 1])
    return x


def by_point(x: Tensor, table: Tensor) -> Any:
    """The functions r_1, r_2, … of a point, whose values at the rows of x the table (N, K) has."""
    known = {tuple(point.tolist()): row for point, row in zip(x, table)}
    return lambda k: lambda point: known[tuple(point.tolist())][k - 1].item()


@dataclass(frozen=True)
class Symbols:
    """A string, whose product with another is the two side by side."""

    text: str

    def __mul__(self, other: Symbols) -> Symbols:
        return Symbols(self.text + other.text)


def share_of(columns: Tensor, at: tuple[int, ...]) -> float:
    """The relative frequency of a row among the rows of the columns."""
    return float((columns == torch.tensor(at)).all(1).double().mean())


def reaches(parents: tuple[int, ...], node: int, root: int) -> bool:
    """Whether the parents of a node end at the root."""
    for _ in parents:
        node = parents[node]
    return node == root


@pytest.mark.equation("eq-classical-naive-bayes")
def test_naive_bayes_is_scikit_learns(seed: int) -> None:
    """Joint probability of image and label against scikit-learn's CategoricalNB."""
    x, y = levels(seed), torch.arange(60) % 7 % 4  # classes of 17 and 9 images
    cells = lesson("naive-bayes", "naive-bayes-joint", V=3)
    theta = cells["tables"](x, torch.eye(4)[y], 0.7, 0.0)
    ours = cells["log_joint"](x, torch.eye(4)[y].mean(0), theta)
    reference = CategoricalNB(alpha=0.7, min_categories=3).fit(x.numpy(), y.numpy())
    expected = torch.as_tensor(reference.predict_joint_log_proba(x.numpy()))
    torch.testing.assert_close(ours, expected)
    names = {
        "n": lambda c, i: lambda v: int(((y == c - 1) & (x[:, i - 1] == v)).sum()),
        "a": lambda i: lambda v: 0.7,
        "u": range(3),
    }
    table = tex("eq-classical-naive-bayes", statement=2)
    entries = {
        (c, i, v): table(names, y=c, i=i, v=v)
        for c, i, v in itertools.product(range(1, 5), range(1, 5), range(3))
    }
    share = tex("eq-classical-naive-bayes", statement=1)
    pi = [share({"N_y": int((y == c).sum())}, N=60) for c in range(4)]
    joint = tex("eq-classical-naive-bayes")
    for row, logs in zip(x[:9].tolist(), expected):
        found = [joint(pi=pi, theta=entries, D=4, x=row, y=c) for c in range(1, 5)]
        assert found == pytest.approx(logs.exp().tolist())


@pytest.mark.equation("eq-classical-naive-bayes")
def test_pretended_images_are_added_images(seed: int) -> None:
    """Tables with M pretended images against tables of data in which each image is repeated."""
    x = levels(seed)
    cells = lesson("naive-bayes", V=3)
    first = torch.zeros(60, 1)
    first[:20] = 1.0
    ours = cells["tables"](x, first, 0.2, 30.0)
    repeated = torch.cat([x[:20], x[:20], x])  # 20 twice, and 60 that stand for A = 60 = 2 · 30
    expected = cells["tables"](repeated, torch.ones(100, 1), 0.4, 0.0)
    torch.testing.assert_close(ours, expected)
    frequencies = torch.nn.functional.one_hot(x, 3).double().mean(0)
    printed = tex("eq-classical-naive-bayes", statement=2)
    for i, v in itertools.product(range(1, 5), range(3)):
        value = printed(
            n=lambda _, i: lambda level: int((x[:20, i - 1] == level).sum()),
            a=lambda i: lambda level: 0.2 + 30.0 * frequencies[i - 1, level],
            **{"y": 1, "i": i, "v": v, "u": range(3)},
        )
        torch.testing.assert_close(value, expected[0, i - 1, v])


@pytest.mark.equation("eq-classical-mixture")
def test_mixture_density_is_that_of_ancestral_samples(seed: int) -> None:
    """Integral of the density (1), and shares of ancestral draws in squares, by quadrature."""
    cells = lesson(*WORLD, seed=seed)
    truth = [cells[name] for name in ("truth_weights", "truth_means", "truth_covs")]

    def mass(left: float, low: float, side: float, step: float) -> float:
        middle = torch.arange(0, side, step) + step / 2
        points = torch.cartesian_prod(left + middle, low + middle)
        log_p = cells["log_parts"](points, *truth).logsumexp(1)
        return float(log_p.exp().sum()) * step**2

    assert mass(-7, -7, 14, 0.05) == pytest.approx(1.0, abs=1e-5)
    draws = cells["draw_points"](20_000, seeded(seed + 1))
    for left, low in ((0.0, 0.0), (2.0, 1.0), (-1.5, 2.5), (-1.0, -1.0)):
        inside = (draws > torch.tensor([left, low])) & (draws < torch.tensor([left, low]) + 1)
        assert_mean_close(inside.all(1).double(), mass(left, low, 1, 0.01))


@pytest.mark.equation("eq-classical-tree-likelihood")
@pytest.mark.parametrize("root", [0, 2])
def test_likelihood_of_a_tree_is_information_minus_entropy(seed: int, root: int) -> None:
    """The unsmoothed tree's log-likelihood, against scikit-learn's information, SciPy's entropy."""
    x = levels(seed)
    tree = ChowLiuTree(3, smoothing=0.0).fit(x, root=root)
    mean = tree.log_prob(x).mean().item()
    left = tex("eq-classical-tree-likelihood", side=0)
    assert left(p=lambda row: tree.log_prob(row[None]).exp(), x=x, N=60).item() == (
        pytest.approx(mean)
    )
    names = {
        "x": list(x.T.numpy()),  # a pixel of all examples
        "I": mutual_info_score,
        "H": lambda column: stats.entropy(np.bincount(column)),
    }
    right = tex("eq-classical-tree-likelihood")
    parent = tree.parent.tolist()
    assert right(names, rho=root + 1, pa=lambda i: parent[i - 1] + 1) == pytest.approx(mean)
    # No other tree does better: each of the 16, here by its list of parents below the root.
    for parents in itertools.product(range(4), repeat=4):
        if parents[root] == root and all(reaches(parents, i, root) for i in range(4)):
            value = right(names, rho=root + 1, pa=lambda i, up=parents: up[i - 1] + 1)
            assert value <= mean + 1e-9


@pytest.mark.equation("eq-classical-mixture", "eq-classical-responsibility")
def test_mixture_and_shares_by_scipys_densities(seed: int) -> None:
    """SciPy's normal densities, against the chapter's mixture, E-step and helpers' mixture."""
    cells = lesson(*EM, seed=seed)
    truth = [cells[name] for name in ("truth_weights", "truth_means", "truth_covs")]
    x = cells["points"][:20]
    kept = GaussianMixture(3).start(cells["points"], cells["e_step"](cells["points"], *truth))
    kept.weights, kept.means, kept.cholesky = *truth[:2], torch.linalg.cholesky(truth[2])
    normals = [stats.multivariate_normal(m, c).pdf for m, c in zip(truth[1], truth[2])]
    total, share = tex("eq-classical-mixture"), tex("eq-classical-responsibility")
    ones = tex("eq-classical-mixture", statement=2, side=0)
    assert ones(pi=kept.weights.tolist()) == pytest.approx(1.0)
    assert ones(pi=[0.5, 0.3, 0.7]) == pytest.approx(1.5)
    for point, log_p, r in zip(x, kept.log_prob(x), cells["e_step"](x, *truth)):
        names = {"pi": truth[0].tolist(), "p": normals, "x": point.numpy()}
        assert total(names, K=3) == pytest.approx(log_p.exp().item())
        shares = [share(names, k=k) for k in (1, 2, 3)]
        assert shares == pytest.approx(r.tolist())


@pytest.mark.equation("eq-classical-responsibility")
def test_responsibilities_are_shares_of_components_near_a_point(seed: int) -> None:
    """Responsibilities against the shares of components among draws with known components."""
    cells = lesson(*EM)
    truth = [cells[name] for name in ("truth_weights", "truth_means", "truth_covs")]
    g = seeded(seed)
    k = torch.multinomial(truth[0], 100_000, replacement=True, generator=g)
    x = MultivariateNormal(truth[1][k], truth[2][k])
    eps = torch.randn(100_000, 2, 1, generator=g)
    draws = x.loc + (x.scale_tril @ eps)[..., 0]
    for centre in ([1.0, 1.0], [1.5, 0.7], [-1.0, 2.0], [-1.2, 2.2]):
        near = (draws - torch.tensor(centre)).norm(dim=1) < 0.3
        r = cells["e_step"](draws[near], *truth)
        common = r.sum(0) > 20  # a handful of draws has no standard error
        assert common.sum() >= 2
        assert_mean_close((torch.eye(3)[k[near]] - r)[:, common], 0.0)


@pytest.mark.equation("eq-classical-m-step")
def test_em_step_is_scikit_learns(seed: int) -> None:
    """Five EM steps from one start against scikit-learn's GaussianMixture."""
    cells = lesson(*EM, seed=seed)
    x, g = cells["points"], seeded(seed)
    r = torch.rand(300, 3, generator=g) ** 3 + 0.01
    start = cells["m_step"](x, r / r.sum(1, keepdim=True))
    ours = start
    for _ in range(5):
        r = cells["e_step"](x, *ours)
        ours = cells["m_step"](x, r)
    reference = sklearn_mixture.GaussianMixture(
        3,
        reg_covar=0.0,
        max_iter=5,
        tol=0.0,
        weights_init=start[0].numpy(),
        means_init=start[1].numpy(),
        precisions_init=torch.linalg.inv(start[2]).numpy(),
    )
    with pytest.warns(UserWarning, match="did not converge"):
        reference.fit(x.numpy())
    found = (reference.weights_, reference.means_, reference.covariances_)
    for one, other in zip(ours, found):
        torch.testing.assert_close(one, torch.as_tensor(other))
    names = {"r": by_point(x, r), "x": x}
    for k in (1, 2, 3):
        count = tex("eq-classical-m-step")(names, k=k)
        weight = tex("eq-classical-m-step", statement=1)({"N_k": count}, N=300)
        mean = tex("eq-classical-m-step", statement=2)(names, N_k=count, k=k)
        spread = tex("eq-classical-m-step", statement=3)(names, N_k=count, mu_k=mean, k=k)
        assert weight == pytest.approx(found[0][k - 1])
        torch.testing.assert_close(mean, torch.as_tensor(found[1][k - 1]))
        torch.testing.assert_close(spread, torch.as_tensor(found[2][k - 1]))
        aside = torch.tensor([0.3, -0.8])  # around another point it is larger by an outer product
        spread = tex("eq-classical-m-step", statement=3)(names, N_k=count, mu_k=mean + aside, k=k)
        torch.testing.assert_close(spread, ours[2][k - 1] + aside.outer(aside))


@pytest.mark.equation("eq-classical-em-bound")
def test_bound_and_divergence_add_up(seed: int) -> None:
    """F + KL for random q against log p by scipy's densities; F ≤ log p, equal at q = r."""
    cells = lesson(*EM, seed=seed)
    truth = [cells[name] for name in ("truth_weights", "truth_means", "truth_covs")]
    x, g = cells["points"][:40], seeded(seed)
    normals = [stats.multivariate_normal(m, c) for m, c in zip(*(t.numpy() for t in truth[1:]))]
    log_p = np.log(sum(w * n.pdf(x.numpy()) for w, n in zip(truth[0].numpy(), normals)))
    parts, r = cells["log_parts"](x, *truth), cells["e_step"](x, *truth)
    left = tex("eq-classical-em-bound", side=0)
    printed = tex("eq-classical-em-bound")
    for q in (torch.rand(40, 3, generator=g).softmax(1), r):
        bound = (q * (parts - q.log())).sum(1)
        gap = torch.nn.functional.kl_div(r.log(), q, reduction="none").sum(1)
        torch.testing.assert_close(bound + gap, torch.as_tensor(log_p))
        assert (bound <= torch.as_tensor(log_p) + 1e-9).all()
        for n in range(9):
            value = printed(
                x=x[n].numpy(),
                pi=truth[0].tolist(),
                p=[normal.pdf for normal in normals],
                q=lambda k, row=q[n]: row[k - 1].item(),
                r=[lambda _, share=share: share for share in r[n].tolist()],
            )
            assert value == pytest.approx(log_p[n])
            assert value == pytest.approx(left(x=n, p=lambda n: math.exp(log_p[n])))
    torch.testing.assert_close(bound, torch.as_tensor(log_p))  # the last q was r


@pytest.mark.equation("eq-classical-monotone")
def test_each_link_of_the_chain_holds(seed: int) -> None:
    """The three relations of the proof, link by link, over EM steps of helpers' mixture."""
    cells = lesson(*EM, seed=seed)
    x, g = cells["points"], seeded(seed)
    r = torch.rand(300, 3, generator=g) + 0.5
    r = r / r.sum(1, keepdim=True)
    old, kept = cells["m_step"](x, r), GaussianMixture(3).start(x, r)
    sides = [tex("eq-classical-monotone", side=side) for side in range(4)]
    for _ in range(20):
        r = cells["e_step"](x, *old)
        new = cells["m_step"](x, r)
        kept.em_step(x)
        log_p, bound = {}, {}
        for name, parameters in (("old", old), ("new", new)):
            parts = cells["log_parts"](x, *parameters)
            log_p[name] = parts.logsumexp(1).tolist()
            bound[name] = (r * (parts - r.log())).nan_to_num().sum(1).tolist()
        names = {
            "theta": "old",
            "theta'": "new",
            "n": range(1, 301),
            "x": range(300),  # a point is its number
            "p": lambda name, p=log_p: lambda n: math.exp(p[name][n]),
            "F_cal": lambda r, name, bound=bound: bound[name][next(r)],
        }
        after, above, below, before = (side(names, r=iter(range(300))) for side in sides)
        assert below == pytest.approx(before)
        assert above >= below - 1e-9
        assert after >= above - 1e-9
        assert after == pytest.approx(kept.log_prob(x).sum().item())
        old = new


@pytest.mark.equation("eq-classical-categorical-m-step")
def test_counted_tables_maximise_bound_and_prior(seed: int) -> None:
    """Tables of the M-step against random tables in the neighbourhood: none scores higher."""
    x, g = levels(seed), seeded(seed + 1)
    cells = lesson("naive-bayes", "naive-bayes-joint", V=3)
    weights, other = torch.tensor([0.3, 0.7]), torch.rand(2, 4, 3, generator=g).softmax(2)
    r = cells["log_joint"](x, weights, other).softmax(1)
    theta = cells["tables"](x, r, 0.3, 5.0)
    prior = 0.3 + 5.0 * torch.nn.functional.one_hot(x, 3).double().mean(0)

    def score(theta: Tensor) -> Tensor:
        equal = torch.tensor([1.0, 1.0])
        parts = cells["log_joint"](x, equal, theta)
        return (r * parts).sum() + (prior * theta.log()).sum()

    best = score(theta)
    for _ in range(50):
        other = (theta.log() + 0.1 * torch.randn(theta.shape, generator=g)).softmax(2)
        assert score(other) < best
    mixture = CategoricalMixture(2, 3, smoothing=0.3, prior_examples=5.0).start(x, r)
    torch.testing.assert_close(mixture.log_table.exp(), theta)
    printed = tex("eq-classical-categorical-m-step")
    for k, i, v in itertools.product((1, 2), (1, 2, 3, 4), range(3)):
        value = printed(
            {"N_k": r[:, k - 1].sum(), "k": k, "i": i, "v": v, "u": range(3)},
            a=lambda i: lambda level: prior[i - 1, level],
            r=by_point(x, r),
            x=x,
        )
        torch.testing.assert_close(value, theta[k - 1, i - 1, v])


@pytest.mark.equation("eq-classical-ppca")
def test_marginal_covariance_is_that_of_simulated_data(seed: int) -> None:
    """Moments over z by a rule exact for squares, and of x simulated through z and noise."""
    g = seeded(seed)
    w, b, std = torch.randn(5, 2, generator=g), torch.randn(5, generator=g), 0.7
    z = torch.randn(40_000, 2, generator=g)
    x = z @ w.T + b + std * torch.randn(40_000, 5, generator=g)
    products = (x - b)[:, :, None] * (x - b)[:, None]
    names = {"W": w, "b": b, "sigma": std, "I": torch.eye(5), "N_cal": lambda *law: law}
    mean, covariance = tex("eq-classical-ppca", statement=3)(names)
    assert_mean_close(products, covariance)
    model = ProbabilisticPCA(5, 2)
    model.weight, model.bias, model.std = w, b, torch.tensor(std)
    normal = MultivariateNormal(mean, covariance)
    torch.testing.assert_close(model.log_prob(x[:9]), normal.log_prob(x[:9]))
    # The four points ±√2 e_l have the mean and the covariance of N(0, I) in two dimensions.
    points = math.sqrt(2) * torch.cat([torch.eye(2), -torch.eye(2)])
    given = [tex("eq-classical-ppca", statement=1)(names, z=z) for z in points]
    means = torch.stack([mean for mean, _ in given])
    torch.testing.assert_close(means.mean(0), mean)
    within = torch.stack([covariance for _, covariance in given]).mean(0)
    torch.testing.assert_close(within + torch.cov(means.T, correction=0), covariance)


@pytest.mark.equation("eq-classical-ppca-solution")
def test_closed_form_is_the_maximum_and_scikit_learns(seed: int) -> None:
    """Noise variance and covariance against scikit-learn's PCA; gradient of the likelihood zero."""
    g = seeded(seed)
    x = torch.randn(70, 6, generator=g) @ torch.randn(6, 6, generator=g)
    w, b, variance = lesson("ppca-fit")["fit_ppca"](x, 2)
    reference = PCA(2, svd_solver="full").fit(x.numpy())
    share = 69 / 70  # scikit-learn divides by N − 1
    assert float(variance) == pytest.approx(share * reference.noise_variance_)
    covariance = w @ w.T + variance * torch.eye(6)
    torch.testing.assert_close(covariance, share * torch.as_tensor(reference.get_covariance()))
    leaves = [t.clone().requires_grad_() for t in (w, b, variance)]
    total = MultivariateNormal(leaves[1], leaves[0] @ leaves[0].T + leaves[2] * torch.eye(6))
    slopes = torch.autograd.grad(total.log_prob(x).mean(), leaves)
    assert max(float(s.abs().max()) for s in slopes) < 1e-9
    levels = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0).tolist()
    printed = tex("eq-classical-ppca-solution", statement=1)(D=6, L=2, **{"lambda": levels})
    assert printed == pytest.approx(share * reference.noise_variance_)


@pytest.mark.equation("eq-classical-dequantisation")
def test_spread_score_is_below_the_mass_of_the_cell(seed: int) -> None:
    """Mean score under noise against the exact mass of each unit cell, by scipy's normal CDF."""
    spread = lesson("spread")["spread"]
    g = seeded(seed)
    mean, std = float(torch.randn((), generator=g)) + 8, 2.5
    normal = stats.norm(mean, std)
    u = (np.arange(1000) + 0.5) / 1000
    sides = [tex("eq-classical-dequantisation", side=side) for side in range(3)]
    for level in (3, 8, 12):
        x = torch.full((20_000, 1), level)
        noisy = spread(x, seed + level)
        assert ((noisy >= level) & (noisy < level + 1)).all()
        scores = torch.as_tensor(normal.logpdf(noisy.numpy()))
        exact, _ = integrate.quad(normal.logpdf, level, level + 1)
        assert_mean_close(scores, exact)
        cell = normal.cdf(level + 1) - normal.cdf(level)
        names = {"p": normal.pdf, "x": level, "u": u, "int": np.mean, "P": lambda _, p=cell: p}
        found = [side(names) for side in sides]
        assert found == pytest.approx([math.log(cell), math.log(cell), exact], abs=1e-6)
        assert exact <= math.log(cell)


@pytest.mark.equation("eq-classical-tree")
def test_tree_is_a_distribution_with_the_tables_of_its_pairs(seed: int) -> None:
    """Sum over all 81 examples (1), and each edge's marginal table against relative frequencies."""
    x = levels(seed)
    tree = ChowLiuTree(3, smoothing=0.0).fit(x, root=2)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    p = tree.log_prob(every).exp()
    assert float(p.sum()) == pytest.approx(1.0)
    for i, j in enumerate(tree.parent.tolist()):
        for u, v in itertools.product(range(3), repeat=2):
            inside = (every[:, i] == u) & (every[:, j] == v)
            counted = ((x[:, i] == u) & (x[:, j] == v)).double().mean()
            assert float(p[inside].sum()) == pytest.approx(float(counted), abs=1e-12)

    def share(one: tuple[int, int], given: tuple[int, int] | None = None) -> float:
        seen = x if given is None else x[x[:, given[0]] == given[1]]
        return float((seen[:, one[0]] == one[1]).double().mean())

    printed = tex("eq-classical-tree")
    for row in x[:9]:
        found = printed(
            x=list(enumerate(row.tolist())),  # a pixel with its level
            p=share,
            pa=lambda i: tree.parent[i - 1] + 1,
            rho=3,
        )
        assert found == pytest.approx(tree.log_prob(row[None]).exp().item())


@pytest.mark.equation("eq-classical-mutual-information")
def test_information_is_scikit_learns_and_the_tree_the_best(seed: int) -> None:
    """Mutual information against scikit-learn; the grown tree against all 16 trees on 4 pixels."""
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    x = torch.cat([levels(seed), every])  # each pair of levels occurs
    cells = lesson("chow-liu", "grow", V=3)
    ours = cells["information"](x)
    names = {
        "p": lambda *pixels: lambda *at: share_of(x[:, [i - 1 for i in pixels]], at),
        "u": range(3),
        "v": range(3),
    }
    printed = tex("eq-classical-mutual-information", side=1)
    for i, j in itertools.product(range(4), repeat=2):
        expected = mutual_info_score(x[:, i], x[:, j])
        assert float(ours[i, j]) == pytest.approx(expected, abs=1e-9)
        if i != j:
            assert printed(names, i=i + 1, j=j + 1) == pytest.approx(expected)
    grown = sum(ours[e] for e in cells["grow"](ours))
    pairs = list(itertools.combinations(range(4), 2))
    sums = []
    for edges in itertools.combinations(pairs, 3):
        reached = {0}
        for _ in range(3):
            reached |= {k for e in edges if reached & set(e) for k in e}
        if len(reached) == 4:
            sums.append(float(sum(ours[e] for e in edges)))
    assert len(sums) == 16
    assert float(grown) == pytest.approx(max(sums))


@pytest.fixture
def hmm(seed: int) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor], Tensor, Tensor]:
    """Symbols (6,), tables of 3 states and 4 symbols, all 729 paths and their p(x, z)."""
    g = seeded(seed)
    tables = [torch.rand(shape, generator=g) + 0.1 for shape in ((3,), (3, 3), (3, 4))]
    pi, a, b = (t / t.sum(-1, keepdim=True) for t in tables)
    x = torch.randint(4, (6,), generator=g)
    paths = torch.tensor(list(itertools.product(range(3), repeat=6)))
    joint = []
    for z in paths.tolist():
        p = float(pi[z[0]] * b[z[0], x[0]])
        for t in range(1, 6):
            p *= float(a[z[t - 1], z[t]] * b[z[t], x[t]])
        joint.append(p)
    return x, (pi, a, b), paths, torch.tensor(joint)


@pytest.mark.equation("eq-classical-hmm")
def test_joint_probabilities_sum_to_one_and_match_samples(seed: int) -> None:
    """Sum of p(x, z) over all x and z of length 3 (1); shares of sampled pairs against p(x, z)."""
    model = HiddenMarkovModel.random(2, 3, rng=seeded(seed))
    n = 20_000
    symbols, states = model.sample_with_states(n, length=3, rng=seeded(seed + 1))
    printed = tex("eq-classical-hmm")
    names = {"pi": model.initial, "A": model.transition, "B": model.emission}
    total = 0.0
    for x in itertools.product(range(3), repeat=3):
        marginal = 0.0
        for z in itertools.product(range(2), repeat=3):
            p = printed(names, T=3, x=[v + 1 for v in x], z=[k + 1 for k in z]).item()
            marginal += p
            if p > 0.01:
                same = (symbols == torch.tensor(x)) & (states == torch.tensor(z))
                assert_mean_close(same.all(1).double(), p)
        assert marginal == pytest.approx(model.log_prob(torch.tensor([x])).exp().item())
        total += marginal
    assert total == pytest.approx(1.0)


@pytest.mark.equation("eq-classical-forward")
def test_forward_is_the_sum_over_paths(hmm: tuple[Any, ...]) -> None:
    """Forward variables against sums over all paths of the first t symbols; p(x) likewise."""
    x, tables, paths, joint = hmm
    alpha = lesson("recursions")["forward"](x, *tables)
    torch.testing.assert_close(alpha[-1].sum(), joint.sum())
    for k in range(3):
        torch.testing.assert_close(alpha[-1, k], joint[paths[:, -1] == k].sum())
    shorter = lesson("recursions")["forward"](x[:4], *tables)
    torch.testing.assert_close(alpha[:4], shorter)
    names = dict(zip(("pi", "A", "B"), tables)) | {"x": (x + 1).tolist(), "T": 6}
    names |= {"alpha": lambda t: lambda k: alpha[t - 1, k - 1]}
    start, step = (tex("eq-classical-forward", statement=s) for s in (0, 1))
    for k in range(1, 4):
        torch.testing.assert_close(start(names, k=k), alpha[0, k - 1])
        for t in range(2, 7):
            torch.testing.assert_close(step(names, k=k, t=t), alpha[t - 1, k - 1])
    total = tex("eq-classical-forward", statement=2)(names, k=range(1, 4))
    torch.testing.assert_close(total, HiddenMarkovModel(*tables).log_prob(x[None])[0].exp())


@pytest.mark.equation("eq-classical-backward")
def test_posterior_is_the_share_of_paths(hmm: tuple[Any, ...]) -> None:
    """Posterior of each state at each time against shares of all 729 paths."""
    x, tables, paths, joint = hmm
    cells = lesson("recursions", "backward")
    alpha, beta = cells["forward"](x, *tables), cells["backward"](x, *tables[1:])
    posterior = alpha * beta / alpha[-1].sum()
    kept = HiddenMarkovModel(*tables).posterior(x[None])[0][0]
    names = dict(zip(("pi", "A", "B"), tables)) | {"x": (x + 1).tolist()}
    names |= {"alpha": lambda t: lambda k: alpha[t - 1, k - 1]}
    names |= {"beta": lambda t: lambda k: beta[t - 1, k - 1]}
    step, share = (tex("eq-classical-backward", statement=s) for s in (1, 2))
    for t, k in itertools.product(range(6), range(3)):
        expected = joint[paths[:, t] == k].sum() / joint.sum()
        torch.testing.assert_close(posterior[t, k], expected)
        torch.testing.assert_close(kept[t, k], expected)
        found = share(names | {"x": x}, p=lambda _: joint.sum(), t=t + 1, k=k + 1)
        torch.testing.assert_close(found, expected)
        if t < 5:
            torch.testing.assert_close(step(names, t=t + 1, k=k + 1), beta[t, k])


@pytest.mark.equation("eq-classical-viterbi")
def test_viterbi_is_the_best_of_all_paths(hmm: tuple[Any, ...]) -> None:
    """Viterbi's path and probability against the best of all 729 paths."""
    x, tables, paths, joint = hmm
    path, best = lesson("viterbi")["viterbi"](x, *tables)
    assert path.tolist() == paths[joint.argmax()].tolist()
    torch.testing.assert_close(best, joint.max())
    kept, log_best = HiddenMarkovModel(*tables).viterbi(x[None])
    assert kept[0].tolist() == path.tolist()
    torch.testing.assert_close(log_best[0].exp(), best)
    names = dict(zip(("pi", "A", "B"), tables)) | {"x": (x + 1).tolist()}
    start, step = (tex("eq-classical-viterbi", statement=s) for s in (0, 1))
    delta = [[start(names, k=k) for k in range(1, 4)]]
    names["delta"] = lambda t: lambda k: delta[t - 1][k - 1]
    for t in range(2, 7):
        delta.append([step(names, k=k, t=t) for k in range(1, 4)])
    highest = tex("eq-classical-viterbi", statement=2)
    torch.testing.assert_close(highest(names, T=6, k=range(1, 4)), best)
    known = {(0, *z): p for z, p in zip(paths.tolist(), joint.tolist())}
    of_paths = tex("eq-classical-viterbi", statement=2, side=0)
    found = of_paths(p=lambda x, z: known[x, *z], x=0, z=paths.tolist())
    assert found == pytest.approx(best.item())


@pytest.mark.equation("eq-classical-baum-welch")
def test_baum_welch_counts_over_all_paths(hmm: tuple[Any, ...]) -> None:
    """One step of Baum–Welch against expected counts over all 729 paths."""
    x, tables, paths, joint = hmm
    weight = joint / joint.sum()
    moves, emitted = torch.zeros(3, 3), torch.zeros(3, 4)
    for w, z in zip(weight, paths.tolist()):
        for j, k in pairwise(z):
            moves[j, k] += w
        for k, v in zip(z, x.tolist()):
            emitted[k, v] += w
    model = HiddenMarkovModel(*tables)
    model.fit(x[None], max_steps=1)
    first = torch.stack([weight[paths[:, 0] == k].sum() for k in range(3)])
    torch.testing.assert_close(model.initial, first)
    torch.testing.assert_close(model.transition, moves / moves.sum(1, keepdim=True))
    torch.testing.assert_close(model.emission, emitted / emitted.sum(1, keepdim=True))

    def posterior(*given: Tensor) -> Tensor:  # of events, each true for some of the 729 paths
        assert given[-1] is x
        return weight[torch.stack(given[:-1]).all(0)].sum()

    names = {"p": posterior, "z": paths.T, "x": x, "T": 6}
    start, move, emit = (tex("eq-classical-baum-welch", statement=s) for s in (0, 1, 2))
    for k in range(3):
        torch.testing.assert_close(start(names, k=k), model.initial[k])
        for j in range(3):
            torch.testing.assert_close(move(names, j=j, k=k), model.transition[j, k])
        for v in range(4):
            torch.testing.assert_close(emit(names, k=k, v=v), model.emission[k, v])


@pytest.mark.equation("eq-classical-markov")
def test_chain_uses_only_the_last_symbols(seed: int) -> None:
    """Product of counted conditionals; sums over all texts (1); older symbols change nothing."""
    x = torch.randint(3, (80,), generator=seeded(seed))
    chain = MarkovChain(3, order=2).fit(x)
    every = torch.tensor(list(itertools.product(range(3), repeat=5)))
    assert float(chain.log_prob(every).exp().sum()) == pytest.approx(1.0)
    changed = every.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 3
    torch.testing.assert_close(
        chain.log_conditionals(every)[:, 3:], chain.log_conditionals(changed)[:, 3:]
    )
    cells = lesson("witten-bell", "predict")
    text = "".join(map(str, x.tolist()))
    counted = [cells["count"](text, m) for m in range(3)]
    printed = tex("eq-classical-markov")
    for row in every[seed % 7 :: 20]:
        symbols = "".join(map(str, row.tolist()))
        found = printed(
            x=lambda t, symbols=symbols: symbols[t - 1] if t > 0 else "",  # none before the first
            p=lambda v, *history: cells["predict"](counted, "".join(history), v, 3),
            **{"T": 5, "m": 2},
        )
        assert found == pytest.approx(chain.log_prob(row[None]).exp().item())


@pytest.mark.equation("eq-classical-witten-bell")
def test_witten_bell_by_hand_and_over_the_alphabet() -> None:
    """Fractions worked out by hand for "abababc"; sums over the alphabet (1) for all histories."""
    cells = lesson("witten-bell", "predict")
    text = "abababc"
    tables = [cells["count"](text, m) for m in range(3)]
    order0 = {v: (n + 3 / 4) / (7 + 3) for v, n in zip("abcd", (3, 3, 1, 0))}
    after_b = {v: (n + 2 * order0[v]) / (3 + 2) for v, n in zip("abcd", (2, 0, 1, 0))}
    for v in "abcd":
        assert cells["predict"](tables, "", v, 4) == pytest.approx(order0[v])
        assert cells["predict"](tables, "b", v, 4) == pytest.approx(after_b[v])
        assert cells["predict"](tables, "db", v, 4) == pytest.approx(after_b[v])  # never seen
    for history in ("", "a", "c", "ab", "dd"):
        total = sum(cells["predict"](tables, history, v, 4) for v in "abcd")
        assert total == pytest.approx(1.0)
    codes = torch.tensor(["abcd".index(c) for c in text])
    chain = MarkovChain(4, order=1).fit(codes)
    kept = chain.log_conditionals(torch.tensor([[1, v] for v in range(4)]))[:, 1].exp()
    torch.testing.assert_close(kept, torch.tensor(list(after_b.values())))
    longer = MarkovChain(4, order=2).fit(codes)
    after_ab = longer.log_conditionals(torch.tensor([[0, 1, v] for v in range(4)]))[:, 2].exp()
    printed = tex("eq-classical-witten-bell")

    def places(part: str) -> list[int]:
        return [i for i in range(len(text)) if text.startswith(part, i)]

    for m, history, expected in ((1, "b", kept), (2, "ab", after_ab)):
        shorter = [{"": order0}, {"b": after_b}][m - 1]
        for v, p in zip("abcd", expected.tolist()):
            names = {
                "n": lambda h: len(places(h.text)),
                "d": lambda h: len({text[i + len(h.text)] for i in places(h.text)}),
                "p": {m - 1: lambda v, h, known=shorter: known[h.text][v.text]},
            }
            names |= {"h": Symbols(history), "h'": Symbols(history[1:]), "v": Symbols(v)}
            assert printed(names, m=m) == pytest.approx(p)


@pytest.mark.equation("eq-classical-collapse")
def test_density_at_the_mean_grows_without_limit() -> None:
    """Log-density at the mean against scipy's for shrinking s; it gains D log 10 a decade."""
    peak = tex("eq-classical-collapse", side=0)
    printed = tex("eq-classical-collapse", side=1)
    for d, s in itertools.product((2, 3), (1.3, 0.1, 0.01)):
        x = np.linspace(1.5, 4.0, d)
        expected = float(stats.multivariate_normal(x, s**2 * np.eye(d)).logpdf(x))
        names = {
            "N_cal": lambda v, m, c: stats.multivariate_normal(m, c.reshape(m.size, -1)).pdf(v)
        }
        assert peak(names, x=x, s=s, I=np.eye(d)) == pytest.approx(expected)
        assert printed(D=d, s=s) == pytest.approx(expected)
        single = GaussianMixture(1).start(torch.rand(9, d), torch.ones(9, 1))
        single.means, single.cholesky = torch.as_tensor(x)[None], s * torch.eye(d)[None]
        assert single.log_prob(torch.as_tensor(x)[None]).item() == pytest.approx(expected)
    x = torch.tensor([[0.0, 0.0], [1.0, 3.0], [2.0, 1.0], [4.0, 2.0]])
    ends = []
    for s in (0.1, 0.01):
        mixture = GaussianMixture(2).start(x, torch.full((4, 2), 0.5))
        mixture.means = torch.stack([x[0], x.mean(0)])
        mixture.cholesky = torch.stack([s * torch.eye(2), mixture.cholesky[1]])
        ends.append(float(mixture.log_prob(x).sum()))
    assert ends[1] - ends[0] == pytest.approx(2 * math.log(10), abs=0.05)


@pytest.mark.equation("eq-classical-covariance-prior")
def test_prior_is_pseudo_examples_and_bounds_the_eigenvalues(seed: int) -> None:
    """M-step with prior against the plain one on data with M added points of variance v."""
    g = seeded(seed)
    x = torch.randn(9, 2, generator=g)
    r = torch.rand(9, 2, generator=g).softmax(1)
    mixture = GaussianMixture(2, prior_examples=4.0, prior_variance=0.3).start(x, r)
    arm = math.sqrt(2 * 0.3)  # four points on the axes: their mean square is v in each direction
    cross = torch.tensor([[arm, 0.0], [-arm, 0.0], [0.0, arm], [0.0, -arm]])
    added = torch.cat([x, *(mean + cross for mean in mixture.means)])
    owned = torch.cat([r, torch.eye(2).repeat_interleave(4, 0)])
    plain = GaussianMixture(2).start(added, owned)
    torch.testing.assert_close(mixture.covariances, plain.covariances)
    printed = tex("eq-classical-covariance-prior")
    names = {"r": by_point(x, r), "x": x, "M": 4.0, "v": 0.3, "I": torch.eye(2)}
    for k in (1, 2):
        own = {"N_k": r[:, k - 1].sum(), "mu_k": mixture.means[k - 1]}
        torch.testing.assert_close(printed(names | own, k=k), plain.covariances[k - 1])
        aside = torch.tensor([0.3, -0.8])  # around another point it is larger by an outer product
        outer = own["N_k"] / (own["N_k"] + 4.0) * aside.outer(aside)
        found = printed(names | own | {"mu_k": own["mu_k"] + aside}, k=k)
        torch.testing.assert_close(found, plain.covariances[k - 1] + outer)
        smallest = torch.linalg.eigvalsh(mixture.covariances[k - 1]).min()
        assert float(smallest) >= 4.0 * 0.3 / (own["N_k"] + 4.0)


@pytest.mark.slow
def test_floors_of_the_digits() -> None:
    """Independent pixels within 0.1, tree and mixture within 0.8 of the figures computed before."""
    data = images.load("digits")
    train, *rest = (p.levels.flatten(1) for p in (data.train, data.validation, data.test))

    def nlls(model: Any) -> list[float]:
        return [-float(model.log_prob(x).mean()) for x in rest]

    pixels = IndependentCategorical((64,), 17, smoothing=0.3).fit(train)
    assert nlls(pixels) == pytest.approx([110.47, 106.33], abs=0.1)
    tree = ChowLiuTree(17, smoothing=0.8).fit(train)
    assert nlls(tree) == pytest.approx([100.85, 96.45], abs=0.8)
    mixture = CategoricalMixture(10, 17, smoothing=0.1, prior_examples=20)
    mixture.fit(train, restarts=3, rng=seeded(0))
    assert nlls(mixture) == pytest.approx([102.1, 98.2], abs=0.8)
