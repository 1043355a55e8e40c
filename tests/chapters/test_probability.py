"""The equations of the chapter, in the chapter's own cells, against independent answers."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from torch.distributions import MultivariateNormal, Normal

from helpers.data.images.dequantisation import dequantise
from helpers.metrics import bits_per_dimension, mean_and_standard_error
from helpers.models import IndependentCategorical
from helpers.objectives import js_categorical, kl_categorical, total_variation_categorical
from helpers.objectives.wasserstein import transport_plan
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "concepts/probability"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, with the modules that its imports cell gives them."""
    given: dict[str, Any] = {
        "torch": torch,
        "math": math,
        "Normal": Normal,
        "MultivariateNormal": MultivariateNormal,
        "seeded": seeded,
        "repeats": 400,
    }
    return run_cells(PAGE, list(ids), **(given | names))


def huffman(p: list[float]) -> float:
    """Mean length in bits of the best prefix code: the sum of all merged probabilities."""
    heap, total = list(p), 0.0
    heapq.heapify(heap)
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        total += merged
        heapq.heappush(heap, merged)
    return total


@pytest.mark.equation("eq-probability-entropy")
def test_entropy_is_the_length_of_a_huffman_code() -> None:
    """SciPy's entropy, its range, and Huffman's optimal code: equal for dyadic, within a bit."""
    entropy = lesson("entropy")["entropy"]
    dyadic = [1 / 2, 1 / 4, 1 / 16, 1 / 16, 1 / 8]
    assert entropy(torch.tensor(dyadic)).item() / math.log(2) == pytest.approx(huffman(dyadic))
    p = (2 * torch.randn(6, 7)).softmax(-1)
    value = entropy(p)
    torch.testing.assert_close(value, torch.as_tensor(stats.entropy(p.numpy(), axis=-1)))
    highest = tex("eq-probability-entropy", statement=1)
    assert highest(K=7) == pytest.approx(entropy(torch.full((7,), 1 / 7)).item())
    assert ((value >= 0) & (value <= highest(K=7))).all()
    printed = tex("eq-probability-entropy")
    for row, nats in zip(p, value):
        assert printed(p=row.tolist()) == pytest.approx(nats.item())
        bits = nats.item() / math.log(2)
        assert bits - 1e-9 <= huffman(row.tolist()) < bits + 1
    assert entropy(torch.tensor([0.0, 1.0])) == 0


@pytest.mark.equation("eq-probability-cross-entropy")
def test_cross_entropy_is_entropy_plus_divergence() -> None:
    """SciPy's entropy and relative entropy, added, and torch's cross-entropy."""
    cells = lesson("entropy")
    p, q = (2 * torch.randn(2, 6, 7)).softmax(-1)
    value = cells["cross_entropy"](p, q)
    split = stats.entropy(p.numpy(), axis=-1) + stats.entropy(p.numpy(), q.numpy(), axis=-1)
    torch.testing.assert_close(value, torch.as_tensor(split))
    expected = torch.nn.functional.cross_entropy(q.log(), p, reduction="none")
    torch.testing.assert_close(value, expected)
    printed = tex("eq-probability-cross-entropy", side=1)
    parts = tex("eq-probability-cross-entropy", side=2)
    for i in range(6):
        a, b = p[i].numpy(), q[i].numpy()
        assert printed(p=a, q=b) == pytest.approx(expected[i].item())
        assert parts(H=stats.entropy, KL=stats.entropy, p=a, q=b) == pytest.approx(value[i].item())


@pytest.mark.equation("eq-probability-kl")
def test_kl_on_the_grid_is_the_closed_form_of_two_normals() -> None:
    """torch.distributions' closed form for normal densities; zero only for equal ones."""
    cells = lesson("directions")
    x, kl = cells["x"], cells["kl"]
    for a, b in ((Normal(0.3, 0.7), Normal(-1.0, 1.6)), (Normal(-2.0, 1.1), Normal(1.0, 0.9))):
        value = kl(a.log_prob(x), b.log_prob(x)).item()
        expected = torch.distributions.kl_divergence(a, b).item()
        assert value == pytest.approx(expected, abs=1e-9)
        assert value > 0
        printed = tex("eq-probability-kl", side=1)(
            x=x,
            p=lambda v, a=a: a.log_prob(v).exp(),
            q=lambda v, b=b: b.log_prob(v).exp(),
            int=lambda values: torch.trapezoid(values, x),
        )
        assert printed.item() == pytest.approx(expected, abs=1e-9)
        assert kl(a.log_prob(x), a.log_prob(x)) == 0


@pytest.mark.equation("eq-probability-moments")
def test_forward_fit_has_the_moments_of_the_mixture() -> None:
    """Mean and variance of the mixture by the law of total variance, and a search by SciPy."""
    cells = lesson("directions", "fit")
    mean, std, value = cells["fit"](1.0, reverse=False)
    expected = 0.6 * -2.2 + 0.4 * 2.2
    variance = 0.6 * (0.7**2 + 2.2**2) + 0.4 * (0.9**2 + 2.2**2) - expected**2
    assert mean == pytest.approx(expected, abs=1e-5)
    assert std == pytest.approx(math.sqrt(variance), abs=1e-5)
    x, target = cells["x"], cells["target"]

    def average(values: torch.Tensor) -> torch.Tensor:
        return torch.trapezoid(target.exp() * values, x)

    printed = tex("eq-probability-moments")(
        x=x, E_p=average, Var_p=lambda v: average((v - average(v)).square())
    )
    assert [v.item() for v in printed] == pytest.approx([expected, math.sqrt(variance)])
    best = optimize.minimize(
        lambda t: cells["kl"](target, Normal(t[0], math.exp(t[1])).log_prob(x)).item(),
        [0.5, 0.3],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-12},
    )
    assert value == pytest.approx(best.fun, abs=1e-8)


@pytest.mark.equation("eq-probability-mode-cost")
@pytest.mark.parametrize("weight", [0.3, 0.85])
def test_reverse_fit_of_separate_humps_costs_the_log_weight(weight: float) -> None:
    """SciPy's adaptive integral and Nelder-Mead minimum, against −log of the hump's weight."""
    cells = lesson("directions", "fit")
    x = cells["x"]
    cells["target"] = torch.logaddexp(
        math.log(weight) + Normal(-4.0, 0.6).log_prob(x),
        math.log(1 - weight) + Normal(4.0, 0.8).log_prob(x),
    )
    mean, std, value = cells["fit"](-3.5, reverse=True)
    assert (mean, std) == pytest.approx((-4.0, 0.6), abs=1e-4)
    assert value == pytest.approx(-math.log(weight), abs=1e-5)
    printed = tex("eq-probability-mode-cost")
    assert printed(pi=[weight, 1 - weight], k=1) == pytest.approx(value, abs=1e-5)

    def integrand(v: float, m: float, s: float) -> float:
        log_q = stats.norm.logpdf(v, m, s)
        left = math.log(weight) + stats.norm.logpdf(v, -4.0, 0.6)
        right = math.log(1 - weight) + stats.norm.logpdf(v, 4.0, 0.8)
        return float(math.exp(log_q) * (log_q - max(left, right)))

    best = optimize.minimize(
        lambda t: integrate.quad(
            integrand, t[0] - 7 * math.exp(t[1]), t[0] + 7 * math.exp(t[1]), (t[0], math.exp(t[1]))
        )[0],
        [-3.7, -0.3],
        method="Nelder-Mead",
    )
    assert best.fun == pytest.approx(-math.log(weight), abs=1e-4)


@pytest.mark.equation("eq-probability-mle")
def test_likelihood_and_divergence_have_one_minimum(seed: int) -> None:
    """Mean −log p of single observations in a loop, against entropy plus KL of frequencies."""
    cells = lesson("entropy")
    draws = seeded(seed)
    data = torch.randint(4, (50,), generator=draws)
    seen = data.bincount(minlength=5) / len(data)
    for _ in range(5):
        model = torch.randn(5, generator=draws).log_softmax(0)
        nll = -sum(model[k].item() for k in data) / len(data)
        kl = stats.entropy(seen.numpy(), model.exp().numpy())
        assert nll == pytest.approx(cells["entropy"](seen).item() + kl)
        left = tex("eq-probability-mle", side=0)
        right = tex("eq-probability-mle", side=1)
        probability = model.exp().numpy()
        found = left(N=len(data), x=data.tolist(), p_theta=lambda k, p=probability: p[k])
        assert found == pytest.approx(nll)
        names = {"H": cells["entropy"], "KL": lambda p, q: stats.entropy(p.numpy(), q)}
        assert right(names, p_hat=seen, p_theta=probability).item() == pytest.approx(nll)


def test_squared_error_is_the_likelihood_of_a_fixed_width() -> None:
    cells = lesson("fixed-width")
    data = torch.randn(9)
    value = cells["fixed_width_nll"](data, torch.tensor(0.4), 1.0).item()
    expected = -stats.norm.logpdf(data.numpy(), 0.4, 1.0).mean()
    assert value == pytest.approx(expected)


@pytest.mark.equation("eq-probability-excess")
def test_a_parameter_costs_half_a_nat_over_n(seed: int) -> None:
    """The mean over 4,000 fits within 5 standard errors, and a chi-squared law of the excess."""
    excess_kl = lesson("excess")["excess_kl"]
    for d, n in ((3, 7), (11, 20)):
        values = excess_kl(d, n, 4000, seeded(seed))
        assert_mean_close(values, tex("eq-probability-excess")(d=d, N=n))
        assert stats.kstest((2 * n * values).numpy(), stats.chi2(d).cdf).pvalue > 1e-6


@pytest.mark.equation("eq-probability-f")
def test_each_f_gives_its_divergence() -> None:
    """helpers' divergences and SciPy's; non-negative, zero for equal distributions."""
    cells = lesson("f-divergences", "f-divergence")
    p, q = (1.5 * torch.randn(2, 6, 7)).softmax(-1)
    f = cells["f_divergence"]
    known = {
        "forward KL": torch.as_tensor(stats.entropy(p.numpy(), q.numpy(), axis=-1)),
        "reverse KL": torch.as_tensor(stats.entropy(q.numpy(), p.numpy(), axis=-1)),
        "Jensen-Shannon": js_categorical(p.log(), q.log()),
        "total variation": total_variation_categorical(p.log(), q.log()),
        "chi-squared": (p.square() / q).sum(-1) - 1,
    }
    assert set(known) == set(cells["GENERATORS"])
    for name, expected in known.items():
        torch.testing.assert_close(f(name, p, q), expected)
        printed = tex("eq-probability-f", side=1)
        found = [printed(p=a, q=b, f=cells["GENERATORS"][name]) for a, b in zip(p, q)]
        torch.testing.assert_close(torch.stack(found), expected)
        assert (f(name, p, q) > 0).all()
        assert f(name, p, p).abs().max() < 1e-12


@pytest.mark.equation("eq-probability-bounds")
def test_bounds_hold_and_are_nearly_reached(seed: int) -> None:
    """20,000 random pairs obey all bounds; two-point pairs computed by hand come close to them."""
    draws = seeded(seed)
    sharp = 5 * torch.rand(20_000, 1, generator=draws)
    p, q = ((sharp * torch.randn(20_000, 4, generator=draws)).log_softmax(-1) for _ in range(2))
    tv = 0.5 * (p.exp() - q.exp()).abs().sum(-1)
    kl = kl_categorical(p, q)
    js = js_categorical(p, q)
    pinsker = tex("eq-probability-bounds")
    huber = tex("eq-probability-bounds", statement=1)
    low = tex("eq-probability-bounds", statement=2, side=0)
    high = tex("eq-probability-bounds", statement=2, side=2)
    assert (tv <= pinsker(KL=kl.clamp(min=0)) + 1e-7).all()
    assert (tv <= huber(KL=kl.clamp(min=0)) + 1e-7).all()
    assert (low(TV=tv) <= js + 1e-12).all()
    assert (js <= high(TV=tv) + 1e-12).all()

    # Two coins near ½ reach Pinsker and the lower bound; a sure value beside a coin reaches, with
    # the root of TV, the second bound; JS = TV log 2 where each has a point of its own.
    e = 1e-3
    a, b = torch.tensor([0.5 + e, 0.5 - e]), torch.tensor([0.5 - e, 0.5 + e])
    kl, js = kl_categorical(a.log(), b.log()), js_categorical(a.log(), b.log())
    assert pinsker(KL=kl).item() == pytest.approx(2 * e, rel=1e-4)
    assert low(TV=2 * e) == pytest.approx(js.item(), rel=1e-4)
    sure, coin = torch.tensor([1.0, 0.0]), torch.tensor([0.3, 0.7])
    kl = kl_categorical(sure.log(), coin.log())
    assert huber(KL=kl).item() == pytest.approx(math.sqrt(0.7))
    a, b = torch.tensor([0.3, 0.7, 0.0]), torch.tensor([0.0, 0.7, 0.3])
    js = js_categorical(a.log(), b.log())
    assert js.item() == pytest.approx(0.3 * math.log(2))
    assert high(TV=0.3) == pytest.approx(js.item())


@pytest.mark.equation("eq-probability-transport")
def test_transport_is_the_best_assignment_of_points(seed: int) -> None:
    """SciPy's Hungarian algorithm on points in the plane, and the length of a common shift."""
    one, two = torch.randn(2, 9, 2, generator=seeded(seed))
    mass = torch.full((9,), 1 / 9)
    cost = torch.cdist(one, two)
    rows, columns = optimize.linear_sum_assignment(cost.numpy())
    least, plan = transport_plan(cost, mass, mass)
    assert least.item() == pytest.approx(cost[rows, columns].mean().item())
    torch.testing.assert_close(plan.sum(0), mass)
    plans = [torch.full((9, 9), 1 / 81), -plan, plan, plan.roll(1, 0)]
    printed = tex("eq-probability-transport")({"pi": plans}, x=one, y=two)
    assert printed.item() == pytest.approx(least.item())
    for k in range(1, 10):
        row = tex("eq-probability-transport", statement=1, side=0)
        column = tex("eq-probability-transport", statement=2, side=0)
        assert row(pi=plan, i=k).item() == pytest.approx(plan[k - 1].sum().item())
        assert column(pi=plan, j=k).item() == pytest.approx(plan[:, k - 1].sum().item())
    shifted, _ = transport_plan(torch.cdist(one, one + torch.tensor([3.0, 4.0])), mass, mass)
    assert shifted.item() == pytest.approx(5.0)


@pytest.mark.equation("eq-probability-quantile")
def test_sorting_is_scipys_wasserstein_distance(seed: int) -> None:
    """SciPy's distance of the two samples; and a closed form for two normal densities."""
    sorted_distance = lesson("wasserstein")["sorted_distance"]
    x, y = torch.randn(2, 40, generator=seeded(seed))
    expected = stats.wasserstein_distance(x.numpy(), (2 * y + 1).numpy())
    assert sorted_distance(x, 2 * y + 1).item() == pytest.approx(expected)
    # Quantiles of N(0, 1) and N(0, 3²) differ by 2 |z|, whose mean is 2 √(2/π).
    u = (torch.arange(100_000) + 0.5) / 100_000
    z = Normal(0.0, 1.0).icdf(u)
    expected = pytest.approx(2 * math.sqrt(2 / math.pi), abs=1e-3)
    assert sorted_distance(z, 3 * z.flip(0)).item() == expected
    quantiles = {"F_p^-1": Normal(0.0, 1.0).icdf, "F_q^-1": Normal(0.0, 3.0).icdf}
    printed = tex("eq-probability-quantile")({**quantiles, "int_0^1": torch.mean}, u=u)
    assert printed.item() == expected


@pytest.mark.equation("eq-probability-monte-carlo")
def test_error_of_the_mean_falls_as_the_root(seed: int) -> None:
    """Mean and variance of f = x² − x in closed form; SciPy's standard error of each average."""
    draws = seeded(seed)
    mean, variance = 1.0, 3.0  # of f under N(0, 1): Var[x²] + Var[x] = 2 + 1
    average = tex("eq-probability-monte-carlo")
    error = tex("eq-probability-monte-carlo", statement=2)
    for n in (10, 40):
        found = []
        for _ in range(1000):
            x = torch.randn(n, generator=draws)
            found.append(mean_and_standard_error(x.square() - x))
        means, errors = torch.tensor(found).T
        printed = average(N=n, x=x.tolist(), f=lambda v: v**2 - v)
        assert printed == pytest.approx(means[-1].item())
        assert errors[-1].item() == pytest.approx(stats.sem((x.square() - x).numpy()))
        expected = error(N=n, f="f", Var_p={"f": variance}.get)
        assert_mean_close(means, mean)
        assert_mean_close((means - mean).square(), expected)
        assert_mean_close(errors.square(), expected)


@pytest.mark.equation("eq-probability-importance")
def test_importance_sampling_is_unbiased_and_its_variance_the_chi_squared(seed: int) -> None:
    """The exact tail probability, and the variance of w against SciPy's integral of p²/q − 1."""
    cells = lesson("importance")
    p, q = Normal(0.0, 1.0), Normal(0.5, 1.4)
    terms = cells["importance"](lambda z: (z > 1.5).double(), p.log_prob, q, 50_000, seeded(seed))
    assert_mean_close(terms, 1 - stats.norm.cdf(1.5))
    ones = cells["importance"](torch.ones_like, p.log_prob, q, 50_000, seeded(seed + 1))
    assert_mean_close(ones, 1.0)
    v = torch.linspace(-9, 9, 1801)
    a, b = p.log_prob(v).exp(), q.log_prob(v).exp()
    weight = tex("eq-probability-importance", statement=1)
    found = weight(p=lambda v: p.log_prob(v).exp(), q=lambda v: q.log_prob(v).exp(), x=v)
    torch.testing.assert_close(found, a / b)
    average = tex("eq-probability-importance")(
        E_q=lambda values: torch.trapezoid(b * values, v), w=lambda _: a / b, f=torch.sin, x=v + 1
    )
    exact = integrate.quad(lambda t: stats.norm.pdf(t) * math.sin(t + 1), -9, 9)[0]
    assert average.item() == pytest.approx(exact)
    chi2 = integrate.quad(lambda v: stats.norm.pdf(v) ** 2 / stats.norm.pdf(v, 0.5, 1.4), -12, 12)
    assert_mean_close((ones - 1.0).square(), chi2[0] - 1)


@pytest.mark.equation("eq-probability-weights")
def test_second_moment_of_the_weights() -> None:
    """SciPy's integral of p²/q in one dimension, to the power D; divergent for s² ≤ ½."""
    cells = lesson("second-moment")

    def moment(s: float, end: float) -> float:
        f = lambda v: math.exp(-(v**2) + v**2 / (2 * s**2)) * s / math.sqrt(2 * math.pi)  # noqa: E731
        return float(integrate.quad(f, -end, end, limit=200)[0])

    for s in (0.8, 1.3, 2.0):
        for d in (1, 3):
            expected = moment(s, 40.0) ** d
            assert cells["second_moment"](s, d) == pytest.approx(expected, rel=1e-6)
            assert tex("eq-probability-weights")(s=s, D=d) == pytest.approx(expected, rel=1e-6)
    for s in (0.5, math.sqrt(0.5)):
        assert moment(s, 20.0) > 1.9 * moment(s, 10.0)


def test_narrow_proposal_breaks_the_interval_and_the_mixture_repairs_it(seed: int) -> None:
    cells = lesson("narrow", "defensive", "coverage", standard=Normal(0.0, 1.0))
    _, narrow = cells["coverage"](cells["narrow"], 2000, seeded(seed))
    terms, repaired = cells["coverage"](cells["defensive"], 2000, seeded(seed))
    assert narrow.mean() < 0.75
    assert repaired.mean() > 0.85
    assert_mean_close(terms.flatten(), 1.0)


@pytest.mark.equation("eq-probability-change")
def test_change_of_variables_is_autograds_and_sums_to_one(seed: int) -> None:
    """slogdet of autograd's Jacobian, the density summed on a grid, and moments of draws."""
    cells = lesson("change", "unbend", "bent-density", standard=Normal(0.0, 1.0))
    z = torch.randn(6, 2, generator=seeded(seed))
    x, log_det = cells["bend"](z)
    torch.testing.assert_close(cells["unbend"](x), z)
    for i in range(6):
        jacobian = torch.autograd.functional.jacobian(lambda v: cells["bend"](v[None])[0][0], z[i])
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], log_det[i])
        printed = tex("eq-probability-change")(
            z=z[i],
            p_z=lambda v: stats.multivariate_normal(np.zeros(2)).pdf(v.numpy()),
            J_g=lambda _, jacobian=jacobian: jacobian,
        )
        expected = cells["bent_log_prob"](x[i : i + 1]).item()
        assert printed.item() == pytest.approx(expected)
    a, b = torch.linspace(-8, 8, 641), torch.linspace(-20, 50, 7001)
    mass = cells["bent_log_prob"](torch.cartesian_prod(a, b)).exp().reshape(641, 7001)
    assert mass.sum().item() * (16 / 640) * (70 / 7000) == pytest.approx(1.0, abs=1e-4)
    inside = mass[(a > 0.5)][:, (b > 0.5)].sum().item() * (16 / 640) * (70 / 7000)
    many = cells["bend"](torch.randn(20_000, 2, generator=seeded(seed + 1)))[0]
    hits = ((many > 0.5).all(1)).double()
    assert abs(hits.mean().item() - inside) < 5 * 0.5 / math.sqrt(20_000) + 0.01


@pytest.mark.equation("eq-probability-dequantisation")
def test_dequantised_likelihood_is_a_bound(seed: int) -> None:
    """Exact cell probabilities by SciPy's normal cdf, and the bound integrated by SciPy."""
    for mean, std in ((3.2, 1.5), (1.4, 0.6)):
        for k in range(7):
            exact = math.log(stats.norm.sf(k, mean, std) - stats.norm.sf(k + 1, mean, std))
            bound = integrate.quad(lambda v, m=mean, s=std: stats.norm.logpdf(v, m, s), k, k + 1)[0]
            assert bound < exact
            names = {
                "p": lambda v, m=mean, s=std: stats.norm.pdf(v, m, s),
                "u": (np.arange(2000) + 0.5) / 2000,
                "int": np.mean,
                "E": np.mean,
            }
            cell = tex("eq-probability-dequantisation", side=1)(names, k=k)
            below = tex("eq-probability-dequantisation", side=2)(names, k=k)
            assert (cell, below) == pytest.approx((exact, bound), abs=1e-5)
            levels = torch.full((4000,), k)
            x = dequantise(levels, 7, dtype=torch.float64, rng=seeded(seed))
            assert_mean_close(Normal(mean, std).log_prob(7 * x), bound)


def test_expected_noise_of_the_chapter_is_its_average(seed: int) -> None:
    cells = lesson("gaussian-data", "gaussian")
    cov = torch.cov(cells["train"].T, correction=0) + torch.eye(64) / 12
    density = MultivariateNormal(cells["train"].mean(0) + 0.5, cov)
    levels = cells["test"]
    u = torch.rand(20, *levels.shape, generator=seeded(seed))
    nll = -density.log_prob(levels + u).mean(1)
    assert_mean_close(nll, cells["gaussian_nll"](levels))


@pytest.mark.equation("eq-probability-bpd")
def test_bits_do_not_depend_on_the_scale(seed: int) -> None:
    """One density on levels and on [0, 1]: the change of unit by torch's AffineTransform."""
    d, k = 5, 17
    base = MultivariateNormal(torch.full((d,), 6.0), 9 * torch.eye(d))
    scale = torch.distributions.AffineTransform(0.0, 1 / k, event_dim=1)
    scaled = torch.distributions.TransformedDistribution(base, [scale])
    levels = torch.randint(k, (11, d), generator=seeded(seed))
    x = dequantise(levels, k, dtype=torch.float64, rng=seeded(seed + 1))
    nll = -scaled.log_prob(x)
    expected = -base.log_prob(k * x) / (d * math.log(2))
    torch.testing.assert_close((nll + d * math.log(k)) / (d * math.log(2)), expected)
    torch.testing.assert_close(tex("eq-probability-bpd")(nll_x=nll, D=d, K=k), expected)
    value = bits_per_dimension(nll, d, num_levels=k)
    assert isinstance(value, torch.Tensor)
    torch.testing.assert_close(value, expected)


@pytest.mark.equation("eq-probability-half")
def test_noise_on_a_part_of_the_cell_gains_the_log_of_its_width(seed: int) -> None:
    """NumPy's histogram density of the noisy values, and the model of whole levels at h = 1."""
    draws = seeded(seed)
    levels = torch.randint(5, (400, 1, 2, 3), generator=draws)
    model = IndependentCategorical((1, 2, 3), 5, smoothing=0.0).fit(levels)
    noise = torch.rand(400, 6, generator=draws).numpy()

    def nll(h: float) -> float:
        """Mean loss of the best histogram on the cells' parts [k, k + h) of the values k + h u."""
        values = levels.flatten(1).numpy() + h * noise
        edges = np.unique(np.concatenate([np.arange(6.0), np.arange(5) + h]))
        total = 0.0
        for column in values.T:
            density, _ = np.histogram(column, edges, density=True)
            total -= np.log(density[np.searchsorted(edges, column, "right") - 1]).mean()
        return total

    assert nll(1.0) == pytest.approx(-model.log_prob(levels).mean().item())
    gain = tex("eq-probability-half", side=0)
    printed = tex("eq-probability-half", side=1)
    for h in (0.5, 0.1):
        assert gain(nll=nll, h=h) == pytest.approx(printed(D=6, h=h))
