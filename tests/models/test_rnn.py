"""The recurrent language model: equal to our cells in a loop."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from helpers.data.text import Streams, split, with_end
from helpers.models.rnn import RecurrentLanguageModel
from helpers.networks import ElmanCell, GRUCell, LSTMCell
from helpers.random import seeded
from helpers.training import CarriedState, fit, gradient_step

V, E, H = 3, 4, 5
CELLS = {"elman": ElmanCell, "gru": GRUCell, "lstm": LSTMCell}


def make(cell: str = "lstm", **options: object) -> RecurrentLanguageModel:
    """A model far from the uniform distribution of the start."""
    settings = {"embedding": E, "hidden": H, "layers": 2} | options
    model = RecurrentLanguageModel(V, cell=cell, **settings)  # type: ignore[arg-type]
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.8)
    return model


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


def test_an_unknown_cell_is_named() -> None:
    with pytest.raises(ValueError, match=r"cell must be one of .*did you mean 'lstm'"):
        RecurrentLanguageModel(V, cell="ltsm")


def test_windows_are_checked() -> None:
    model, x = make(), torch.randint(V, (2, 4))
    with pytest.raises(ValueError, match="tokens_out must have shape"):
        model.loss_and_state(x, x[:, :3])
    assert model.loss_and_state(x.int(), x.int())[0] == model.loss_and_state(x, x)[0]
    meta = x.to("meta")
    make().to("meta").loss_and_state(meta, meta)[0].backward()  # no value is read
