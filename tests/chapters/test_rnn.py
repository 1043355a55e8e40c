"""The chapter's own lines: cells, gradients through time, Jacobians, clipping, the copyist."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import math
from collections.abc import Callable
from types import SimpleNamespace
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
from tests.printed import tex

PAGE = "models/rnn"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    known = {"torch": torch, "nn": nn, "F": F, "math": math, "itertools": itertools}
    known |= {"plotting": SimpleNamespace(table=lambda *_, **__: None)}
    known |= {"seeded": seeded, "seed_everything": seed_everything, "blocks": blocks}
    known |= {"RecurrentLanguageModel": RecurrentLanguageModel, "Streams": Streams, "seed": 0}
    return run_cells(PAGE, list(ids), **(known | names))


@pytest.mark.equation("eq-rnn-chain")
def test_the_factors_multiply_to_the_joint_distribution() -> None:
    """A joint table drawn at random: its conditionals by marginalisation give its own log p."""
    cells = lesson("chain-define")
    joint = torch.rand(3, 3, 3)
    joint = joint / joint.sum()

    def conditional(history: tuple[int, ...]) -> Tensor:
        part = joint[history]
        p = part.flatten(1).sum(1) if part.ndim > 1 else part
        return p / p.sum()

    cells["log_prob"].__globals__["conditional"] = conditional
    printed = tex("eq-rnn-chain")
    for x in itertools.product(range(3), repeat=3):
        torch.testing.assert_close(cells["log_prob"](x), joint[x].log())
        known = {t: conditional(x[: t - 1])[x[t - 1]] for t in (1, 2, 3)}
        found = printed(
            {"x_<t": ...}, T=3, x={1: 1, 2: 2, 3: 3}, p=lambda t, _, known=known: known[t]
        )
        assert float(found) == pytest.approx(joint[x].log().item())


@pytest.mark.equation("eq-rnn-nll")
def test_bits_and_perplexity_of_a_fair_die_and_of_a_code() -> None:
    """A die has perplexity 6; the model of a text is a loss in bits that PyTorch agrees with."""
    cells = lesson("e20-models", "e20-losses")
    cells["nll"].__globals__["x"] = torch.randint(6, (60,))
    die = torch.full((60, 6), 1 / 6)
    assert cells["nll"](die).exp().item() == pytest.approx(6.0)
    assert cells["nll"](die).item() / math.log(2) == pytest.approx(math.log2(6))
    logits, x = torch.randn(60, 6), cells["nll"].__globals__["x"]
    torch.testing.assert_close(cells["nll"](logits.softmax(1)), F.cross_entropy(logits, x))
    p = dict(enumerate(logits.softmax(1)[torch.arange(60), x].tolist(), 1))
    times = {"x": {t: t for t in p}, "p": lambda t, _: p[t], "x_<t": ...}
    nats = float(tex("eq-rnn-nll")(times, T=60))
    assert nats == pytest.approx(F.cross_entropy(logits, x).item())
    assert float(tex("eq-rnn-nll", statement=1)(L=nats)) == pytest.approx(
        -sum(math.log2(value) for value in p.values()) / 60
    )
    odds = math.prod(p.values()) ** (-1 / 60)  # the geometric mean of 1 / p
    assert float(tex("eq-rnn-nll", statement=2)(L=nats)) == pytest.approx(odds)


def test_the_printed_loss_does_not_look_at_the_data() -> None:
    cells = lesson("e20-models", "e20-losses")
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


def gate_weights(cell: nn.Module, gates: str) -> dict[str, Tensor]:
    """The weights of a cell of PyTorch without biases under the names of the page, W_r and U_r."""
    for name in ("bias_ih", "bias_hh"):
        nn.init.zeros_(getattr(cell, name))
    W, U = cell.weight_ih.detach(), cell.weight_hh.detach()
    parts = zip(gates, W.chunk(len(gates)), U.chunk(len(gates)))
    return {f"{k}_{gate}": m for gate, w, u in parts for k, m in (("W", w), ("U", u))}


@pytest.mark.equation("eq-rnn-elman")
def test_elmans_cell() -> None:
    """Values and gradients of torch.nn.RNNCell with the same weights."""
    cell, h = nn.RNNCell(3, 4), torch.randn(5, 4)
    compare_cells(lesson("cells-elman")["elman"], cell, h)
    x = torch.randn(5, 3)
    W, U, b, b2 = (part.detach() for part in cell.parameters())
    known = {"W": W, "U": U, "b": b, "b'": b2, "e_t": x[0], "h_t-1": h[0]}
    torch.testing.assert_close(tex("eq-rnn-elman")(known), cell(x, h)[0].detach())


@pytest.mark.equation("eq-rnn-gru")
def test_the_gated_recurrent_unit() -> None:
    """Values and gradients of torch.nn.GRUCell with the same weights."""
    cell, h, x = nn.GRUCell(3, 4), torch.randn(5, 4), torch.randn(5, 3)
    compare_cells(lesson("cells-gru")["gru"], cell, h)
    known = {**gate_weights(cell, "rzn"), "e_t": x[0], "h_t-1": h[0], "sigma": torch.sigmoid}
    for k, gate in enumerate("rzn"):
        known[gate] = tex("eq-rnn-gru", statement=k)(known)
    torch.testing.assert_close(tex("eq-rnn-gru", statement=3)(known), cell(x, h)[0].detach())


@pytest.mark.equation("eq-rnn-lstm")
def test_the_long_short_term_memory() -> None:
    """Values and gradients of torch.nn.LSTMCell with the same weights."""
    cell, x = nn.LSTMCell(3, 4), torch.randn(5, 3)
    h, c = state = torch.randn(5, 4), torch.randn(5, 4)
    compare_cells(lesson("cells-lstm")["lstm"], cell, state)
    known = {**gate_weights(cell, "ifgo"), "e_t": x[0], "h_t-1": h[0], "c_t-1": c[0]}
    known["sigma"] = torch.sigmoid
    for gate in "ifo":  # one line stands for three gates
        three = {f"{m}_i,f,o": known[f"{m}_{gate}"] for m in "WU"}
        known[gate] = tex("eq-rnn-lstm", statement=2)(known | three)
    known["g"] = tex("eq-rnn-lstm", statement=3)(known)
    known["c_t"] = tex("eq-rnn-lstm", statement=4)(known)
    known["h_t"] = tex("eq-rnn-lstm", statement=5)(known)
    expected = cell(x, state)
    torch.testing.assert_close(known["h_t"], expected[0][0].detach())
    torch.testing.assert_close(known["c_t"], expected[1][0].detach())


@pytest.mark.equation("eq-rnn-bptt")
def test_gradients_through_time_by_hand(seed: int) -> None:
    """Central differences of the loss, entry by entry."""
    bptt = lesson("bptt-by-hand")["bptt"]
    g = seeded(seed)
    x, y = torch.randn(6, 2, generator=g), torch.randn(6, 3, generator=g)
    W, U = torch.randn(3, 2, generator=g), torch.randn(3, 3, generator=g)

    def loss(W: Tensor, U: Tensor) -> Tensor:
        h, total = torch.zeros(3), torch.zeros(())
        for t in range(6):
            h = torch.tanh(W @ x[t] + U @ h)
            total = total + 0.5 * (h - y[t]).square().sum()
        return total

    h = [torch.zeros(3)]
    for t in range(6):
        h.append(torch.tanh(W @ x[t] + U @ h[-1]))
    delta: dict[Any, Any] = {7: torch.zeros(3)}
    for t in range(6, 0, -1):  # of the last state nothing comes back
        ahead = torch.diag(1 - h[min(t + 1, 6)] ** 2) @ U
        known = {"dell_t/dh_t": h[t] - y[t - 1], "dh_t+1/dh_t": ahead, "delta_t+1": delta[t + 1]}
        delta[t] = tex("eq-rnn-bptt")(known)
    del delta[7]
    printed = tex("eq-rnn-bptt", statement=1)(delta=delta, h=dict(enumerate(h)), t=range(1, 7))
    torch.testing.assert_close(printed, bptt(x, y, W, U)[1])
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


@pytest.mark.equation("eq-rnn-jacobian")
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
            h = [torch.zeros(5).double()]
            for t in range(length):
                h.append(torch.tanh(U @ h[-1] + pushes[t]))
            product = tex("eq-rnn-jacobian")({"U": U, "h": dict(enumerate(h)), "T": length})
            torch.testing.assert_close(product, exact)
            size = torch.linalg.matrix_norm(U, 2).reshape(1)  # a number has only one norm
            limit = float(tex("eq-rnn-jacobian", statement=1)(U=size, T=length))
            assert norm <= limit + 1e-12
            assert limit == pytest.approx(scale**length)
            assert found[length - 1] == pytest.approx(norm, rel=1e-9)


@pytest.mark.equation("eq-rnn-forget")
def test_the_forget_gates_are_what_is_left_of_a_cell_at_fixed_gates(seed: int) -> None:
    """Autograd through PyTorch's own cell, with what is fed back to the gates cut off."""
    norms = lesson("lstm-jacobians", seed=seed)["lstm_norms"]
    _, fixed = norms(1.0, length=7, size=3)
    g = seeded(seed)
    seed_everything(seed)
    cell = blocks.LSTMCell(8, 3, forget_bias=1.0).double()
    peer = nn.LSTMCell(8, 3).double()
    peer.load_state_dict(cell.state_dict())
    start = torch.zeros(1, 3).double().requires_grad_()
    h, c, gates = torch.zeros(1, 3).double(), start, {}
    for t in range(1, 8):
        x = torch.randn(1, 8, generator=g).double()
        raw = x @ peer.weight_ih.T + peer.bias_ih + h @ peer.weight_hh.T + peer.bias_hh
        gates[t] = torch.sigmoid(raw.chunk(4, 1)[1][0]).detach()
        h, c = peer(x, (h.detach(), c))
        exact = torch.autograd.grad(c.sum(), start, retain_graph=True)[0][0]
        printed = tex("eq-rnn-forget")(T=t, f=gates)
        torch.testing.assert_close(torch.diagonal(printed), exact)
        assert fixed[t - 1] == pytest.approx((exact.max().item(), exact.median().item()))
    early = tex("eq-rnn-forget", statement=1)({"sigma": torch.sigmoid, "b_f": torch.tensor(1.3)})
    assert float(early) == pytest.approx(1 / (1 + math.exp(-1.3)))


def test_gates_that_read_nothing_leave_no_other_path(seed: int) -> None:
    """With all weights zero the full Jacobian is the product of the gates: a closed form."""
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
        full, fixed = norms(1.0, length=9, size=4)
    expected = [(1 / (1 + math.exp(-1))) ** t for t in range(1, 10)]
    for found in (*zip(*full), *zip(*fixed)):  # largest and middle, all paths and gates
        assert found == pytest.approx(expected, rel=1e-6)


def test_the_cells_jacobian_is_that_of_autograd(seed: int) -> None:
    norms = lesson("lstm-jacobians", seed=seed)["lstm_norms"]
    found, _ = norms(1.0, length=5, size=4)
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
    values = torch.linalg.eigvalsh(exact.T @ exact).sqrt()
    assert found[4] == pytest.approx((values.max().item(), values.median().item()), rel=1e-6)


@pytest.mark.equation("eq-rnn-clip")
def test_clipping_is_the_nearest_point_of_a_ball() -> None:
    """PyTorch's function; and no other point of the ball is nearer to the gradient."""
    clip = lesson("clip-define")["clip"]
    for scale, threshold in ((100.0, 0.7), (0.01, 0.7)):
        gradients = [scale * torch.randn(3, 4), scale * torch.randn(5)]
        clipped, norm = clip(gradients, threshold)
        whole = torch.cat([g.flatten() for g in gradients])
        printed = tex("eq-rnn-clip")(g=whole, theta=threshold)
        torch.testing.assert_close(torch.cat([g.flatten() for g in clipped]), printed)
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, g in zip(parameters, gradients):
            parameter.grad = g.clone()
        assert nn.utils.clip_grad_norm_(parameters, threshold).item() == pytest.approx(norm.item())
        for mine, parameter in zip(clipped, parameters):
            torch.testing.assert_close(mine, parameter.grad, rtol=1e-5, atol=0)
        flat = torch.cat([g.flatten() for g in clipped])
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


@pytest.mark.equation("eq-rnn-copy")
def test_the_mixture_with_the_copyist_is_a_distribution(seed: int) -> None:
    """The probabilities of all next characters sum to one, at each place of a random text."""
    cells = lesson("copy-code", "copy-mix")
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
    right: dict[int, int] = {}
    tried: dict[int, int] = {}
    for t, (copied, match) in enumerate(found):  # the formula, with counts of our own
        size = match.bit_length() - 1
        weight = tex("eq-rnn-copy", statement=1)(right=right.get(size, 0), tried=tried.get(size, 0))
        hit = copied == text[first + t]
        known = {"a_m": float(weight) if match else 0.0, "x_t": text[first + t], "q_t": copied}
        each = {text[first + t]: math.exp(own[t])}
        rest = {"p_RNN": lambda x, _, each=each: each[x], "x_<t": ..., "m": size}
        assert math.log(tex("eq-rnn-copy")(known | rest)) == pytest.approx(base[t])
        tried[size] = tried.get(size, 0) + 1
        right[size] = right.get(size, 0) + hit


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
    first, second = "the cat sat on the mat. " * 3, "on the mat sat a cat..." + " the mat. " * 5
    alphabet = "".join(sorted(set(first + second)))
    splits = TextSplits(first, first[: len(second)] + second, alphabet, "toy")
    monkeypatch.setattr("helpers.data.text.load", lambda name: splits)
    known = {"MarkovChain": MarkovChain, "bz2": bz2, "lzma": lzma, "gzip": gzip}
    cells = lesson("floors-parts", "floors", **known)
    assert cells["written"]["valid"] + cells["written"]["test"] == splits.validation
    test = cells["written"]["test"]
    extra = len(gzip.compress((first + test).encode())) - len(gzip.compress(first.encode()))
    expected = 8 * math.log(2) * extra / len(test)
    assert cells["packed"](gzip.compress, first) == pytest.approx(expected)
    alone = 8 * math.log(2) * len(bz2.compress(first.encode())) / len(first)
    assert cells["packed"](bz2.compress, "", "valid") == pytest.approx(alone)


def test_the_truth_of_the_toy_scores_what_its_rule_says() -> None:
    """Each letter by the rule of the text, beside the line of the page."""
    torch.set_default_dtype(torch.float32)
    cells = lesson("toy-echo", "toy-code", "toy-run", "toy-truth", "toy-floor", toy_passes=1)
    x, total = cells["echo_test"].tolist(), 0.0
    for t, letter in enumerate(x):
        p = 0.5 if t < 8 else 0.9 if letter == x[t - 8] else 0.1
        total -= math.log(p) / len(x)
    assert cells["toy"]["truth"] == pytest.approx(total)
    assert cells["toy"]["chain of order 8"] > cells["toy"]["truth"]


@pytest.mark.equation("eq-rnn-unit")
def test_the_jacobian_of_one_unit(seed: int) -> None:
    """Autograd through the recursion, and central differences of the loss."""
    unit = lesson("unit-code")["unit"]
    for w, b in torch.tensor([[4.7, -2.4], [3.0, -1.0], [5.5, -2.5]]):
        h = start = torch.tensor(0.5).requires_grad_()
        states = {}
        for t in range(9):
            states[t] = h.detach()
            h = w * torch.sigmoid(h) + b
        loss, product = unit(w, b, length=9)
        exact = torch.autograd.grad(h, start)[0]
        torch.testing.assert_close(product, exact)
        printed = tex("eq-rnn-unit")(T=9, w=w, h=states, sigma=torch.sigmoid)
        torch.testing.assert_close(printed, exact)
        torch.testing.assert_close(loss, (torch.sigmoid(h.detach()) - 0.7) ** 2)


def test_one_step_too_long_leaves_the_picture() -> None:
    cells = lesson("unit-code", "descend", "descend-run")
    free, clipped = cells["paths"]["no clipping"], cells["paths"]["clipped at 0.1"]
    steps = [math.dist(a[:2], b[:2]) for a, b in itertools.pairwise(clipped)]
    assert max(steps) <= 0.1 + 1e-12
    assert max(math.dist(a[:2], b[:2]) for a, b in itertools.pairwise(free)) > 5
    for path in (free, clipped):
        for (w, b, loss, norm), after in itertools.pairwise(path[:20]):
            point = torch.tensor([w, b], requires_grad=True)
            value = cells["unit"](*point)[0]
            (g,) = torch.autograd.grad(value, point)
            assert (value.item(), g.norm().item()) == pytest.approx((loss, norm))
            move = torch.tensor(after[:2]) - point.detach()
            assert torch.allclose(move, -g * min(1.0, move.norm().item() / norm), atol=1e-9)
    many = cells["descend"](0.1, start=[[5.0, 4.4], [-2.3, -2.1]], updates=9)
    alone = cells["descend"](0.1, start=(4.4, -2.1), updates=9)
    torch.testing.assert_close(many[:, :, 1], alone)


def test_the_laboratory_measures_the_jacobian_that_autograd_finds() -> None:
    cells = lesson("cells-elman", "lab-code", "lab-share")
    model = RecurrentLanguageModel(5, embedding=3, hidden=4, cell="elman")
    x = torch.randint(5, (2, 25))
    found, saturated = cells["state_of"](model, x, None)
    with torch.no_grad():
        h, _ = model.recurrent(model.embedding(x))
    exact = []
    for row, states in zip(x, h):
        rest = model.embedding(row[5:]).detach()[None]

        def last(state: Tensor, rest: Tensor = rest) -> Tensor:
            return model.recurrent(rest, state[None, None])[0][0, -1]

        jacobian = torch.autograd.functional.jacobian(last, states[4])
        exact.append(torch.linalg.matrix_norm(jacobian, 2))
    assert found == pytest.approx(torch.stack(exact).mean().item(), rel=1e-6)
    assert saturated == pytest.approx((h.abs() > 0.99).double().mean().item())


def test_the_gradient_of_one_step_is_that_of_states_that_are_cut(seed: int) -> None:
    """PyTorch's cell in a loop, each state detached before the next step."""
    cells = lesson("cells-elman", "lab-code", "lab-share", seed=seed)
    model = RecurrentLanguageModel(5, embedding=3, hidden=4, cell="elman")
    x, y = torch.randint(5, (2, 2, 9))
    for state in (None, (torch.rand(2, 1, 4),)):
        model.zero_grad()
        found = cells["one_step"](model, x, y, state)
        cell = nn.RNNCell(3, 4)
        loop = {name.removesuffix("_l0"): p for name, p in model.recurrent.named_parameters()}
        h, loss = torch.zeros(2, 4) if state is None else state[0][:, 0], torch.zeros(())
        for t in range(9):
            given = (model.embedding(x[:, t]), h.detach())
            h = torch.func.functional_call(cell, loop, given)
            loss = loss + nn.functional.cross_entropy(model.output(h), y[:, t]) / 9
        exact = torch.autograd.grad(loss, list(model.parameters()))
        whole = torch.cat([g.flatten() for g in exact]).norm().item()
        assert found == pytest.approx(whole, rel=1e-6)


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
