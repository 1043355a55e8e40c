"""The chapter's own lines: filters, byte pairs, segmentations, attention, whose beginning it is."""

from __future__ import annotations

import collections
import itertools
import math
import random
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.data import text
from helpers.data.text import BytePairs, number_words, pad
from helpers.models import RecurrentLanguageModel, SequenceToSequence
from helpers.networks import AdditiveAttention
from helpers.random import seed_everything, seeded
from helpers.samplers import top_k
from tests.chapters.cells import run_cells
from tests.printed import tex

PAGE = "applications/text"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    known = {"torch": torch, "F": F, "math": math, "itertools": itertools, "random": random}
    known |= {"collections": collections, "top_k": top_k, "text": text, "pad": pad}
    known |= {"BytePairs": BytePairs, "number_words": number_words, "seed": 0}
    known |= {"RecurrentLanguageModel": RecurrentLanguageModel, "seeded": seeded}
    known |= {"seed_everything": seed_everything, "table": lambda *_, **__: None}
    return run_cells(PAGE, list(ids), **(known | names))


def random_distribution(seed: int, size: int) -> Tensor:
    return torch.randn(size, generator=seeded(seed)).mul(1.5).softmax(0)


@pytest.mark.equation("eq-text-filters")
def test_the_filters_by_lists_of_subsets(seed: int) -> None:
    """Powers of each probability by hand, and the best subset among all subsets."""
    filtered = lesson("filters-define")["filtered"]
    p = random_distribution(seed, 5)
    before = p.clone()
    for tau in (0.3, 1.0, 3.0):
        powers = [value ** (1 / tau) for value in p.tolist()]
        expected = [value / sum(powers) for value in powers]
        assert filtered(p, tau=tau).tolist() == pytest.approx(expected)
        for v in range(5):
            names = {"p": lambda v: p[v], "w": range(5), "v": v, "tau": tau}
            assert float(tex("eq-text-filters")(names)) == pytest.approx(expected[v])
    subsets = [s for n in range(1, 6) for s in itertools.combinations(range(5), n)]

    def held(s: tuple[int, ...]) -> float:
        return sum(p[v].item() for v in s)

    def only(s: tuple[int, ...]) -> list[float]:
        return [p[v].item() / held(s) if v in s else 0.0 for v in range(5)]

    for k in range(1, 6):
        best = max((s for s in subsets if len(s) == k), key=held)
        assert filtered(p, k=k).tolist() == pytest.approx(only(best))
        mass_of = tex("eq-text-filters", statement=2)({"p": lambda v: p[v], "w": range(5)}, S=best)
        assert float(mass_of) == pytest.approx(held(best))

        def both(v: Any, best: tuple[int, ...] = best) -> Any:
            return held(best) if v == best else p[v]

        for v in range(5):
            printed = tex("eq-text-filters", statement=1)(p=both, v=v, S=best)
            assert float(printed) == pytest.approx(only(best)[v])
    for mass in (0.1, 0.5, 0.9):
        enough = [s for s in subsets if held(s) >= mass]
        size = min(map(len, enough))
        best = max((s for s in enough if len(s) == size), key=held)
        assert filtered(p, mass=mass).tolist() == pytest.approx(only(best))
    assert torch.equal(p, before)


@pytest.mark.equation("eq-text-truncation")
def test_the_price_of_a_truncation(seed: int) -> None:
    """Kullback-Leibler divergences of torch.distributions in both directions."""
    filtered = lesson("filters-define")["filtered"]
    p = random_distribution(seed, 6)
    for options in ({"k": 2}, {"mass": 0.7}, {"k": 6}):
        q = filtered(p, **options)
        there = torch.distributions.Categorical(q, validate_args=False)
        truth = torch.distributions.Categorical(p)
        price = -p[q > 0].sum().log()
        terms = torch.where(q > 0, q * (q.log() - p.log()), 0.0).sum()
        torch.testing.assert_close(terms, price)
        printed = tex("eq-text-truncation")(p=lambda s, p=p: p[s].sum(), S=q > 0)
        torch.testing.assert_close(printed, price)
        back = float(torch.where(q > 0, p * (p.log() - q.log()), torch.inf).sum())
        assert math.isinf(back) == bool((q == 0).any())
        if not math.isinf(back):
            divergence = torch.distributions.kl_divergence(there, truth)
            torch.testing.assert_close(divergence, price, atol=1e-12, rtol=0)


def test_the_mode_is_not_typical(capsys: pytest.CaptureFixture[str]) -> None:
    cells = lesson("mode-code")
    p = torch.distributions.Binomial(100, torch.tensor(0.6)).log_prob(torch.arange(101.0)).exp()
    assert cells["many"] == pytest.approx(p[95:].sum().item())
    assert cells["best"] == pytest.approx(100 * math.log(0.6))
    assert "7.0e-16" in capsys.readouterr().out


def test_the_merges_of_the_page_are_those_of_helpers() -> None:
    learn = lesson("bpe-merge", "bpe-learn")["learn"]
    words = ["the", "cat", "and", "the", "dog", "and", "the", "catfish", "sat", "on", "the"]
    words += ["mat", "and", "the", "other", "mat"]
    learnt, split = learn(collections.Counter(f" {word}" for word in words), 6)
    assert {"".join(word) for word in split} == {f" {word}" for word in words}
    for piece in learnt:
        assert sum(piece in f" {word}" for word in words) >= 2
    merge = lesson("bpe-merge")["merge"]
    assert merge(list("aaaa"), ("a", "a")) == ["aa", "aa"]
    assert merge(list("aaa"), ("a", "a")) == ["aa", "a"]
    assert merge(["ab", "a", "b", "c"], ("a", "b")) == ["ab", "ab", "c"]


@pytest.mark.equation("eq-text-segmentations")
def test_the_sum_over_segmentations_by_listing_them(seed: int) -> None:
    """All ways to cut a word listed; and the probabilities of all words of a length."""
    total = lesson("total-code")["total"]
    pieces = ["a", "b", "ab", "ba", "aab"]
    p = dict(zip(pieces, random_distribution(seed, 5).tolist()))
    for word in ("a", "ab", "aabab", "bbaaba"):
        ways = []
        for cuts in itertools.product((False, True), repeat=len(word) - 1):
            parts, begin = [], 0
            for place, cut in enumerate(cuts, start=1):
                if cut:
                    parts.append(word[begin:place])
                    begin = place
            parts.append(word[begin:])
            ways.append(math.prod(p.get(part, 0.0) for part in parts))
        assert total(word, p) == pytest.approx(sum(ways))
        assert total(word, p) >= max(ways)
        cuts = [
            tuple(parts)
            for size in range(1, len(word) + 1)
            for parts in itertools.product(pieces, repeat=size)
            if len("".join(parts)) <= len(word) + 1
        ]

        def weight(cut: tuple[str, ...]) -> float:
            return math.prod(p[part] for part in cut)

        names = {"w": cuts, "text": "".join, "x": word, "p": weight}
        assert total(word, p) == pytest.approx(tex("eq-text-segmentations", side=1)(names))
        best = max((cut for cut in cuts if "".join(cut) == word), key=weight)
        least = tex("eq-text-segmentations")({"w^*": best}, p=weight)
        assert least == pytest.approx(max(ways))


def writers(train: str, valid: str) -> dict[str, Any]:
    """The chapter's functions for a small text of its own, with 258 tokens."""
    pydoc = text.TextSplits(train, valid, "".join(sorted(set(train + valid))), "toy")
    pieces = BytePairs.learn(train, vocabulary=258)
    parts = {"train": train, "valid": valid, "test": valid}
    coded = {
        "characters": {name: pydoc.encode(part) for name, part in parts.items()},
        "byte pairs": {name: torch.tensor(pieces.encode(part)) for name, part in parts.items()},
    }
    names = {"coded": coded, "device": "cpu", "pydoc": pydoc, "pieces": pieces, "parts": parts}
    return lesson("train-text-code", "nats-code", "updater-code", "train-loop", time=time, **names)


@pytest.mark.equation("eq-text-per-character")
@pytest.mark.parametrize("name", ["characters", "byte pairs"])
def test_nats_per_character_of_symbols_of_any_size(name: str) -> None:
    """Log-probabilities taken symbol by symbol from the model's own step, over characters."""
    torch.set_default_dtype(torch.float32)
    cells = writers("abab cab" * 60, "abcab ab cab")
    model = cells["new_writer"](name)
    tokens = cells["coded"][name]["valid"].tolist()
    state, before, p = None, model.start, []
    with torch.no_grad():
        for token in tokens:
            logits, state = model.step(torch.tensor([before]), state)
            p.append(logits[0].softmax(-1)[token].item())
            before = token
    found = cells["nats_per_character"](model, name, "valid")
    names = {"C": 12, "N": len(tokens), "w_<i": ..., "w": range(1, len(tokens) + 1)}
    each = {"p": lambda i, _: p[i - 1]}
    printed = tex("eq-text-per-character", side=1)({**names, **each})
    assert found == pytest.approx(float(printed), rel=1e-4)
    per_token = -sum(map(math.log, p)) / len(p)
    printed = tex("eq-text-per-character")({**names, "L_token": per_token})
    assert found == pytest.approx(float(printed), rel=1e-4)


def test_the_writers_curve_is_its_validation_loss() -> None:
    torch.set_default_dtype(torch.float32)
    cells = writers("abab cab" * 60, "abcab ab")
    model, seconds, curve = cells["train_writer"]("byte pairs", 6, 5, 1e-2, looks=5)
    assert len(curve) == 5
    assert curve[-1][0] == pytest.approx(seconds)
    last = cells["nats_per_character"](model, "byte pairs", "valid")
    assert curve[-1][1] == pytest.approx(last, rel=1e-5)


def test_judging_tells_the_real_text_from_a_circle() -> None:
    torch.set_default_dtype(torch.float32)
    seed_everything(0)
    writer = RecurrentLanguageModel(5, embedding=4, hidden=6)
    valid = torch.randint(5, (400,), generator=seeded(1))
    pieces = SimpleNamespace(decode=lambda row: "".join("abcde"[i] for i in row))
    names = {"writer": writer, "coded": {"byte pairs": {"test": valid}}, "device": "cpu"}
    names |= {"texts": 32, "length": 100, "pieces": pieces}
    cells = lesson("decode-places", "decode-code", **names)
    prompt, length, real = cells["prompt"], cells["length"], cells["real"]
    found = cells["judge"](real[:, prompt:])
    expected = -writer.log_conditionals(real)[:, prompt:].sum().item() / real[:, prompt:].numel()
    assert found[0] == pytest.approx(expected, rel=1e-5)
    assert found[3][0] == pieces.decode(real[0, prompt:].tolist())
    circle = torch.arange(length).remainder(3).expand(len(real), -1)
    assert cells["judge"](circle)[2] > 0.9 > found[2] + 0.2
    greedy = cells["go_on"](lambda z: top_k(z, 1))
    logits, _ = writer(torch.cat([cells["begin"], greedy[:, :-1]], 1))
    assert torch.equal(logits[:, prompt:].argmax(-1), greedy)


def test_attention_of_the_page_with_other_sizes(seed: int) -> None:
    attention = lesson("attention-define")["attention"]
    layer = AdditiveAttention(5, 2, 7)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    s, h = torch.randn(3, 5), torch.randn(3, 4, 2)
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]).bool()
    weights = layer.from_query.weight, layer.from_value.weight, layer.score.weight[0]
    found = attention(s, h, mask, *weights)
    torch.testing.assert_close(found, layer(s, h, layer.keys(h), mask))
    torch.testing.assert_close(found[0][1], h[1, 0])


@pytest.mark.equation("eq-text-prefixes", frozen="18ade043")
def test_whose_beginning_it_is(seed: int) -> None:
    """Divergences of the two tables of all sequences, from probabilities drawn at random."""
    cells = lesson("exposure-code")
    names = {name: cells[name] for name in ("kl", "rows")}
    tables = [torch.randn(*[3] * 8, 3, generator=seeded(seed + k)).softmax(-1) for k in range(2)]

    def follows(table: Tensor) -> Any:
        return lambda x: table[(*x, *[0] * (8 - len(x)))]

    found = lesson(
        "exposure-loop", truth_next=follows(tables[0]), model_next=follows(tables[1]), **names
    )
    p, q = torch.tensor(list(found["beginnings"].values())).T
    assert len(p) == 3**8
    assert p.sum().item() == pytest.approx(1.0)
    assert sum(found["forced_loss"]) == pytest.approx(F.kl_div(q.log(), p, reduction="sum").item())
    assert sum(found["own_kl"]) == pytest.approx(F.kl_div(p.log(), q, reduction="sum").item())


def test_on_own_beginnings_the_toy_gets_worse() -> None:
    cells = lesson("exposure-code", "exposure-model", "exposure-loop")
    own, forced = cells["own_kl"], cells["forced_kl"]
    assert own[0] == pytest.approx(forced[0])
    assert all(a < b for a, b in itertools.pairwise(own))
    assert own[-1] > 5 * forced[-1]
    for row in cells["rows"](0.02).tolist():
        assert sorted(row) == pytest.approx([0.02, 0.02, 0.96])


@pytest.mark.equation("eq-text-exact", frozen="bc1b8989")
@pytest.mark.parametrize("attention", [True, False])
def test_flawless_answers_do_not_depend_on_what_is_read(attention: bool, seed: int) -> None:
    """Greedy decoding symbol by symbol against the best choices under teacher forcing."""
    cells = lesson("answer", "exposure-measure")
    model = SequenceToSequence(4, 2, embedding=3, hidden=5, attention=attention)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=1.2)
    source = torch.randint(4, (300, 3), generator=seeded(seed))
    for size in (1, 2):
        for y in itertools.product(range(2), repeat=size):
            target = torch.tensor(y).expand(300, -1)
            forced, own, flawless, fits = cells["choices"](model, source, target, length=5)
            assert torch.equal(flawless, fits)
            found = cells["answer"](model, source, length=5)
            for row in range(300):
                said = [v for v in found[row].tolist() if v >= 0]
                assert bool(fits[row]) == (said == list(y))
            assert torch.equal(forced[:, 0], own[:, 0])  # nothing has been read yet


def test_exact_matches_want_the_end_too() -> None:
    exact = lesson("answer")["exact"]
    found = torch.tensor([[1, 2, -1, -1], [1, 2, 3, -1], [1, -1, -1, -1], [1, 2, -1, -1]])
    target = torch.tensor([[1, 2], [1, 2], [1, 2], [1, 2]])
    assert exact(found, target) == 0.5
    assert exact(found[:3], torch.tensor([[1, 2], [1, 2], [1, -1]])) == pytest.approx(2 / 3)


def test_lists_of_the_laboratory_have_every_length() -> None:
    lists = lesson("lab-code")["lists"]
    x = lists(400, 2, 5, seeded(0))
    sizes = (x >= 0).sum(1)
    assert set(sizes.tolist()) == {2, 3, 4, 5}
    assert ((x >= 0) == (torch.arange(5) < sizes[:, None])).all()
    assert set(x[x >= 0].tolist()) == set(range(10))


@pytest.mark.parametrize("number", range(1, 6))
def test_solutions_print_what_the_text_says(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        1: "temperature   0.05: entropy 0.0000",
        2: "k =  9: 0.0925 nats",
        3: "those of the cell: 6",
        4: "equal: True",
        5: "epsilon 0.5: best q(x2 = x1 | x1) 0.750",
    }
    names = lesson(
        "filters-define", "filters-toy", "total-code", "segmentations", "attention-layer"
    )
    known = {key: names[key] for key in ("filtered", "zipf", "total", "p_tokens", "mask")}
    lesson(f"solution-{number}", **known)
    assert expected[number] in capsys.readouterr().out


def test_a_misspelt_phrase_differs_in_two_neighbours() -> None:
    cells = {"pairs": SimpleNamespace(test=[])}
    source = "def misspelt"
    import nbformat

    from tests.chapters.cells import BOOK

    notebook = nbformat.read(BOOK / f"{PAGE}.ipynb", as_version=4)
    code = next(cell.source for cell in notebook.cells if cell.id == "solution-7")
    assert source in code
    exec(code[: code.index("rng = random")], cells)
    rng = random.Random(0)
    for phrase, _ in number_words.load(20, 1).train:
        wrong = cells["misspelt"](phrase, rng)  # type: ignore[operator]
        assert sorted(wrong) == sorted(phrase)
        assert sum(a != b for a, b in zip(wrong, phrase)) == 2
