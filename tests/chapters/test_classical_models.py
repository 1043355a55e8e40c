"""The equations of the chapter, in the chapter's own cells, against independent answers."""

from __future__ import annotations

import itertools
import math
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
from tests.statistics import assert_mean_close

PAGE = "background/classical_models"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, after its own imports; `names` replace what these set."""
    known = run_cells(PAGE, ["imports"], seed=0) | {"ProbabilisticPCA": ProbabilisticPCA}
    return run_cells(PAGE, list(ids), **(known | names))


def levels(seed: int, n: int = 60, d: int = 4, v: int = 3) -> Tensor:
    g = seeded(seed)
    table = torch.rand(d, v, generator=g) + 0.1
    x = torch.multinomial(table, n, replacement=True, generator=g).T.contiguous()
    copy = torch.rand(n, generator=g) < 0.5
    x[:, 1] = torch.where(copy, x[:, 0], x[:, 1])
    return x


@pytest.mark.equation("eq-classical-naive-bayes", frozen="141870cd")
def test_naive_bayes_is_scikit_learns(seed: int) -> None:
    """Joint probability of image and label against scikit-learn's CategoricalNB."""
    x, y = levels(seed), torch.arange(60) % 5
    cells = lesson("naive-bayes", V=3)
    theta = cells["tables"](x, torch.eye(5)[y], 0.7, 0.0)
    ours = cells["log_joint"](x, torch.eye(5)[y].mean(0), theta)
    reference = CategoricalNB(alpha=0.7, min_categories=3).fit(x.numpy(), y.numpy())
    expected = torch.as_tensor(reference.predict_joint_log_proba(x.numpy()))
    torch.testing.assert_close(ours, expected)


@pytest.mark.equation("eq-classical-naive-bayes", frozen="141870cd")
def test_pretended_images_are_added_images(seed: int) -> None:
    """Tables with A pretended images against tables of data in which each image is repeated."""
    x = levels(seed)
    cells = lesson("naive-bayes", V=3)
    first = torch.zeros(60, 1)
    first[:20] = 1.0
    ours = cells["tables"](x, first, 0.2, 30.0)
    repeated = torch.cat([x[:20], x[:20], x])  # 20 twice, and 60 that stand for A = 60 = 2 · 30
    expected = cells["tables"](repeated, torch.ones(100, 1), 0.4, 0.0)
    torch.testing.assert_close(ours, expected)


@pytest.mark.equation("eq-classical-mixture", frozen="b1fbd4eb")
def test_mixture_density_is_that_of_ancestral_samples(seed: int) -> None:
    """Integral of the density (1), and shares of ancestral draws in squares, by quadrature."""
    cells = lesson("world", seed=seed)
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


@pytest.mark.equation("eq-classical-responsibility", frozen="99b0c584")
def test_responsibilities_are_shares_of_components_near_a_point(seed: int) -> None:
    """Responsibilities against the shares of components among draws with known components."""
    cells = lesson("world", "em")
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


@pytest.mark.equation("eq-classical-m-step", frozen="27a15e2f")
def test_em_step_is_scikit_learns(seed: int) -> None:
    """Five EM steps from one start against scikit-learn's GaussianMixture."""
    cells = lesson("world", "em", seed=seed)
    x, g = cells["points"], seeded(seed)
    r = torch.rand(300, 3, generator=g) ** 3 + 0.01
    start = cells["m_step"](x, r / r.sum(1, keepdim=True))
    ours = start
    for _ in range(5):
        ours = cells["m_step"](x, cells["e_step"](x, *ours))
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


@pytest.mark.equation("eq-classical-em-bound", frozen="ec76d961")
def test_bound_and_divergence_add_up(seed: int) -> None:
    """F + KL for random q against log p by scipy's densities; F ≤ log p, equal at q = r."""
    cells = lesson("world", "em", seed=seed)
    truth = [cells[name] for name in ("truth_weights", "truth_means", "truth_covs")]
    x, g = cells["points"][:40], seeded(seed)
    normals = [stats.multivariate_normal(m, c) for m, c in zip(*(t.numpy() for t in truth[1:]))]
    log_p = np.log(sum(w * n.pdf(x.numpy()) for w, n in zip(truth[0].numpy(), normals)))
    parts, r = cells["log_parts"](x, *truth), cells["e_step"](x, *truth)
    for q in (torch.rand(40, 3, generator=g).softmax(1), r):
        bound = (q * (parts - q.log())).sum(1)
        gap = torch.nn.functional.kl_div(r.log(), q, reduction="none").sum(1)
        torch.testing.assert_close(bound + gap, torch.as_tensor(log_p))
        assert (bound <= torch.as_tensor(log_p) + 1e-9).all()
    torch.testing.assert_close(bound, torch.as_tensor(log_p))  # the last q was r


@pytest.mark.equation("eq-classical-monotone", frozen="99aba417")
def test_each_link_of_the_chain_holds(seed: int) -> None:
    """The three relations of the proof, link by link, over twenty EM steps on the points."""
    cells = lesson("world", "em", seed=seed)
    x, g = cells["points"], seeded(seed)
    r = torch.rand(300, 3, generator=g) + 0.5
    old = cells["m_step"](x, r / r.sum(1, keepdim=True))
    for _ in range(20):
        r = cells["e_step"](x, *old)
        new = cells["m_step"](x, r)

        def bound(parameters: tuple[Tensor, ...], r: Tensor = r) -> Tensor:
            return (r * (cells["log_parts"](x, *parameters) - r.log())).nan_to_num().sum()

        before = cells["log_parts"](x, *old).logsumexp(1).sum()
        after = cells["log_parts"](x, *new).logsumexp(1).sum()
        torch.testing.assert_close(bound(old), before)
        assert bound(new) >= bound(old) - 1e-9
        assert after >= bound(new) - 1e-9
        old = new


@pytest.mark.equation("eq-classical-categorical-m-step", frozen="f3ecb32e")
def test_counted_tables_maximise_bound_and_prior(seed: int) -> None:
    """Tables of the M-step against random tables in the neighbourhood: none scores higher."""
    x, g = levels(seed), seeded(seed + 1)
    cells = lesson("naive-bayes", V=3)
    r = torch.rand(60, 2, generator=g).softmax(1)
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


@pytest.mark.equation("eq-classical-ppca", frozen="1409a999")
def test_marginal_covariance_is_that_of_simulated_data(seed: int) -> None:
    """Second moments of x simulated through z and noise against W Wᵀ + σ² I."""
    g = seeded(seed)
    w, b, std = torch.randn(5, 2, generator=g), torch.randn(5, generator=g), 0.7
    z = torch.randn(40_000, 2, generator=g)
    x = z @ w.T + b + std * torch.randn(40_000, 5, generator=g)
    products = (x - b)[:, :, None] * (x - b)[:, None]
    assert_mean_close(products, w @ w.T + std**2 * torch.eye(5))
    model = ProbabilisticPCA(5, 2)
    model.weight, model.bias, model.std = w, b, torch.tensor(std)
    normal = MultivariateNormal(b, w @ w.T + std**2 * torch.eye(5))
    torch.testing.assert_close(model.log_prob(x[:9]), normal.log_prob(x[:9]))


@pytest.mark.equation("eq-classical-ppca-solution", frozen="0d70e6db")
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


@pytest.mark.equation("eq-classical-dequantisation", frozen="ed5f1b25")
def test_spread_score_is_below_the_mass_of_the_cell(seed: int) -> None:
    """Mean score under noise against the exact mass of each unit cell, by scipy's normal CDF."""
    spread = lesson("ppca-fit", "ppca-check", train=levels(seed, 200, 64, 17),
                    validation=levels(seed + 1, 50, 64, 17))["spread"]  # fmt: skip
    g = seeded(seed)
    mean, std = float(torch.randn((), generator=g)) + 8, 2.5
    for level in (3, 8, 12):
        x = torch.full((20_000, 1), level)
        noisy = spread(x, seed + level)
        assert ((noisy >= level) & (noisy < level + 1)).all()
        scores = torch.as_tensor(stats.norm(mean, std).logpdf(noisy.numpy()))
        exact, _ = integrate.quad(stats.norm(mean, std).logpdf, level, level + 1)
        assert_mean_close(scores, exact)
        cell = stats.norm(mean, std).cdf(level + 1) - stats.norm(mean, std).cdf(level)
        assert exact <= math.log(cell)


@pytest.mark.equation("eq-classical-tree", frozen="cd84abb6")
def test_tree_is_a_distribution_with_the_tables_of_its_pairs(seed: int) -> None:
    """Sum over all 81 examples (1), and each edge's marginal table against relative frequencies."""
    x = levels(seed)
    tree = ChowLiuTree(3, smoothing=0.0).fit(x)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    p = tree.log_prob(every).exp()
    assert float(p.sum()) == pytest.approx(1.0)
    for i, j in enumerate(tree.parent.tolist()):
        for u, v in itertools.product(range(3), repeat=2):
            inside = (every[:, i] == u) & (every[:, j] == v)
            counted = ((x[:, i] == u) & (x[:, j] == v)).double().mean()
            assert float(p[inside].sum()) == pytest.approx(float(counted), abs=1e-12)


@pytest.mark.equation("eq-classical-tree-likelihood", frozen="8d54cfca")
def test_likelihood_of_any_tree_is_information_minus_entropy(seed: int) -> None:
    """Mean log-likelihood of fixed trees, counted by hand, against scikit-learn and scipy."""
    x = levels(seed)
    entropy = sum(stats.entropy(np.bincount(x[:, i], minlength=3) / 60) for i in range(4))
    for parents in ((0, 0, 1, 2), (0, 0, 0, 0), (0, 2, 3, 0)):
        total = 0.0
        for row in x.tolist():
            total += math.log(float((x[:, 0] == row[0]).double().mean()))
            for i in (1, 2, 3):
                above = x[:, parents[i]] == row[parents[i]]
                total += math.log(float((x[above, i] == row[i]).double().mean()))
        information = sum(mutual_info_score(x[:, i], x[:, parents[i]]) for i in (1, 2, 3))
        assert total / 60 == pytest.approx(information - entropy)


@pytest.mark.equation("eq-classical-mutual-information", frozen="14e3b385")
def test_information_is_scikit_learns_and_the_tree_the_best(seed: int) -> None:
    """Mutual information against scikit-learn; the grown tree against all 16 trees on 4 pixels."""
    x = levels(seed)
    cells = lesson("chow-liu", V=3)
    ours = cells["information"](x)
    for i, j in itertools.product(range(4), repeat=2):
        assert float(ours[i, j]) == pytest.approx(mutual_info_score(x[:, i], x[:, j]), abs=1e-9)
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


@pytest.mark.equation("eq-classical-hmm", frozen="83223817")
def test_joint_probabilities_sum_to_one_and_match_samples(seed: int) -> None:
    """Sum of p(x, z) over all x and z of length 3 (1); shares of sampled pairs against p(x, z)."""
    model = HiddenMarkovModel.random(2, 3, rng=seeded(seed))
    n = 20_000
    symbols, states = model.sample_with_states(n, length=3, rng=seeded(seed + 1))
    total = 0.0
    for z in itertools.product(range(2), repeat=3):
        for x in itertools.product(range(3), repeat=3):
            p = float(model.initial[z[0]])
            for j, k in pairwise(z):
                p *= float(model.transition[j, k])
            for k, v in zip(z, x):
                p *= float(model.emission[k, v])
            total += p
            if p > 0.01:
                same = (symbols == torch.tensor(x)) & (states == torch.tensor(z))
                assert_mean_close(same.all(1).double(), p)
    assert total == pytest.approx(1.0)


@pytest.mark.equation("eq-classical-forward", frozen="59273074")
def test_forward_is_the_sum_over_paths(hmm: tuple[Any, ...]) -> None:
    """Forward variables against sums over all paths of the first t symbols; p(x) likewise."""
    x, tables, paths, joint = hmm
    alpha = lesson("recursions")["forward"](x, *tables)
    torch.testing.assert_close(alpha[-1].sum(), joint.sum())
    for k in range(3):
        torch.testing.assert_close(alpha[-1, k], joint[paths[:, -1] == k].sum())
    shorter = lesson("recursions")["forward"](x[:4], *tables)
    torch.testing.assert_close(alpha[:4], shorter)


@pytest.mark.equation("eq-classical-backward", frozen="d1c41562")
def test_posterior_is_the_share_of_paths(hmm: tuple[Any, ...]) -> None:
    """Posterior of each state at each time against shares of all 729 paths."""
    x, tables, paths, joint = hmm
    cells = lesson("recursions")
    alpha, beta = cells["forward"](x, *tables), cells["backward"](x, *tables[1:])
    posterior = alpha * beta / alpha[-1].sum()
    for t, k in itertools.product(range(6), range(3)):
        expected = joint[paths[:, t] == k].sum() / joint.sum()
        torch.testing.assert_close(posterior[t, k], expected)


@pytest.mark.equation("eq-classical-viterbi", frozen="ee611e07")
def test_viterbi_is_the_best_of_all_paths(hmm: tuple[Any, ...]) -> None:
    """Viterbi's path and probability against the best of all 729 paths."""
    x, tables, paths, joint = hmm
    path, best = lesson("recursions")["viterbi"](x, *tables)
    assert path.tolist() == paths[joint.argmax()].tolist()
    torch.testing.assert_close(best, joint.max())


@pytest.mark.equation("eq-classical-baum-welch", frozen="9ba766e9")
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


@pytest.mark.equation("eq-classical-markov", frozen="1ded5260")
def test_chain_uses_only_the_last_symbols(seed: int) -> None:
    """Product of conditionals: sums over all texts (1); older symbols change nothing."""
    x = torch.randint(3, (80,), generator=seeded(seed))
    chain = MarkovChain(3, order=2).fit(x)
    every = torch.tensor(list(itertools.product(range(3), repeat=5)))
    assert float(chain.log_prob(every).exp().sum()) == pytest.approx(1.0)
    changed = every.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 3
    torch.testing.assert_close(
        chain.log_conditionals(every)[:, 3:], chain.log_conditionals(changed)[:, 3:]
    )


@pytest.mark.equation("eq-classical-witten-bell", frozen="c467d863")
def test_witten_bell_by_hand_and_over_the_alphabet() -> None:
    """Fractions worked out by hand for "abab a"; sums over the alphabet (1) for all histories."""
    cells = lesson("witten-bell")
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


@pytest.mark.equation("eq-classical-collapse", frozen="23716740")
def test_density_at_the_mean_grows_without_limit() -> None:
    """Log-density at the mean against scipy's for shrinking s; it gains D log 10 a decade."""
    for d, s in itertools.product((1, 3), (1.0, 0.1, 0.01)):
        expected = stats.multivariate_normal(np.zeros(d), s**2 * np.eye(d)).logpdf(np.zeros(d))
        assert -d / 2 * math.log(2 * math.pi * s**2) == pytest.approx(float(expected))
    x = torch.tensor([[0.0, 0.0], [1.0, 3.0], [2.0, 1.0], [4.0, 2.0]])
    ends = []
    for s in (0.1, 0.01):
        mixture = GaussianMixture(2).start(x, torch.full((4, 2), 0.5))
        mixture.means = torch.stack([x[0], x.mean(0)])
        mixture.cholesky = torch.stack([s * torch.eye(2), mixture.cholesky[1]])
        ends.append(float(mixture.log_prob(x).sum()))
    assert ends[1] - ends[0] == pytest.approx(2 * math.log(10), abs=0.05)


@pytest.mark.equation("eq-classical-covariance-prior", frozen="b9bf4aa9")
def test_prior_is_pseudo_examples_and_bounds_the_eigenvalues(seed: int) -> None:
    """M-step with prior against the plain one on data with A added points of variance v."""
    g = seeded(seed)
    x = torch.randn(9, 2, generator=g)
    mixture = GaussianMixture(1, prior_examples=4.0, prior_variance=0.3).fit(x)
    arm = math.sqrt(2 * 0.3)  # four points on the axes: their mean square is v in each direction
    cross = torch.tensor([[arm, 0.0], [-arm, 0.0], [0.0, arm], [0.0, -arm]])
    plain = GaussianMixture(1).fit(torch.cat([x, x.mean(0) + cross]))
    torch.testing.assert_close(mixture.covariances, plain.covariances)
    smallest = torch.linalg.eigvalsh(mixture.covariances).min()
    assert float(smallest) >= 4.0 * 0.3 / (9 + 4.0)


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
