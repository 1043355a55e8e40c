"""Models of the next symbol: normalised, sampled as they say, and the state is really carried."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from helpers.data.text import pad
from helpers.models import NextSymbolModel, RecurrentLanguageModel, TransformerLanguageModel
from helpers.random import seeded
from helpers.samplers import top_k
from tests.statistics import assert_mean_close

V = 3
RECURRENT = ("elman", "gru", "lstm")
NETWORKS = (*RECURRENT, "rotary", "learned", "recent")
EVERY = torch.tensor(list(itertools.product(range(V), repeat=4)))


def untrained(network: str = "lstm", symbols: int = V, **options: bool) -> NextSymbolModel:
    if network in RECURRENT:
        return RecurrentLanguageModel(
            symbols, embedding=4, hidden=5, layers=2, cell=network, **options
        )
    return TransformerLanguageModel(
        symbols,
        width=8,
        heads=2,
        layers=2,
        context=40 if network == "learned" else 0,
        recent=3 if network == "recent" else 1,
        **options,
    )


def make(network: str = "lstm", symbols: int = V, **options: bool) -> NextSymbolModel:
    """A model far from the uniform distribution of the start."""
    model = untrained(network, symbols, **options)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.8)
    return model


@pytest.mark.parametrize("network", NETWORKS)
def test_probabilities_of_all_sequences_sum_to_one(network: str, device: torch.device) -> None:
    model = make(network).to(device)
    log_p = model.log_prob(EVERY.to(device))
    assert log_p.shape == (81,)
    torch.testing.assert_close(log_p.detach().exp().sum().item(), 1.0)
    assert log_p.detach().std().item() > 0.3


@pytest.mark.parametrize("network", NETWORKS)
def test_log_prob_has_a_gradient_on_each_device(network: str, device: torch.device) -> None:
    model = make(network).to(device)
    x = torch.randint(V, (6, 7), device=device)
    found = torch.autograd.grad(-model.log_prob(x).sum(), list(model.parameters()))
    expected = torch.autograd.grad(6 * model.loss(x)["loss"], list(model.parameters()))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("network", NETWORKS)
def test_step_by_step_is_the_same_as_at_once(network: str) -> None:
    model, x = make(network), torch.randint(V, (6, 5))
    logits, after = model(x)
    state = None
    for t in range(5):
        one, state = model.step(x[:, t], state)
        torch.testing.assert_close(one, logits[:, t])
    for mine, other in zip(state, after, strict=True):
        assert len(mine) == 6
        torch.testing.assert_close(mine, other)
    order = torch.tensor([3, 0])  # batch first: rows may be picked
    picked = model.step(x[order, 0], tuple(part[order] for part in state))[0]
    torch.testing.assert_close(picked, model.step(x[:, 0], state)[0][order])


@pytest.mark.parametrize("network", ["gru", "rotary", "learned"])
def test_samples_occur_as_often_as_log_prob_says(network: str, seed: int) -> None:
    model = make(network)
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


@pytest.mark.parametrize("network", NETWORKS)
def test_greedy_samples_are_those_of_whole_prefixes(network: str, seed: int) -> None:
    """The state that sampling carries is that of everything before, read exactly once."""
    model = make(network, 40)
    prompts = torch.randint(40, (5, 3), generator=seeded(seed))
    for prompt in [*prompts, prompts[0, :1], None]:
        x = model.sample(2, length=4, prompt=prompt, keep=lambda logits: top_k(logits, 1))
        assert torch.equal(x[0], x[1])
        for t in range(0 if prompt is None else len(prompt), x.shape[1]):
            logits, _ = model(torch.cat([torch.tensor([[40]]), x[:1, :t]], 1))
            assert int(x[0, t]) == int(logits[0, -1].argmax())


def every_row(longest: int) -> list[list[int]]:
    return [list(x) for n in range(longest + 1) for x in itertools.product(range(V), repeat=n)]


@pytest.mark.parametrize("network", NETWORKS)
def test_rows_of_all_lengths_sum_to_one(network: str, device: torch.device) -> None:
    """Enumeration: all rows of up to four symbols, and all beginnings of five."""
    model = make(network, end=True).to(device)
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


@pytest.mark.parametrize("network", ["gru", "rotary", "learned"])
def test_samples_stop_at_their_end_as_often_as_log_prob_says(network: str, seed: int) -> None:
    model = make(network, end=True)
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
    prompt = x[0].to(dtype)
    drawn = [model.sample(2, length=3, prompt=part, rng=seeded(1)) for part in (prompt, x[0])]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("network", ["lstm", "rotary", "learned"])
@pytest.mark.parametrize("end", [False, True])
def test_no_value_is_read_on_an_accelerator(network: str, end: bool) -> None:
    """Tensors of the device `meta` have no values: reading one is an error."""
    model = make(network, end=end).to("meta")
    x = torch.zeros(2, 6, dtype=torch.int64, device="meta")
    model.loss(x)["loss"].backward()
    assert model.sample(3, length=2).shape == (3, 2)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m, x: m.log_prob(x + V), ValueError, r"x must lie in \[0, 2\], got .*: encode"),
        (lambda m, x: m.log_prob(-x - 1), ValueError, r"x must lie in \[0, 2\]"),
        (lambda m, x: m(x + V + 1), ValueError, r"x must lie in \[0, 3\]"),
        (lambda m, x: m.log_prob(x[0]), ValueError, r"x must have shape \(B, T\), got \(4,\)"),
        (lambda m, x: m.log_prob(x.double()), TypeError, "x must be an integer tensor"),
        (lambda m, x: m.sample(1, prompt=x[0, :0]), ValueError, "prompt must hold at least one"),
        (lambda m, x: m.sample(1, length=0), ValueError, "length must be an integer of at least 1"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[NextSymbolModel, Tensor], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call(make(), torch.zeros(2, 4, dtype=torch.int64))
