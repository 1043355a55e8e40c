"""The recurrent language model: normalised, equal to our cells, and state is really carried."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from helpers.data.text import Streams, pad, split, with_end
from helpers.models.rnn import RecurrentLanguageModel
from helpers.networks import ElmanCell, GRUCell, LSTMCell
from helpers.random import seeded
from helpers.samplers import top_k
from helpers.training import CarriedState, fit, gradient_step
from tests.statistics import assert_mean_close

V, E, H = 3, 4, 5
CELLS = {"elman": ElmanCell, "gru": GRUCell, "lstm": LSTMCell}
EVERY = torch.tensor(list(itertools.product(range(V), repeat=4)))


def make(cell: str = "lstm", **options: object) -> RecurrentLanguageModel:
    """A model far from the uniform distribution of the start."""
    settings = {"embedding": E, "hidden": H, "layers": 2} | options
    model = RecurrentLanguageModel(V, cell=cell, **settings)  # type: ignore[arg-type]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.8)
    return model


@pytest.mark.parametrize("cell", CELLS)
def test_probabilities_of_all_sequences_sum_to_one(cell: str, device: torch.device) -> None:
    model = make(cell).to(device)
    log_p = model.log_prob(EVERY.to(device))
    assert log_p.shape == (81,)
    torch.testing.assert_close(log_p.detach().exp().sum().item(), 1.0)
    assert log_p.detach().std().item() > 0.3


@pytest.mark.parametrize("cell", CELLS)
def test_log_prob_has_a_gradient_on_each_device(cell: str, device: torch.device) -> None:
    model = make(cell).to(device)
    x = torch.randint(V, (6, 7), device=device)
    found = torch.autograd.grad(-model.log_prob(x).sum(), list(model.parameters()))
    expected = torch.autograd.grad(6 * model.loss(x)["loss"], list(model.parameters()))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("cell", CELLS)
def test_log_prob_is_that_of_our_cells_in_a_loop(cell: str) -> None:
    model = make(cell)
    layers = []
    for k in range(2):
        ours = CELLS[cell](E if k == 0 else H, H)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ours.load_state_dict({n: getattr(model.recurrent, f"{n}_l{k}") for n in names})
        layers.append(ours)
    x = torch.randint(V, (6, 7))
    token, states, total = torch.full((6,), model.start), [None, None], torch.zeros(6)
    for t in range(7):
        h = model.embedding(token)
        for k, ours in enumerate(layers):
            states[k] = ours(h, states[k])
            h = states[k][0] if cell == "lstm" else states[k]
        total = total + model.output(h).log_softmax(-1)[torch.arange(6), x[:, t]]
        token = x[:, t]
    torch.testing.assert_close(model.log_prob(x), total)
    torch.testing.assert_close(model.loss(x)["loss"], -total.mean())
    torch.testing.assert_close(model.loss(x)["nats_per_symbol"], -total.mean().detach() / 7)


@pytest.mark.parametrize("cell", CELLS)
def test_windows_with_a_carried_state_add_up_to_the_whole(cell: str) -> None:
    model, x = make(cell), torch.randint(V, (33,))
    rows = x[:32].view(2, 16)
    whole = -model.log_prob(rows).sum()
    for window in (1, 5, 16):
        carried, total = CarriedState(model), torch.zeros(())
        for _ in range(2):  # the second pass must begin afresh
            total = torch.zeros(())
            for tokens_in, tokens_out in Streams(x, batch_size=2, window=window, start=V):
                total = total + carried.loss(tokens_in, tokens_out)["loss"] * tokens_out.numel()
        torch.testing.assert_close(total, whole)


@pytest.mark.parametrize("cell", CELLS)
def test_step_by_step_is_the_same_as_at_once(cell: str) -> None:
    model, x = make(cell), torch.randint(V, (6, 5))
    logits, after = model(x)
    state = None
    for t in range(5):
        one, state = model.step(x[:, t], state)
        torch.testing.assert_close(one, logits[:, t])
    for mine, other in zip(state, after, strict=True):
        assert mine.shape == (6, 2, H)
        torch.testing.assert_close(mine, other)
    order = torch.tensor([3, 0])  # batch first: rows may be picked
    picked = model.step(x[order, 0], tuple(part[order] for part in state))[0]
    torch.testing.assert_close(picked, model.step(x[:, 0], state)[0][order])


def test_samples_occur_as_often_as_log_prob_says(seed: int) -> None:
    model = make("gru")
    x = model.sample(20_000, length=4, rng=seeded(seed))
    p = model.log_prob(EVERY).exp().detach()
    place = (x * torch.tensor([27, 9, 3, 1])).sum(1)
    shares = nn.functional.one_hot(place, 81).double()
    assert_mean_close(shares[:, p > 0.002], p[p > 0.002])


def test_samples_continue_their_prompt(seed: int) -> None:
    model, prompt = make(), torch.tensor([2, 0, 1])
    x = model.sample(20_000, length=1, prompt=prompt, rng=seeded(seed))
    assert torch.equal(x[:, :3], prompt.expand(20_000, 3))
    ends = torch.cat([prompt.expand(V, 3), torch.arange(V)[:, None]], 1)
    p = model.log_conditionals(ends)[:, 3].exp().detach()
    assert_mean_close(nn.functional.one_hot(x[:, 3], V).double(), p)


@pytest.mark.parametrize("cell", CELLS)
def test_greedy_samples_are_those_of_whole_prefixes(cell: str, seed: int) -> None:
    """The state that sampling carries is that of everything before, read exactly once."""
    model = RecurrentLanguageModel(40, embedding=6, hidden=9, layers=2, cell=cell)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    prompts = torch.randint(40, (5, 3), generator=seeded(seed))
    for prompt in [*prompts, prompts[0, :1], None]:
        x = model.sample(2, length=4, prompt=prompt, keep=lambda logits: top_k(logits, 1))
        assert torch.equal(x[0], x[1])
        for t in range(0 if prompt is None else len(prompt), x.shape[1]):
            logits, _ = model(torch.cat([torch.tensor([[40]]), x[:1, :t]], 1))
            assert int(x[0, t]) == int(logits[0, -1].argmax())


def test_it_learns_a_rule_that_needs_memory(seed: int) -> None:
    """Each symbol repeats the one three places before, with noise: the entropy is known."""
    g = seeded(seed)
    x = torch.randint(2, (3,), generator=g).tolist()
    flips = (torch.rand(6000, generator=g) < 0.1).long().tolist()
    for flip in flips:
        x.append(x[-3] ^ flip)
    codes = torch.tensor(x)
    model = RecurrentLanguageModel(2, embedding=4, hidden=16)
    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    streams = Streams(codes[:5000], batch_size=20, window=25, start=2)
    step = gradient_step(CarriedState(model), optimizer, max_norm=1.0)
    fit(step, streams, epochs=30, progress=False)
    entropy = 0.3251  # of one flip in ten, in nats
    nats = -model.log_conditionals(codes[None, 5000:]).mean().item()
    assert nats < entropy + 0.12  # five standard errors of the text, and what is not learnt yet


def test_dropout_is_on_in_training_only() -> None:
    model, x = make(dropout=0.5, layers=1), torch.randint(V, (2, 6))
    assert not torch.equal(model.loss(x)["loss"], model.loss(x)["loss"])
    assert not torch.equal(model(x)[1][0], model(x)[1][0])  # of the inputs, too
    torch.manual_seed(1)
    first = model(x)[1][0]
    torch.manual_seed(1)
    assert torch.equal(first, model(x)[1][0])  # the outputs' own comes after the state
    assert torch.equal(model.log_prob(x), model.log_prob(x))
    assert model.training


def test_the_forget_gate_starts_open() -> None:
    lstm = RecurrentLanguageModel(V, hidden=H, forget_bias=2.0).recurrent
    total = lstm.bias_ih_l0 + lstm.bias_hh_l0
    torch.testing.assert_close(total[H : 2 * H], torch.full((H,), 2.0))


def every_row(longest: int) -> list[list[int]]:
    return [list(x) for n in range(longest + 1) for x in itertools.product(range(V), repeat=n)]


@pytest.mark.parametrize("cell", CELLS)
def test_rows_of_all_lengths_sum_to_one(cell: str, device: torch.device) -> None:
    """Enumeration: all rows of up to four symbols, and all beginnings of five."""
    model = make(cell, end=True).to(device)
    p = model.log_prob(pad(every_row(4)).to(device)).exp().sum().item()
    beginnings = torch.tensor(list(itertools.product(range(V), repeat=5)), device=device)
    rest = model.log_conditionals(beginnings)[:, :5].sum(1).exp().sum().item()
    assert p < 1
    assert p + rest == pytest.approx(1.0)


def test_padding_changes_nothing_and_the_end_counts_as_a_symbol() -> None:
    model, rows = make(end=True), [[0, 2, 1], [1], []]
    together = model.log_prob(pad(rows))
    for row, log_p in zip(rows, together):
        whole, _ = model(torch.tensor([[V, *row]]))
        alone = whole[0].log_softmax(-1)[torch.arange(len(row) + 1), torch.tensor([*row, V])]
        torch.testing.assert_close(alone.sum(), log_p)
        torch.testing.assert_close(model.log_prob(torch.tensor([[*row, -1, -1]]))[0], log_p)
    assert (model.log_conditionals(pad(rows))[1, 2:] == 0).all()
    terms = model.loss(pad(rows))
    torch.testing.assert_close(terms["loss"], -together.mean())
    torch.testing.assert_close(terms["nats_per_symbol"], -together.sum().detach() / 7)
    terms["loss"].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_samples_stop_at_their_end_as_often_as_log_prob_says(seed: int) -> None:
    model = make("gru", end=True)
    drawn = model.sample(20_000, length=4, rng=seeded(seed))
    rows = every_row(3)
    p = model.log_prob(pad(rows)).exp().detach()
    wanted = torch.cat([pad(rows), torch.full((len(rows), 1), -1)], 1)
    shares = (drawn[:, None] == wanted).all(2).double()
    assert_mean_close(shares[:, p > 0.002], p[p > 0.002])
    prompted = model.sample(5, length=3, prompt=torch.tensor([2, 1]), rng=seeded(seed))
    assert prompted.shape == (5, 5)
    assert (prompted[:, :2] == torch.tensor([2, 1])).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_symbols_of_any_integer_type(dtype: torch.dtype) -> None:
    model, x = make(), torch.randint(V, (2, 6))
    torch.testing.assert_close(model.log_prob(x.to(dtype)), model.log_prob(x))
    assert model.loss(x.to(dtype))["loss"] == model.loss(x)["loss"]
    assert model.loss_and_state(x.to(dtype), x.to(dtype))[0] == model.loss_and_state(x, x)[0]
    prompt = x[0].to(dtype)
    drawn = [model.sample(2, length=3, prompt=part, rng=seeded(1)) for part in (prompt, x[0])]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("end", [False, True])
def test_no_value_is_read_on_an_accelerator(end: bool) -> None:
    """Tensors of the device `meta` have no values: reading one is an error."""
    model = make(end=end).to("meta")
    x = torch.zeros(2, 6, dtype=torch.int64, device="meta")
    model.loss(x)["loss"].backward()
    model.loss_and_state(x, x)[0].backward()
    assert model.sample(3, length=2).shape == (3, 2)


def some_words(seed: int) -> list[str]:
    """Different words of one to three syllables, in an order drawn at random."""
    syllables = [a + b for a in "bdklmnprst" for b in "aeiou"] + ["ing", "er", "est"]
    g = seeded(seed)
    sizes = torch.randint(1, 4, (900,), generator=g).tolist()
    places = [(torch.rand(n, generator=g) ** 2 * len(syllables)).long().tolist() for n in sizes]
    return list(dict.fromkeys("".join(syllables[i] for i in row) for row in places))


def test_words_as_rows_beat_words_in_a_stream(seed: int) -> None:
    """Separate words: what a stream never taught, their beginnings, costs it nats."""
    torch.set_default_dtype(torch.float32)
    words = split(some_words(seed), "words")
    size = len(words.alphabet)
    train, held_out = words.rows(words.train), words.rows(words.validation)
    lines = with_end(held_out, words.alphabet.index("\n"))
    lengths = (lines >= 0).sum(1).tolist()
    nats = {}
    for name, end in (("rows", True), ("stream", False)):
        torch.manual_seed(seed)
        model = RecurrentLanguageModel(size, embedding=16, hidden=32, end=end)
        optimizer = torch.optim.Adam(model.parameters(), 2e-2)
        if end:
            step = gradient_step(model, optimizer)
            for _ in range(150):
                step(train[torch.randint(len(train), (32,))])
            nats[name] = -model.log_prob(held_out).mean().item()
        else:
            codes = words.encode(words.train)
            step = gradient_step(CarriedState(model), optimizer)
            streams = Streams(codes, batch_size=8, window=24, start=size, rng=seeded(seed))
            batches = itertools.chain.from_iterable(itertools.repeat(streams))
            for batch in itertools.islice(batches, 150):
                step(*batch)
            total = [model.log_prob(row[None, :n]).item() for row, n in zip(lines, lengths)]
            nats[name] = -sum(total) / len(total)
    assert nats["rows"] < nats["stream"] - 0.3


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m, x: RecurrentLanguageModel(V, cell="ltsm"), ValueError, "cell must be one of"),
        (lambda m, x: m.log_prob(x + V), ValueError, r"x must lie in \[0, 2\], got .*: encode"),
        (lambda m, x: m.log_prob(-x - 1), ValueError, r"x must lie in \[0, 2\]"),
        (lambda m, x: m(x + V + 1), ValueError, r"x must lie in \[0, 3\]"),
        (lambda m, x: m.loss_and_state(x, x[:, :3]), ValueError, "tokens_out must have shape"),
        (lambda m, x: m.log_prob(x[0]), ValueError, r"x must have shape \(B, T\), got \(4,\)"),
        (lambda m, x: m.log_prob(x.double()), TypeError, "x must be an integer tensor"),
        (lambda m, x: m.sample(1, prompt=x[0, :0]), ValueError, "prompt must hold at least one"),
        (lambda m, x: m.sample(1, length=0), ValueError, "length must be an integer of at least 1"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[RecurrentLanguageModel, Tensor], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call(make(), torch.zeros(2, 4, dtype=torch.int64))
