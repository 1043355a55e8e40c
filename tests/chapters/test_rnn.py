"""The chapter's own lines: cells, gradients through time, Jacobians, clipping, the copyist."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers import networks as blocks
from helpers.data.text import Streams, TextSplits
from helpers.models import MarkovChain, RecurrentLanguageModel
from helpers.random import seed_everything, seeded
from helpers.samplers import beam_search
from tests.chapters.cells import run_cells

PAGE = "models/rnn"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    known = {"torch": torch, "nn": nn, "F": F, "math": math, "itertools": itertools}
    known |= {"seeded": seeded, "seed_everything": seed_everything, "blocks": blocks}
    known |= {"RecurrentLanguageModel": RecurrentLanguageModel, "Streams": Streams, "seed": 0}
    return run_cells(PAGE, list(ids), **(known | names))


@pytest.mark.equation("eq-rnn-chain", frozen="c9bf0445")
def test_the_factors_multiply_to_the_joint_distribution() -> None:
    """A joint table drawn at random: its conditionals by marginalisation give its own log p."""
    cells = lesson("chain-code")
    joint = torch.rand(3, 3, 3)
    joint = joint / joint.sum()

    def conditional(history: tuple[int, ...]) -> Tensor:
        part = joint[history]
        p = part.flatten(1).sum(1) if part.ndim > 1 else part
        return p / p.sum()

    cells["log_prob"].__globals__["conditional"] = conditional
    for x in itertools.product(range(3), repeat=3):
        torch.testing.assert_close(cells["log_prob"](x), joint[x].log())


@pytest.mark.equation("eq-rnn-nll", frozen="c0b06297")
def test_bits_and_perplexity_of_a_fair_die_and_of_a_code() -> None:
    """A die has perplexity 6; the model of a text is a loss in bits that PyTorch agrees with."""
    cells = lesson("e20")
    cells["nll"].__globals__["x"] = torch.randint(6, (60,))
    die = torch.full((60, 6), 1 / 6)
    assert cells["nll"](die).exp().item() == pytest.approx(6.0)
    assert cells["nll"](die).item() / math.log(2) == pytest.approx(math.log2(6))
    logits, x = torch.randn(60, 6), cells["nll"].__globals__["x"]
    torch.testing.assert_close(cells["nll"](logits.softmax(1)), F.cross_entropy(logits, x))


def test_the_printed_loss_does_not_look_at_the_data() -> None:
    cells = lesson("e20")
    assert cells["printed"](cells["good"]) == cells["printed"](cells["bad"])
    assert cells["nll"](cells["good"]) < cells["nll"](cells["bad"])


def compare_cells(ours: Callable[..., Any], theirs: nn.Module, state: Any) -> None:
    x = torch.randn(5, 3)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    weights = (theirs.weight_ih, theirs.weight_hh, theirs.bias_ih, theirs.bias_hh)
    found, expected = ours(x, state, *weights), theirs(x, state)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)
    outputs = [f[0] if isinstance(f, tuple) else f for f in (found, expected)]
    gradients = [torch.autograd.grad(o.square().sum(), weights) for o in outputs]
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.equation("eq-rnn-elman", frozen="5109fe7b")
def test_elmans_cell() -> None:
    """Values and gradients of torch.nn.RNNCell with the same weights."""
    compare_cells(lesson("cells-code")["elman"], nn.RNNCell(3, 4), torch.randn(5, 4))


@pytest.mark.equation("eq-rnn-gru", frozen="e5d36949")
def test_the_gated_recurrent_unit() -> None:
    """Values and gradients of torch.nn.GRUCell with the same weights."""
    compare_cells(lesson("cells-code")["gru"], nn.GRUCell(3, 4), torch.randn(5, 4))


@pytest.mark.equation("eq-rnn-lstm", frozen="eaf6e674")
def test_the_long_short_term_memory() -> None:
    """Values and gradients of torch.nn.LSTMCell with the same weights."""
    state = torch.randn(5, 4), torch.randn(5, 4)
    compare_cells(lesson("cells-code")["lstm"], nn.LSTMCell(3, 4), state)


@pytest.mark.equation("eq-rnn-bptt", frozen="8c6b5842")
def test_gradients_through_time_by_hand(seed: int) -> None:
    """Central differences of the loss, entry by entry."""
    bptt = lesson("bptt-code")["bptt"]
    g = seeded(seed)
    x, y = torch.randn(6, 2, generator=g), torch.randn(6, 3, generator=g)
    W, U = torch.randn(3, 2, generator=g), torch.randn(3, 3, generator=g)

    def loss(W: Tensor, U: Tensor) -> Tensor:
        h, total = torch.zeros(3), torch.zeros(())
        for t in range(6):
            h = torch.tanh(W @ x[t] + U @ h)
            total = total + 0.5 * (h - y[t]).square().sum()
        return total

    step = 1e-5
    for which, found in enumerate(bptt(x, y, W, U)):
        for place in itertools.product(*map(range, found.shape)):
            ends = []
            for sign in (1, -1):
                moved = [W.clone(), U.clone()]
                moved[which][place] += sign * step
                ends.append(loss(*moved))
            assert found[place].item() == pytest.approx(
                ((ends[0] - ends[1]) / (2 * step)).item(), abs=1e-6, rel=1e-5
            )


@pytest.mark.equation("eq-rnn-jacobian", frozen="8fee1d57")
def test_the_jacobian_is_a_product(seed: int) -> None:
    """Autograd's Jacobian of the whole recursion against the norms of the page; the bound."""
    norms = lesson("jacobians", seed=seed)["elman_norms"]
    for scale in (0.8, 1.3):
        found = norms(scale, length=6, size=5, drive=0.3)
        g = seeded(seed)
        U = torch.linalg.qr(torch.randn(5, 5, generator=g, dtype=torch.float64)).Q * scale
        pushes = [0.3 * torch.randn(5, generator=g).double() for _ in range(6)]
        for length in range(1, 7):

            def run(h: Tensor, length: int = length, U: Tensor = U, p: Any = pushes) -> Tensor:
                for t in range(length):
                    h = torch.tanh(U @ h + p[t])
                return h

            exact = torch.autograd.functional.jacobian(run, torch.zeros(5).double())
            norm = torch.linalg.matrix_norm(exact, 2).item()
            assert found[length - 1] == pytest.approx(norm, rel=1e-9)
            assert norm <= scale**length + 1e-12


@pytest.mark.equation("eq-rnn-forget", frozen="11d66d31")
def test_the_forget_gates_decide_what_is_left_of_a_cell(seed: int) -> None:
    """Autograd with the gates held fixed, and the closed form for zero weights."""
    cell = blocks.LSTMCell(2, 3, forget_bias=1.0)
    g = seeded(seed)
    x = torch.randn(7, 1, 2, generator=g)
    start = torch.randn(1, 3, generator=g).requires_grad_()
    h, c, product = torch.zeros(1, 3), start, torch.ones(1, 3)
    for t in range(7):
        gates = x[t] @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh
        i, f, g_, o = (part.detach() for part in gates.chunk(4, 1))
        product = product * torch.sigmoid(f)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g_)
        h = (torch.sigmoid(o) * torch.tanh(c)).detach()
    torch.testing.assert_close(torch.autograd.grad(c.sum(), start)[0], product)
    norms = lesson("lstm-jacobians", seed=seed)["lstm_norms"]
    make = blocks.LSTMCell

    def silent(inputs: int, hidden: int, *, forget_bias: float) -> nn.Module:
        made = make(inputs, hidden)
        for parameter in made.parameters():
            nn.init.zeros_(parameter)
        blocks.set_forget_bias(made, forget_bias)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "LSTMCell", silent)
        found = norms(1.0, length=9, size=4)
    expected = [(1 / (1 + math.exp(-1))) ** t for t in range(1, 10)]
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_cells_jacobian_is_that_of_autograd(seed: int) -> None:
    norms = lesson("lstm-jacobians", seed=seed)["lstm_norms"]
    found = norms(1.0, length=5, size=4)
    g = seeded(seed)
    seed_everything(seed)
    cell = blocks.LSTMCell(8, 4, forget_bias=1.0).double()
    x = [torch.randn(1, 8, generator=g).double() for _ in range(5)]

    def run(c: Tensor) -> Tensor:
        h, c = torch.zeros(1, 4).double(), c[None]
        for part in x:
            h, c = cell(part, (h, c))
        return c[0]

    exact = torch.autograd.functional.jacobian(run, torch.zeros(4).double())
    assert found[4] == pytest.approx(torch.linalg.matrix_norm(exact, 2).item(), rel=1e-9)


@pytest.mark.equation("eq-rnn-clip", frozen="2a4eea9d")
def test_clipping_is_the_nearest_point_of_a_ball() -> None:
    """PyTorch's function; and no other point of the ball is nearer to the gradient."""
    clip = lesson("clip-code")["clip"]
    for scale, threshold in ((100.0, 0.7), (0.01, 0.7)):
        gradients = [scale * torch.randn(3, 4), scale * torch.randn(5)]
        clipped, norm = clip(gradients, threshold)
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, g in zip(parameters, gradients):
            parameter.grad = g.clone()
        assert nn.utils.clip_grad_norm_(parameters, threshold).item() == pytest.approx(norm.item())
        for mine, parameter in zip(clipped, parameters):
            torch.testing.assert_close(mine, parameter.grad, rtol=1e-5, atol=0)
        flat, whole = (torch.cat([g.flatten() for g in part]) for part in (clipped, gradients))
        assert float(flat.norm()) <= threshold + 1e-9
        others = torch.randn(200, len(flat))
        others = others / others.norm(dim=1, keepdim=True).clamp(min=1) * threshold
        assert ((others - whole).norm(dim=1) >= (flat - whole).norm() - 1e-9).all()


def test_windows_give_the_same_loss_and_the_whole_window_the_same_gradient(seed: int) -> None:
    windowed = lesson("carried-code")["windowed_loss"]
    model = RecurrentLanguageModel(5, embedding=3, hidden=4, layers=2)
    x = torch.randint(5, (30,), generator=seeded(seed))
    whole = -model.log_prob(x[None])
    exact = torch.autograd.grad(whole.sum(), list(model.parameters()))
    for window in (1, 7, 30):
        total = windowed(model, Streams(x, batch_size=1, window=window, start=5))
        assert total == pytest.approx(whole.item())
        if window == 30:
            for parameter, expected in zip(model.parameters(), exact):
                torch.testing.assert_close(parameter.grad, expected)
        model.zero_grad()


@pytest.mark.equation("eq-rnn-copy", frozen="2b150f74")
def test_the_mixture_with_the_copyist_is_a_distribution(seed: int) -> None:
    """The probabilities of all next characters sum to one, at each place of a random text."""
    cells = lesson("copy-code")
    g = seeded(seed)
    text = "".join("ab"[i] for i in torch.randint(2, (80,), generator=g).tolist()) + "c"
    first = 50
    found = cells["copyist"](text, first, shortest=3)
    log_p = torch.randn(len(text) - first, 3, generator=g).log_softmax(1)
    truth = ["abc".index(character) for character in text[first:]]
    own = [row[v].item() for row, v in zip(log_p, truth)]
    base = cells["mix"](found, text[first:], own)
    used = 0
    for t in range(len(found)):
        total = 0.0
        for v, character in enumerate("abc"):
            changed = text[first : first + t] + character
            values = [*own[:t], log_p[t, v].item()]
            mixed = cells["mix"](found[: t + 1], changed, values)
            assert mixed[:t] == pytest.approx(base[:t])  # nothing later is looked at
            total += math.exp(mixed[-1])
        assert total == pytest.approx(1.0)
        used += found[t][1] > 0
    assert used > 10


def test_the_copyist_copies_what_followed_the_last_match(seed: int) -> None:
    copyist = lesson("copy-code")["copyist"]
    drawn = torch.randint(2, (60,), generator=seeded(seed)).tolist()
    text = "".join("ab"[i] for i in drawn)
    found = copyist(text, 0, shortest=4)
    for t, (copied, match) in enumerate(found):
        key = text[max(0, t - 4) : t]
        if match == 0:
            assert copied == ""
            assert len(key) < 4 or key not in text[: t - 1]
        else:
            history = text[t - match : t]
            places = [p for p in range(match, t) if text[p - match : p] == history]
            assert copied in {text[p] for p in places}


def test_priming_a_compressor_counts_the_extra_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "the cat sat on the mat. " * 3
    splits = TextSplits(source, source, "".join(sorted(set(source))), "toy")
    monkeypatch.setattr("helpers.data.text.load", lambda name: splits)
    known = {"MarkovChain": MarkovChain, "bz2": bz2, "lzma": lzma, "gzip": gzip}
    packed = lesson("floors", **known)["packed"]
    expected = len(gzip.compress((source + source).encode())) - len(gzip.compress(source.encode()))
    assert packed(gzip.compress, source) == pytest.approx(8 * math.log(2) * expected / len(source))


@pytest.mark.parametrize("number", range(1, 6))
def test_solutions_print_what_the_text_says(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_default_dtype(torch.float32)
    expected = {
        1: "perplexity of both: 4.0000",
        2: "left after 10 steps 0.5000",
        3: "T =  1",
        4: "Trying to backward through the graph a second time",
        5: "width 2: [1, 1], probability 0.36",
    }
    names = {"beam_search": beam_search, "long": torch.randint(26, (240,))}
    lesson(f"solution-{number}", **names)
    assert expected[number] in capsys.readouterr().out
