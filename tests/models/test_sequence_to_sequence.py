"""Encoder and decoder: normalised over all lengths, equal to plain loops, blind to padding."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from helpers.data.text import pad
from helpers.data.text.rows import PADDING
from helpers.models.sequence_to_sequence import SequenceToSequence
from helpers.networks.recurrent import GRUCell
from helpers.random import seeded
from helpers.samplers import top_k
from helpers.training import gradient_step
from tests.printed import tex
from tests.statistics import assert_mean_close

S, V, E, H = 5, 2, 3, 4
SOURCE = [[3, 0, 4, 1], [2], [1, 1, 0]]
TARGET = [[1], [0, 1, 1], []]


def make(attention: bool = True, **options: int) -> SequenceToSequence:
    """A model far from the uniform distribution of the start."""
    sizes = {"embedding": E, "hidden": H} | options
    model = SequenceToSequence(S, V, attention=attention, **sizes)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.9)
    return model


def every(longest: int) -> list[list[int]]:
    return [list(y) for n in range(longest + 1) for y in itertools.product(range(V), repeat=n)]


def copied(theirs: nn.Module, ending: str) -> GRUCell:
    ours = GRUCell(theirs.input_size, theirs.hidden_size)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(ours, name).data.copy_(getattr(theirs, name + ending))
    return ours


@pytest.mark.parametrize("attention", [True, False])
def test_log_prob_is_that_of_loops_over_our_cells(attention: bool) -> None:
    model = make(attention)
    forward, backward = copied(model.encoder, "_l0"), copied(model.encoder, "_l0_reverse")
    decoder = copied(model.decoder, "")
    found = model.log_prob(pad(TARGET), pad(SOURCE))
    for row, (x, y) in enumerate(zip(SOURCE, TARGET)):
        embedded = model.read(torch.tensor(x))
        states: list[list[Tensor]] = [[], []]
        for side, (cell, order) in enumerate(
            ((forward, range(len(x))), (backward, reversed(range(len(x)))))
        ):
            h = torch.zeros(1, H)
            for j in order:
                h = cell(embedded[j : j + 1], h)
                states[side].append(h[0])
        ends = torch.cat([states[0][-1], states[1][-1]])
        values = torch.stack([torch.cat(p) for p in zip(states[0], reversed(states[1]))])
        s, token, total = torch.tanh(model.bridge(ends)), V, torch.zeros(())
        for symbol in [*y, V]:
            c = ends
            if model.attention is not None:
                e = model.attention.score(
                    torch.tanh(model.attention.from_query(s) + model.attention.from_value(values))
                )[:, 0]
                c = e.softmax(0) @ values
            s = decoder(torch.cat([model.write.weight[token], c])[None], s[None])[0]
            total = total + model.output(torch.cat([s, c])).log_softmax(0)[symbol]
            token = symbol
        torch.testing.assert_close(found[row], total)


@pytest.mark.equation("eq-text-conditional")
@pytest.mark.parametrize("attention", [True, False])
def test_all_targets_of_all_lengths_sum_to_one(attention: bool, device: torch.device) -> None:
    """Enumeration: all targets of up to six symbols, and all beginnings of seven, sum to one."""
    model = make(attention).to(device)
    for x in SOURCE:
        source, short = pad([x]).to(device), pad(every(6)).to(device)
        p = model.log_prob(short, source.expand(len(short), -1)).exp().sum()
        beginnings = torch.tensor(list(itertools.product(range(V), repeat=7)), device=device)
        log_p = model.log_conditionals(beginnings, source.expand(len(beginnings), -1))
        rest = log_p[:, :7].sum(1).exp().sum()
        torch.testing.assert_close((p + rest).item(), 1.0)
        y = torch.tensor([[1, 0, 1]], device=device)
        logits = model(y, source)[0][0].log_softmax(-1)
        each = {t: logits[t - 1, v].exp() for t, v in enumerate([1, 0, 1, V], start=1)}
        printed = tex("eq-text-conditional")(
            {"y_<t": ..., "x": ...}, T=3, y={t: t for t in each}, p=lambda t, *_, p=each: p[t]
        )
        torch.testing.assert_close(printed, model.log_prob(y, source)[0])


@pytest.mark.parametrize("attention", [True, False])
def test_padding_changes_nothing(attention: bool) -> None:
    model = make(attention)
    together = model.log_prob(pad(TARGET), pad(SOURCE))
    for row, (x, y) in enumerate(zip(SOURCE, TARGET)):
        target = torch.tensor([[*y, PADDING, PADDING]])
        source = torch.tensor([[*x, PADDING]])
        torch.testing.assert_close(model.log_prob(target, source)[0], together[row])
    _, weights = model(pad(TARGET), pad(SOURCE))
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4))
    if attention:
        assert weights.shape == (3, 4, 4)
        assert (weights[1, :, 1:] == 0).all()
        assert (weights[0] > 0).all()


def test_the_loss_is_the_mean_over_targets() -> None:
    model = make()
    log_p = model.log_prob(pad(TARGET), pad(SOURCE))
    loss = model.loss(pad(TARGET), pad(SOURCE))
    torch.testing.assert_close(loss["loss"], -log_p.mean())
    symbols = sum(len(y) + 1 for y in TARGET)
    torch.testing.assert_close(loss["nats_per_symbol"], -log_p.sum().detach() / symbols)
    loss["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("attention", [True, False])
def test_no_value_is_read_on_an_accelerator(attention: bool) -> None:
    """Tensors of the device `meta` have no values; the source may stay on the CPU."""
    model = make(attention).to("meta")
    source, target = pad(SOURCE), pad(TARGET).to("meta")
    for own in (0.0, 0.5):
        loss = model.loss(target, source, own=own)
        assert loss["loss"].device.type == "meta"
    assert model.sample(2, source=source, length=3).shape == (6, 3)


def test_symbols_of_any_integer_type() -> None:
    model, source, target = make(), torch.tensor([[3, 0]]), torch.tensor([[1, 0]])
    expected = model.loss(target, source)["loss"]
    assert model.loss(target.to(torch.uint8), source.to(torch.uint8))["loss"] == expected
    assert model.loss(target.int(), source.int())["loss"] == expected


@pytest.mark.parametrize("attention", [True, False])
def test_samples_occur_as_often_as_log_prob_says(attention: bool, seed: int) -> None:
    model = make(attention)
    n = 20_000
    source = pad(SOURCE)
    drawn = model.sample(n, source=source, length=3, rng=seeded(seed))
    assert drawn.shape == (3 * n, 3)
    targets = every(3)  # those of three symbols with or without an end behind them
    wanted, whole = pad(targets), torch.tensor([len(y) < 3 for y in targets])
    for row, x in enumerate(SOURCE):
        mine = drawn[row * n : (row + 1) * n]
        log_p = model.log_conditionals(wanted, pad([x] * len(targets))).detach()
        p = (log_p[:, :3].sum(1) + log_p[:, 3] * whole).exp()
        assert p.sum().item() == pytest.approx(1.0)
        equal = (mine[:, None] == wanted).all(2).double()
        likely = p > 0.002
        assert_mean_close(equal[:, likely], p[likely])


def test_a_wide_beam_finds_the_exact_best() -> None:
    model = make()
    targets = every(3)
    for x in SOURCE:
        found, log_p = model.beam(pad([x]), width=40, length=4)
        exact = model.log_prob(pad(targets), pad([x] * len(targets)))
        for target, value in zip(targets, exact):
            place = torch.nn.functional.pad(
                torch.tensor(target).long(), (0, 4 - len(target)), value=-1
            )
            rows = (found == place).all(1)
            assert rows.sum() == 1
            torch.testing.assert_close(log_p[rows][0], value.detach())
        assert log_p.exp().sum().item() == pytest.approx(1.0)  # beginnings without end included
        assert (log_p[:-1] >= log_p[1:]).all()
    with pytest.raises(ValueError, match=r"token must have shape \(1,\), got \(3,\): one search"):
        model.beam(pad(SOURCE), width=2)


def test_greedy_samples_are_a_beam_of_one() -> None:
    model = make()
    greedy = model.sample(1, source=pad(SOURCE), length=4, keep=lambda z: top_k(z, 1))
    for row, x in enumerate(SOURCE):
        assert torch.equal(model.beam(pad([x]), width=1, length=4)[0][0], greedy[row])


@pytest.mark.equation("eq-text-scheduled", frozen="6504e856")
def test_scheduled_sampling_reads_its_own_symbols(seed: int) -> None:
    """The mean loss of one example against enumeration of all that may be read."""
    model = make()
    source, target = pad([[3, 0]]), pad([[1, 0]])
    own = 0.6

    def conditional(read: tuple[int, ...]) -> Tensor:
        return model(pad([read]), source)[0][0, len(read)].log_softmax(0)

    expected = -conditional(())[1]
    for first in range(V + 1):
        p_first = own * conditional(()).exp()[first] + (1 - own) * (first == 1)
        log_p = raw(model, source, (first,))
        expected = expected - p_first * log_p[0]
        for second in range(V + 1):
            p_second = own * log_p.exp()[second] + (1 - own) * (second == 0)
            expected = expected - p_first * p_second * raw(model, source, (first, second))[V]
    n = 20_000
    logits, _ = model(target.expand(n, -1), source.expand(n, -1), own=own, rng=seeded(seed))
    y = torch.tensor([1, 0, V]).expand(n, 3)
    losses = -logits.log_softmax(-1).gather(-1, y[..., None])[..., 0].sum(1)
    assert_mean_close(losses.detach()[:, None], expected.detach()[None])


def raw(model: SequenceToSequence, source: Tensor, read: tuple[int, ...]) -> Tensor:
    """Log-probabilities after symbols read, the end among them, by calls of the inner step."""
    state = model.encode(source)
    logits, state, _ = model._look_and_write(torch.tensor([V]), state)
    for token in read:
        logits, state, _ = model._look_and_write(torch.tensor([token]), state)
    return logits[0].log_softmax(0)


def test_the_generator_is_obeyed_and_the_global_state_left_alone(
    device: torch.device, seed: int
) -> None:
    model, source = make().to(device), pad(SOURCE).to(device)
    before = torch.get_rng_state()
    draws = [model.sample(5, source=source, length=9, rng=seeded(seed, device)) for _ in range(2)]
    losses = [
        model.loss(pad(TARGET).to(device), source, own=0.5, rng=seeded(seed, device))
        for _ in range(2)
    ]
    assert torch.equal(*draws)
    assert losses[0]["loss"] == losses[1]["loss"]
    assert torch.equal(torch.get_rng_state(), before)
    assert not draws[0].requires_grad
    assert draws[0].device.type == device.type


@pytest.mark.parametrize("attention", [True, False])
def test_it_learns_to_copy(attention: bool) -> None:
    torch.set_default_dtype(torch.float32)
    model = SequenceToSequence(3, 3, embedding=8, hidden=24, attention=attention)
    step = gradient_step(model, torch.optim.Adam(model.parameters(), 0.02))
    x = torch.tensor(list(itertools.product(range(3), repeat=3)))
    for _ in range(150):
        step(x, x)
    drawn = model.sample(1, source=x, length=4, keep=lambda z: top_k(z, 1))
    assert (drawn[:, :3] == x).all(1).double().mean() > 0.9


@pytest.mark.parametrize(
    ("target", "source", "error", "match"),
    [
        (TARGET, [[5]] * 3, ValueError, r"source must lie in \[-1, 4\], got .* to 5: encode"),
        ([[V]] * 3, SOURCE, ValueError, r"target must lie in \[-1, 1\], got .* to 2: encode"),
        (TARGET, [[]] * 3, ValueError, "source must hold at least one symbol in each row"),
        (TARGET, [[0, PADDING, 1]] * 3, ValueError, "source must have padding only behind the end"),
        ([[PADDING, 1]] * 3, SOURCE, ValueError, "target must have padding only behind the end"),
        (TARGET, [[0.5]] * 3, TypeError, "source must be an integer tensor"),
    ],
)
def test_bad_input_is_named(
    target: list[list[int]], source: list[list[int]], error: type[Exception], match: str
) -> None:
    rows = torch.tensor(source) if 0.5 in source[0] else pad(source)
    for call in (make().log_prob, make().loss):
        with pytest.raises(error, match=match):
            call(pad(target), rows)


def test_weights_survive_a_checkpoint(seed: int) -> None:
    model, other = make(), make()
    other.load_state_dict(model.state_dict())
    source = pad(SOURCE)
    draws = [m.sample(3, source=source, length=9, rng=seeded(seed)) for m in (model, other)]
    assert torch.equal(*draws)
