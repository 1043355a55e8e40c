"""The chapter's equations and cells, against enumeration and other libraries."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from scipy.stats import logistic
from torch import Tensor, nn
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import MixtureSameFamily, Normal

from benchmarks.record import RESULTS
from helpers.distributions import LogisticLevels, NormalMixture
from helpers.models import (
    AutoregressiveModel,
    ConditionMixture,
    MeanOfConditionals,
    ModelMixture,
)
from helpers.networks import MADE, MaskedConv2d, PixelCNN, Turned
from helpers.networks.pixel import gate
from helpers.random import seeded
from tests.chapters.cells import BOOK, imported, run_cells
from tests.printed import tex

PAGE = "models/autoregressive"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, after all of its imports."""
    return run_cells(PAGE, list(ids), **(imported(PAGE) | {"seed": 0} | names))


def randomised(network: nn.Module, size: float = 0.8) -> nn.Module:
    """Initial weights hide errors: there all values are nearly independent."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, size)
    return network


def everything(d: int, levels: int) -> Tensor:
    return torch.tensor(list(itertools.product(range(levels), repeat=d)))


def factor(joint: Tensor, x: Tensor, order: Tensor, i: int, row: Tensor) -> float:
    """p(the i-th value in the order | those before it), from sums over the table of all x."""
    before = (x[:, order[: i - 1]] == row[order[: i - 1]]).all(1)
    now = (x[:, order[:i]] == row[order[:i]]).all(1)
    return float(joint[now].sum() / joint[before].sum())


@pytest.mark.equation("eq-auto-chain")
def test_the_factors_of_any_table_multiply_to_it(seed: int) -> None:
    """Conditionals of a random table, by sums, in the printed product; the chapter's cell too."""
    x, order = everything(3, 3), torch.arange(3)
    joint = torch.rand(27, generator=seeded(seed)) + 0.05
    joint = joint / joint.sum()
    printed = tex("eq-auto-chain")
    for row, p in zip(x, joint):
        known = {i: factor(joint, x, order, i, row) for i in (1, 2, 3)}
        names = {"x_<i": ..., "D": 3, "x": {1: 1, 2: 2, 3: 3}}
        product = printed(names, p=lambda i, _, known=known: known[i])
        assert product == pytest.approx(float(p))
    every = everything(9, 2)
    table = torch.rand(512, generator=seeded(seed + 1))
    table = table / table.sum()
    cells = lesson("chain-check", every=every, p_true=table, seed=seed)
    torch.testing.assert_close(cells["product"], table)


def test_the_toy_is_a_mixture_of_bars(seed: int) -> None:
    """The shares of each pixel and of all pairs, from drawn bars and flips."""
    cells = lesson("toy")
    every, p = cells["every"], cells["p_true"]
    n, g = 40_000, seeded(seed)
    rows = (torch.rand(n, 3, generator=g) < 0.5).repeat_interleave(3, 1)
    columns = (torch.rand(n, 3, generator=g) < 0.5).repeat(1, 3)
    x = torch.where(torch.rand(n, 1, generator=g) < 0.5, rows, columns)
    x = (x ^ (torch.rand(n, 9, generator=g) < 0.05)).double()
    pairs = x.T @ x / n
    expected = (every.double() * p[:, None]).T @ every.double()
    assert (pairs - expected).abs().max() < 5 * 0.5 / n**0.5


@pytest.mark.equation("eq-auto-masks")
def test_the_masks_are_those_of_the_package(seed: int) -> None:
    """Masks of a MADE of a random order; and what they allow, by counting paths."""
    d, order = 5, torch.randperm(5, generator=seeded(seed))
    network = MADE(d, [11], 1, order=order)
    place = order.argsort() + 1  # r
    degree = torch.linspace(1, d - 1, 11).round().long()  # spread evenly
    into, out = network.layers[0].mask, network.layers[2].mask
    first, second = tex("eq-auto-masks"), tex("eq-auto-masks", statement=1)
    for k, i in itertools.product(range(11), range(d)):
        known = {"r": {1: int(place[i])}, "m": {1: int(degree[k])}, "d": 1, "k": 1}
        assert int(first(known)) == int(into[k, i])
        assert int(second(known)) == int(out[i, k])
    paths = out @ into
    assert torch.equal(paths > 0, place[:, None] > place)
    cells = lesson("masks")
    assert torch.equal(cells["mask_out"] @ cells["mask_in"] > 0, torch.ones(9, 9).tril(-1) > 0)


@pytest.mark.equation("eq-auto-order")
def test_the_log_likelihood_is_a_sum_in_the_networks_order(seed: int) -> None:
    """Factors by marginalising the table of all images along the order that the network obeys."""
    torch.manual_seed(seed)
    order = torch.tensor([2, 0, 3, 1])
    network = randomised(MADE(4, [24], 3, order=order, activation=nn.Tanh))
    model = AutoregressiveModel(network, (4,), levels=3, order=order)
    x = everything(4, 3)
    with torch.no_grad():
        log_p, terms = model.log_prob(x), model.log_conditionals(x)
    joint = log_p.exp()
    assert float(joint.sum()) == pytest.approx(1.0)
    printed = tex("eq-auto-order")
    for k in range(0, 81, 7):
        known = {i: factor(joint, x, order, i, x[k]) for i in range(1, 5)}
        of_network = [float(terms[k, order[i - 1]].exp()) for i in range(1, 5)]
        assert of_network == pytest.approx(list(known.values()))
        found = printed(
            D=4,
            o={i: i for i in range(6)},
            x={i: i for i in range(6)},
            p=lambda *places, known=known: known[places[0]],
        )
        assert float(found) == pytest.approx(float(log_p[k]))


@pytest.mark.equation("eq-auto-normal-mixture")
def test_the_factors_of_numbers_are_mixtures(seed: int) -> None:
    """PyTorch's own mixture of normal densities, and the package's, at the same parameters."""
    raw = torch.randn(4, 9, generator=seeded(seed))
    law, x = NormalMixture(raw), torch.randn(4, generator=seeded(seed + 1))
    std = law.log_std.exp()
    reference = MixtureSameFamily(TorchCategorical(logits=law.logits), Normal(law.mu, std))
    torch.testing.assert_close(law.log_prob(x), reference.log_prob(x))
    printed = tex("eq-auto-normal-mixture")
    for i in range(4):
        found = printed(
            {
                "K": 3,
                "x": {1: x[i]},
                "i": 1,
                "pi": law.logits[i].softmax(0),
                "mu": law.mu[i],
                "sigma": std[i],
                "N_cal": lambda v, m, variance: Normal(m, variance.sqrt()).log_prob(v).exp(),
            }
        )
        torch.testing.assert_close(found, reference.log_prob(x)[i].exp())


@pytest.mark.equation("eq-auto-convolution")
def test_the_masked_convolution_is_the_printed_sum(seed: int) -> None:
    """The printed sum at each pixel of an image, and the package's layer."""
    torch.manual_seed(seed)
    layer, x = MaskedConv2d(1, 1, reach=2, itself=False), torch.rand(5, 6)
    with torch.no_grad():
        found = layer(x[None, None])[0, 0] - layer.bias
    weight = layer.weight.detach()[0, 0]  # rows −2 … 0, columns −2 … 2

    def pixel(i: float, j: float) -> Tensor:
        inside = 0 <= i < 5 and 0 <= j < 6
        return x[int(i), int(j)] if inside else torch.tensor(0.0)

    printed = tex("eq-auto-convolution")
    for i, j in itertools.product(range(5), range(6)):
        value = printed(
            {
                "R": 2,
                "i": i,
                "j": j,
                "x": pixel,
                "w": lambda a, b: weight[2 - int(a), 2 + int(b)],
            }
        )
        torch.testing.assert_close(value, found[i, j])


@pytest.mark.equation("eq-auto-gate")
def test_the_gate_lets_a_part_of_the_halves_through(seed: int) -> None:
    """Tanh times PyTorch's gated linear unit of ones, and the package's gate."""
    x = torch.randn(3, 8, 2, 2, generator=seeded(seed))
    a, b = x.chunk(2, 1)
    expected = nn.functional.glu(torch.cat([torch.tanh(a), b], 1), 1)
    torch.testing.assert_close(gate(x), expected)
    printed = tex("eq-auto-gate")
    torch.testing.assert_close(printed(a=a.flatten(), b=b.flatten(), e=torch.e), expected.flatten())


@pytest.mark.equation("eq-auto-levels")
def test_levels_are_bins_of_logistic_densities_and_atoms(seed: int) -> None:
    """SciPy's logistic distribution; centres inside, where the open outer bins change nothing."""
    levels, k = 17, 2
    raw = 0.5 * torch.randn(3 * k + 2, generator=seeded(seed)).clamp(-1, 1)
    raw[2 * k + 2 :] -= 4  # narrow
    raw[k + 2 : 2 * k + 2] = torch.tensor([0.6, -0.4])  # centres 4.8 and 12.8
    weights = raw[: k + 2].softmax(0)
    mu = (1 + torch.tensor([-1.0, 1.0]) + raw[k + 2 : 2 * k + 2]) * (levels - 1) / 2
    s = (0.1 + nn.functional.softplus(raw[2 * k + 2 :] + 1)) * (levels - 1) / 10
    law = LogisticLevels(raw[None], levels).logits.softmax(1)[0]
    printed = tex("eq-auto-levels")
    for v in range(levels):
        cut = logistic.cdf([v + 0.5, v - 0.5], mu[:, None], s[:, None])
        expected = float((weights[:k].numpy() * (cut[:, 0] - cut[:, 1])).sum())
        expected += float(weights[k] * (v == 0) + weights[k + 1] * (v == levels - 1))
        value = printed(
            {
                "K": k,
                "V": levels,
                "v": float(v),
                "pi": weights,
                "pi_b": weights[k],
                "pi_w": weights[k + 1],
                "mu": mu,
                "s": s,
                "sigma": torch.sigmoid,
            }
        )
        assert float(value) == pytest.approx(expected, abs=1e-12)
        assert float(law[v]) == pytest.approx(expected, abs=1e-4)


def toy_pixels(conditions: tuple[int, ...] = (), symmetry: int = 0) -> AutoregressiveModel:
    network = PixelCNN((1, 2, 2), 3, channels=4, layers=1, conditions=conditions)
    turned = Turned(randomised(network), symmetry, 2)
    return AutoregressiveModel(turned, (1, 2, 2), levels=3, order=turned.order)


@pytest.mark.equation("eq-auto-mixture")
def test_mixtures_of_orders_and_of_classes(seed: int) -> None:
    """Sums over all images are 1; the printed means against the package's mixtures."""
    torch.manual_seed(seed)
    x = everything(4, 3).view(-1, 1, 2, 2)
    orders = [toy_pixels(symmetry=g) for g in range(8)]
    by_class = toy_pixels((10,))
    classes = torch.arange(10)
    with torch.no_grad():
        of_orders = ModelMixture(orders).log_prob(x).exp()
        of_classes = ConditionMixture(by_class, classes).log_prob(x).exp()
        p = torch.stack([one.log_prob(x).exp() for one in orders])
        given = torch.stack([by_class.log_prob(x, classes[c].expand(81)).exp() for c in range(10)])
    for total in (of_orders.sum(), of_classes.sum()):
        assert float(total) == pytest.approx(1.0)
    first = tex("eq-auto-mixture")
    second = tex("eq-auto-mixture", statement=1)
    for k in range(0, 81, 11):
        of_order = {g: lambda _, g=g, k=k: p[g - 1, k] for g in range(1, 9)}
        found = first({"p": of_order, "x": 0, "G": 8})
        torch.testing.assert_close(found, of_orders[k])
        found = second({"p": lambda _, c, k=k: given[int(c), k], "x": 0})
        torch.testing.assert_close(found, of_classes[k])


@pytest.mark.equation("eq-auto-average")
def test_averaged_factors_are_factors(seed: int) -> None:
    """Each printed mean is the averaged model's factor; its sum over all images is 1."""
    torch.manual_seed(seed)
    models = [toy_pixels() for _ in range(3)]
    order = models[0].order
    model = AutoregressiveModel(MeanOfConditionals(models), (1, 2, 2), levels=3, order=order)
    x = everything(4, 3).view(-1, 1, 2, 2)
    with torch.no_grad():
        assert float(model.log_prob(x).exp().sum()) == pytest.approx(1.0)
        terms = model.log_conditionals(x).exp()
        p = torch.stack([one.log_conditionals(x).exp() for one in models])
    printed = tex("eq-auto-average")
    for k, i in itertools.product(range(0, 81, 13), range(4)):
        value = p[:, k, 0, i // 2, i % 2]
        found = printed(
            {
                "N": 3,
                "x": {1: 0},
                "i": 1,
                "x_<i": ...,
                "p": {n: lambda *_, n=n, value=value: value[n - 1] for n in (1, 2, 3)},
            }
        )
        torch.testing.assert_close(found, terms[k, 0, i // 2, i % 2])


def test_the_chapters_sampler_is_the_packages(seed: int) -> None:
    """The written-out loop draws the same image for the same random numbers, in any order."""
    torch.manual_seed(seed)
    network = Turned(randomised(PixelCNN((1, 3, 3), 4, channels=4, layers=1)), 5, 3)
    model = AutoregressiveModel(network, (1, 3, 3), levels=4, order=network.order)
    names = {"D": 9, "K": 4, "image": (1, 3, 3), "device": "cpu", "down": model}
    cells = lesson("draw", **names)
    drawn = cells["draw"](model, 20, seeded(seed))
    assert torch.equal(drawn, model.sample(20, rng=seeded(seed)))
    assert len(drawn.unique()) == 4


def with_error(values: Sequence[float], digits: int) -> str:
    """Mean and, of several seeds, its standard error."""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values) / len(values) ** 0.5:.{digits}f}"


def test_the_recorded_rows_are_told_as_they_were() -> None:
    text = (BOOK / f"{PAGE}.ipynb").read_text(encoding="utf-8")
    for row in json.loads((RESULTS / "ladder_autoregressive.json").read_text("utf-8"))["rows"]:
        seconds = statistics.mean(row["seconds"])
        told = [with_error(row[name], 1) for name in ("test", "validation")]
        cells = [row["model"], *told, len(row["seeds"]), f"{seconds:.0f}", f"{row['weights']:,}"]
        assert f"| {' | '.join(map(str, cells))} |" in text
    for row in json.loads((RESULTS / "ladder_toy_chain.json").read_text("utf-8"))["rows"]:
        assert f"{with_error(row['excess'], 4)} nats on the {row['data']}" in text
