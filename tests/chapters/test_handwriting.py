"""The chapter's own lines and those equations that no helper carries, against other answers."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)
from torch.nn import functional as F

from helpers.data import strokes
from helpers.distributions import StrokeMixture
from helpers.models import HandwritingPredictor, HandwritingSynthesiser
from helpers.networks import SoftWindow
from helpers.random import seeded
from tests.chapters.cells import imported, run_cells
from tests.printed import tex

PAGE = "applications/handwriting"
FORK = ("fits", "fit-mixture", "fork-truth", "fork-fits", "fork")


@pytest.fixture(autouse=True)
def _float32() -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, with the names that the chapter imports."""
    known = imported(PAGE) | {"seed": 0, "device": torch.device("cpu")}
    return run_cells(PAGE, list(ids), **(known | names))


def few_words() -> strokes.Strokes:
    g = seeded(3)
    items = [torch.randn(n, 3, generator=g) for n in (9, 4, 7)]
    for item in items:
        item[:, 2] = (item[:, 2] > 0).float()
    return strokes.pack([item.double().numpy() for item in items], ["one", "two", "six"])


def test_the_density_by_hand_is_torchs(seed: int) -> None:
    """torch.distributions: MixtureSameFamily of MultivariateNormal, and Bernoulli."""
    torch.set_default_dtype(torch.float64)
    by_hand = lesson("density-by-hand")["log_density_by_hand"]
    raw = torch.randn(25, generator=seeded(seed))
    logit, mx, my, sx, sy, r = raw[:-1].reshape(6, 4)
    sx, sy, rho = sx.exp(), sy.exp(), r.tanh()
    off = rho * sx * sy
    covariance = torch.stack([torch.stack([sx**2, off], -1), torch.stack([off, sy**2], -1)], -2)
    law = MixtureSameFamily(
        Categorical(logits=logit), MultivariateNormal(torch.stack([mx, my], -1), covariance)
    )
    for lift in (0.0, 1.0):
        step = torch.tensor([0.3, -0.8, lift])
        expected = law.log_prob(step[:2]) + Bernoulli(logits=raw[-1]).log_prob(step[2])
        torch.testing.assert_close(by_hand(raw, step), expected)


@pytest.mark.equation("eq-handwriting-moments")
def test_the_best_single_normal_is_that_of_the_moments(seed: int) -> None:
    """LBFGS on the seven raw numbers, from another start."""
    torch.set_default_dtype(torch.float64)
    from_moments = lesson("fits")["from_moments"]
    x = torch.randn(60, 3, generator=seeded(seed))
    x[:, 0] = 0.5 * x[:, 0] + 0.4 * x[:, 1]
    x[:, 2] = (x[:, 2] > 0.6).double()
    raw = torch.zeros(7, requires_grad=True)
    optimizer = torch.optim.LBFGS([raw], max_iter=300, line_search_fn="strong_wolfe")

    def nll() -> Tensor:
        optimizer.zero_grad()
        loss = -StrokeMixture(raw).log_prob(x).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(nll)
    closed = from_moments(x)
    torch.testing.assert_close(closed[1:], raw.detach()[1:], atol=1e-4, rtol=1e-4)
    covariance, e = torch.cov(x[:, :2].T, correction=0), x[:, 2].mean()
    value = 1 + math.log(2 * math.pi) + 0.5 * covariance.logdet() + Bernoulli(e).entropy()
    torch.testing.assert_close(-StrokeMixture(closed).log_prob(x).mean(), value)
    printed = tex("eq-handwriting-moments")(Sigma_hat=covariance.numpy(), e_bar=e.item())
    assert printed == pytest.approx(value.item())
    torch.testing.assert_close(nll().detach(), value, atol=1e-7, rtol=1e-7)


def test_the_fitted_mixture_beats_one_normal_and_not_the_truth() -> None:
    cells = lesson(*FORK)
    nll = {name: -law.log_prob(cells["fresh"]).mean() for name, law in cells["fork"].items()}
    truth = -cells["floor"].mean()
    assert nll["single normal"] - truth > 0.5
    assert abs(nll["mixture, K = 2"] - truth) < 0.01


def test_a_fixed_discriminator_prefers_one_step() -> None:
    cells = lesson(*FORK, "e20-check")
    score, fresh = cells["minus_log_D"], cells["fresh"]
    log_p, log_q = cells["truth"].log_prob(fresh), cells["broad"].log_prob(fresh)
    best = log_p.exp() / (log_p.exp() + log_q.exp())
    torch.testing.assert_close(score(fresh), -best.log(), atol=1e-5, rtol=1e-4)
    assert score(cells["favourite"]) < score(fresh).mean() / 2


@pytest.mark.equation("eq-handwriting-window")
def test_the_window_of_the_chapter_is_a_double_loop(seed: int) -> None:
    """Explicit loops over letters and bumps."""
    by_hand = lesson("window-by-hand")["window_by_hand"]
    g, window = seeded(seed), SoftWindow(5, 2)
    nn.init.normal_(window.steer.weight)
    h, kappa = torch.randn(1, 5, generator=g), torch.rand(1, 2, generator=g)
    letters = F.one_hot(torch.tensor([[1, 0, 3]]), 4).float()
    with torch.no_grad():
        w, phi, after = by_hand(window, h, kappa, letters)
        raw = (window.steer.weight @ h[0] + window.steer.bias).tolist()
    move = tex("eq-handwriting-window", statement=1)
    for j in range(2):
        printed = move({"kappa_t-1": kappa[0, j].item()}, kappa_hat=raw[4 + j])
        assert printed == pytest.approx(after[0, j].item(), rel=1e-5)
    seen = [0.0] * 4
    for u, letter in enumerate((1, 0, 3)):
        total = 0.0
        for j in range(2):
            centre = kappa[0, j].item() + math.exp(raw[4 + j])
            assert after[0, j].item() == pytest.approx(centre, rel=1e-5)
            total += math.exp(raw[j] - math.exp(raw[2 + j]) * (centre - u) ** 2)
        assert phi[0, u].item() == pytest.approx(total, rel=1e-4)
        bumps = after[0].tolist().__getitem__
        printed = tex("eq-handwriting-window", statement=2)(
            J=2,
            u=u,
            t=1,
            alpha_hat=raw[:2],
            beta_hat=raw[2:4],
            kappa=lambda t, j, at=bumps: at(j - 1),
        )
        assert printed == pytest.approx(total, rel=1e-4)
        seen[letter] += total
    assert w[0].tolist() == pytest.approx(seen, rel=1e-4)


def test_the_chapters_sampler_is_that_of_the_package(seed: int) -> None:
    torch.manual_seed(seed)
    scribe = HandwritingSynthesiser("delmo", 8, 9, components=2, letter_steps=4.0)
    cells = lesson("write-by-hand", scribe=scribe)
    for k in range(3):
        done = scribe.write(["dome"], bias=0.3, rng=seeded(k))
        once = cells["write_by_hand"](scribe, "dome", 0.3, seeded(k))
        torch.testing.assert_close(done.x[0], once)


@pytest.mark.equation("eq-handwriting-cell")
def test_the_noise_of_a_cell_bounds_the_score_of_rounded_data(seed: int) -> None:
    """Two steps: the mean density under noise by draws, the probability of the cells by draws of
    the mixture; a law inside one cell reaches the last bound.
    """
    torch.set_default_dtype(torch.float64)
    omega, n, g = 0.25, 400_000, seeded(seed)
    raw = 0.5 * torch.randn(13, generator=g)
    raw[2:6] *= 0.2  # the components overlap, so that the cells are likely
    raw[6:10] = math.log(0.15)
    x = StrokeMixture(raw).mean[:2] + torch.tensor([[0.05, 0.0], [0.0, -0.05]])
    noise = omega * (torch.rand(n, 2, 2, generator=g) - 0.5)  # of positions
    log_p = StrokeMixture(raw).log_density(x + noise.diff(dim=1, prepend=torch.zeros(n, 1, 2)))
    log_p = log_p.sum(1)
    steps = StrokeMixture(raw.expand(n, 2, -1)).sample(rng=g)[..., :2]
    off = (steps.cumsum(1) - x.cumsum(0)).abs() < omega / 2
    inside = off.all(2).all(1).double()
    P = inside.mean().item()
    left, second, third, last = (tex("eq-handwriting-cell", side=k) for k in range(4))
    names = {"nu": noise, "x": x, "omega": omega, "T": 2, "P": lambda _: P, "cell": None}
    names |= {"E_nu": lambda values: values.mean(), "log p": None}
    exact = third(names)
    error = 5 * math.sqrt(inside.var().item() / n) / P
    spread = 5 * (log_p.exp().std() / log_p.exp().mean()).item() / math.sqrt(n)
    one = left(names, p=lambda at: log_p.exp())
    two = second(names, p=lambda at: log_p.exp())
    assert float(two) == pytest.approx(exact, abs=error + spread)
    assert float(one) < float(two)
    assert exact <= last(names)
    sharp = torch.tensor([0.0, 0, 0, math.log(0.01), math.log(0.01), 0, 0])
    side = omega * ((torch.arange(300) + 0.5) / 300 - 0.5)
    mass = StrokeMixture(sharp).log_density(torch.cartesian_prod(side, side)).exp().mean().log()
    assert mass.item() == pytest.approx(last(names, T=1), abs=1e-3)
    assert StrokeMixture(sharp).log_density(torch.zeros(2)) > last(names, T=1)


def test_the_tablet_rounds_positions_and_its_noise_fills_a_cell(seed: int) -> None:
    part = few_words()
    cells = lesson("tablet")
    tablet, omega = cells["tablet"], cells["omega"]
    coarse, noisy = tablet(part), tablet(part, seeded(seed))
    places = coarse.x[..., :2].cumsum(1)
    for i, n in enumerate(part.lengths.tolist()):
        exact = part.x[i, :n, :2].cumsum(0)
        inside = places[i, :n]
        assert (inside - exact).abs().max() <= omega / 2 + 1e-5
        torch.testing.assert_close(inside / omega, (inside / omega).round(), atol=1e-4, rtol=0)
        shift = (noisy.x[i, :n, :2].cumsum(0) - inside) / omega
        assert shift.abs().max() <= 0.5 + 1e-4
        assert shift.std() > 0.1
        assert (coarse.x[i, n:] == 0).all()
        assert (noisy.x[i, n:] == 0).all()
    assert torch.equal(coarse.x[..., 2], part.x[..., 2])


@pytest.mark.equation("eq-handwriting-marginal")
def test_a_text_and_its_prior_bound_the_density_of_the_strokes(seed: int) -> None:
    """One stroke mixture whose components are those of all texts, each with its text's weight."""
    torch.set_default_dtype(torch.float64)
    g = seeded(seed)
    prior = torch.randn(3, generator=g).log_softmax(0)
    raw = torch.randn(3, 6, 2, generator=g)  # three texts, two components each
    lift, x = torch.tensor([0.4]), torch.tensor([0.3, -0.2, 1.0])
    joint = raw.clone()
    joint[:, 0] = raw[:, 0].log_softmax(1) + prior[:, None]
    everything = torch.cat([joint.transpose(0, 1).flatten(), lift])
    marginal = StrokeMixture(everything).log_prob(x).item()
    told = [StrokeMixture(torch.cat([part.flatten(), lift])).log_prob(x) for part in raw]
    left, right = tex("eq-handwriting-marginal", side=0), tex("eq-handwriting-marginal")

    def p(*given: Any) -> Tensor:
        if len(given) == 2:
            return told[given[1]].exp()
        return prior[given[0]].exp() if isinstance(given[0], int) else torch.tensor(marginal).exp()

    bounds = torch.stack([right(p=p, x=x, c=c) for c in range(3)])
    assert left(p=p, x=x).item() == pytest.approx(marginal)
    assert (bounds < marginal).all()
    assert bounds.logsumexp(0).item() == pytest.approx(marginal)


@pytest.mark.equation("eq-handwriting-hand")
def test_the_hand_is_summed_out(seed: int) -> None:
    """The chapter's sum against the printed integral on a finer grid, with shears by a matrix."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(seed)
    q = HandwritingPredictor(6, 3, scale=0.7)
    x = few_words().x.double()
    lengths = few_words().lengths
    m, v = torch.tensor(0.1), torch.tensor(0.3)
    cells = lesson("shear", "hand-density", m=m, v=v, hand_free=q)
    ours = cells["log_prob_with_hand"](x, lengths, points=161)
    grid = torch.linspace(-1.4, 1.6, 601)

    def sheared(s: Tensor) -> Any:
        def apply(word: Tensor) -> Tensor:
            matrix = torch.eye(3).repeat(len(s), 1, 1)
            matrix[:, 0, 1] = s
            return word @ matrix.mT

        return apply

    for i, n in enumerate(lengths.tolist()):
        found = tex("eq-handwriting-hand")(
            {"S_-s": sheared(-grid)},
            s=grid,
            m=m,
            v=v,
            x=x[i, :n],
            q=lambda words: q.log_prob(words).exp().detach(),
            N_cal=lambda s, mean, variance: Normal(mean, variance.sqrt()).log_prob(s).exp(),
            int=lambda values: torch.trapezoid(values, grid),
        )
        assert ours[i].item() == pytest.approx(found.log().item(), abs=0.01)


def test_a_shear_changes_the_slant_and_no_volume(seed: int) -> None:
    cells = lesson("slant", "shear")
    word = few_words().x[:1]
    word[..., 1] = 0.5 + word[..., 1].abs()
    word[..., 2] = 0
    lean = cells["slant"](cells["shear"](word, torch.tensor([0.05]))[0])
    before = word[0, :, 0] / word[0, :, 1]
    steep = word[0, :, 1].abs() > word[0, :, 0].abs() + 0.05 * word[0, :, 1]
    if torch.equal(steep, word[0, :, 1].abs() > word[0, :, 0].abs()):
        assert lean == pytest.approx(before[steep].median().item() + 0.05, abs=1e-5)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: cells["shear"](x, torch.tensor([0.3])), torch.randn(1, 2, 3)
    )
    assert torch.linalg.det(jacobian.reshape(6, 6)).item() == pytest.approx(1, abs=1e-5)


def test_the_prior_of_the_words_sums_to_a_third_for_each_length() -> None:
    """Enumeration of all words of three letters."""
    test = SimpleNamespace(texts=("aba",), lengths=torch.tensor([1]))
    scores = {"told the text": torch.zeros(1), "LSTM, mixture": torch.zeros(1)}
    names = {"score_row": lambda *_: ["", 0.0], "score_head": ["model", "nats"]}
    cells = lesson("solution-5", test=test, scores=scores, **names)
    log_prior = cells["log_prior"]
    assert cells["told"].item() == pytest.approx(log_prior("aba"))
    vowels, others = "aeiou", "bcdfghjklmnpqrstvwxyz"
    words = [*itertools.product(vowels, others, vowels), *itertools.product(others, vowels, others)]
    assert sum(math.exp(log_prior(word)) for word in words) == pytest.approx(1 / 3)


def test_the_reader_collapses_repeats_and_drops_blanks() -> None:
    data = SimpleNamespace(alphabet="abcdefghijklmnopqrstuvwxyz")
    reader = lesson("reader", data=data, scale=1.0)["Reader"](4)
    path = torch.tensor([[0, 3, 3, 0, 1, 1, 20, 9], [2, 2, 0, 2, 5, 0, 0, 0]])  # at half the steps
    reader.forward = lambda _: F.one_hot(path, 27).float()
    assert reader.read(torch.zeros(2, 16, 3), torch.tensor([14, 9])) == ["cat", "bbe"]


def test_unless_asked_the_cell_shows_a_recorded_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing is to be loaded")

    monkeypatch.setattr(strokes, "load", forbidden)
    cells = lesson("omniglot", omniglot_download=False)
    assert cells["rows"] == cells["recorded"]


def test_with_omniglot_the_cell_trains_and_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    part = few_words()
    monkeypatch.setattr(strokes, "load", lambda *_, **__: SimpleNamespace(train=part, test=part))
    names = {"omniglot_download": True, "predict_epochs": 1, "learn_to_write": lambda *_: None}
    names |= {"seed_everything": torch.manual_seed, "from_moments": lesson("fits")["from_moments"]}
    rows = lesson("omniglot", **names)["rows"]
    assert [row[0] for row in rows] == ["independent normal", "LSTM, mixture"]
