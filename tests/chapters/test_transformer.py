"""The chapter's own lines: attention, heads, rotations, a block, their cost, the leak."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.record import RESULTS
from helpers.models import TransformerLanguageModel
from helpers.networks import RecentEmbedding, TransformerBlock, rotate
from helpers.random import seed_everything, seeded
from tests.chapters.cells import run_cells
from tests.printed import tex

PAGE = "models/transformer"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    known = {"torch": torch, "nn": nn, "F": F, "math": math, "itertools": itertools}
    known |= {"seeded": seeded, "seed_everything": seed_everything, "seed": 0}
    known |= {"TransformerLanguageModel": TransformerLanguageModel}
    return run_cells(PAGE, list(ids), **(known | names))


def listed(x: Tensor) -> dict[int, Tensor]:
    """Rows by their place, counted from 1."""
    return dict(enumerate(x, 1))


@pytest.mark.equation("eq-transformer-kernel")
def test_the_smoother(seed: int) -> None:
    """SciPy's normal density as the kernel; with keys of one length PyTorch's attention."""
    from scipy.stats import norm

    g = seeded(seed)
    q, k, v = torch.randn(3, generator=g), torch.randn(5, 3, generator=g), torch.randn(5, 2)
    for keys in (k, 1.7 * F.normalize(k, dim=1)):
        kernel = torch.tensor([norm.pdf(q - key).prod() for key in keys])
        expected = (kernel[:, None] * v).sum(0) / kernel.sum()
        found = tex("eq-transformer-kernel")(q=q, k=listed(keys), v=listed(v), s=range(1, 6))
        torch.testing.assert_close(found, expected)
    theirs = F.scaled_dot_product_attention(q[None], keys, v, scale=1.0)[0]
    torch.testing.assert_close(found, theirs)


@pytest.mark.equation("eq-transformer-attention")
def test_attention_is_that_of_torch(seed: int) -> None:
    """PyTorch's compiled attention with a causal mask."""
    q, k, v = torch.randn(3, 6, 4, generator=seeded(seed)).unbind()
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    ours, weights = lesson("attend")["attend"](q, k, v)
    torch.testing.assert_close(ours, expected)
    known = {"q": listed(q), "k": listed(k), "d": torch.tensor(4.0)}
    printed, mean = tex("eq-transformer-attention"), tex("eq-transformer-attention", statement=1)
    for t in range(1, 7):
        row = [printed(known, t=t, s=s) for s in range(1, t + 1)]
        torch.testing.assert_close(torch.stack(row), weights[t - 1, :t])
        a = {(t, s): weight for s, weight in enumerate(row, 1)}
        found = mean(a=a, v=listed(v), t=t)
        torch.testing.assert_close(found, expected[t - 1])


@pytest.mark.equation("eq-transformer-scale")
def test_the_variance_of_a_score() -> None:
    """Enumeration of all vectors whose coordinates are two values of mean 0."""
    for d in (2, 3):
        spread = (1.5, 0.7)  # standard deviations of q and k
        signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=d)))
        scores = (spread[0] * signs) @ (spread[1] * signs).T
        places = range(1, d + 1)
        found = tex("eq-transformer-scale", side=1)(
            {"q": dict.fromkeys(places, spread[0]), "k": dict.fromkeys(places, spread[1])},
            E=lambda x: x,
            d=d,
        )
        assert float(found) == pytest.approx(scores.var(correction=0).item())
        assert float(tex("eq-transformer-scale")(d=d)) == pytest.approx(
            (signs @ signs.T).var(correction=0).item()
        )


@pytest.mark.equation("eq-transformer-heads")
def test_heads_are_those_of_torch(seed: int) -> None:
    """PyTorch's MultiheadAttention; the printed sum takes its matrices apart."""
    torch.manual_seed(seed)
    D, H, T = 6, 2, 4
    theirs = nn.MultiheadAttention(D, H, bias=False, batch_first=True)
    x = torch.randn(T, D)
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    expected, weights = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    W, out = theirs.in_proj_weight, theirs.out_proj.weight
    ours, looked = lesson("attend", "heads-define")["self_attention"](x, W, out, H)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(looked, weights)
    d = D // H
    parts = {h: out[:, (h - 1) * d : h * d] for h in (1, 2)}
    values = {h: W[2 * D + (h - 1) * d : 2 * D + h * d] for h in (1, 2)}
    printed = tex("eq-transformer-heads")
    for t in range(1, T + 1):
        a = {(h, t, s + 1): weights[h - 1, t - 1, s] for h in (1, 2) for s in range(t)}
        found = printed({"O": parts, "V": values, "x": listed(x), "a": a}, H=H, t=t)
        torch.testing.assert_close(found, expected[t - 1])


@pytest.mark.equation("eq-transformer-rotary")
def test_rotations_leave_the_distance(seed: int) -> None:
    """Products of complex numbers; the page's function and the package's."""
    turn = lesson("rotary")["rotate"]
    q, k = torch.randn(2, 6, generator=seeded(seed)).unbind()

    def matrix(t: float) -> Tensor:
        return torch.stack([turn(row, t) for row in torch.eye(6)], 1)

    for t, s in ((3, 1), (2, 7)):
        R = {"R_t": matrix(t), "R_s": matrix(s), "R_s-t": matrix(s - t)}
        left = tex("eq-transformer-rotary", side=0)(R, q=q, k=k)
        right = tex("eq-transformer-rotary")(R, q=q, k=k)
        theta = 10_000.0 ** (-torch.arange(0, 6, 2) / 6)
        numbers = [torch.view_as_complex(x.view(3, 2)) for x in (q, k)]
        phase = torch.polar(torch.ones(3).double(), (s - t) * theta.double())
        exact = (numbers[0].conj() * numbers[1] * phase).sum().real
        torch.testing.assert_close(left, exact)
        torch.testing.assert_close(right, exact)
        torch.testing.assert_close(turn(q, t), rotate(q[None], t)[0])


@pytest.mark.equation("eq-transformer-block")
def test_a_block_is_that_of_torch(seed: int) -> None:
    """PyTorch's encoder layer with the norms first; the printed sums with its parts."""
    torch.manual_seed(seed)
    own, x = TransformerBlock(6, 2, rotary=False), torch.randn(1, 5, 6)
    cells = lesson("attend", "heads-define", "block-code")
    parts = own.attention.to_qkv.weight, own.attention.output.weight
    norms = own.norm_attention, own.norm_dense
    by_hand = cells["block"](x[0], *parts, 2, norms, own.dense)
    torch.testing.assert_close(by_hand, own(x)[0][0])
    attention = own.attention(norms[0](x))[0][0]
    for t in range(1, 6):
        h = tex("eq-transformer-block")(
            {"A_t": lambda _, t=t: attention[t - 1], "N": lambda y: y, "x": x[0]}
            | {"x_t": x[0, t - 1]}
        )
        y = tex("eq-transformer-block", statement=1)({"h_t": h, "M": own.dense, "N": norms[1]})
        torch.testing.assert_close(y, by_hand[t - 1])


@pytest.mark.equation("eq-transformer-cost")
def test_weights_and_operations_are_counted_right() -> None:
    """PyTorch's own counts."""
    for L, D, T in ((1, 8, 3), (2, 12, 7)):
        blocks = nn.ModuleList(TransformerBlock(D, 2) for _ in range(L))
        h = torch.randn(1, T, D)
        with FlopCounterMode(display=False) as counter:
            for block in blocks:
                h = block(h)[0]
        weights = sum(parameter.numel() for parameter in blocks.parameters())
        assert float(tex("eq-transformer-cost")(L=L, D=D)) == weights
        operations = tex("eq-transformer-cost", statement=1)(L=L, D=D, T=T)
        assert float(operations) * T == counter.get_total_flops()


@pytest.mark.equation("eq-transformer-recent")
def test_the_entrance_sums_recent_symbols(seed: int) -> None:
    """The package's embedding, table by table."""
    torch.manual_seed(seed)
    entrance, x = RecentEmbedding(5, 3, 4), torch.randint(5, (1, 9))
    vectors = entrance(x)[0]
    tables = {
        k: lambda code, table=table: table.weight[int(code)]
        for k, table in enumerate(entrance.tables)
    }
    symbols = dict(enumerate(x[0].tolist(), 1))
    for t in range(4, 10):
        found = tex("eq-transformer-recent")(E=tables, x=symbols, n=4, t=t)
        torch.testing.assert_close(found, vectors[t - 1])


@pytest.mark.equation("eq-transformer-cache")
def test_places_that_pass(seed: int) -> None:
    """A count of the places that the first norm sees while the page's loop writes."""
    model = TransformerLanguageModel(4, width=8, heads=2, layers=1).eval()
    passed = []
    model.transformer.blocks[0].norm_dense.register_forward_hook(
        lambda module, given, out: passed.append(out.shape[1])
    )
    write = lesson("cache-write")["write"]
    found = {}
    for cached, label in ((False, 0), (True, 1)):
        passed.clear()
        found[cached] = write(model, 7, cached)
        sides = [tex("eq-transformer-cache", statement=label, side=k)(T=7) for k in (0, 1)]
        assert [float(side) for side in sides] == [sum(passed)] * 2
    torch.testing.assert_close(found[False][1], found[True][1])
    assert torch.equal(found[False][0], found[True][0])


def test_recorded_runs_are_those_of_the_files() -> None:
    """The rows of the table against the committed results."""
    shown: list[Any] = []
    lesson("recorded", plotting=SimpleNamespace(table=lambda rows, *_, **__: shown.extend(rows)))
    kept = json.loads((RESULTS / "ladder_transformer.json").read_text(encoding="utf-8"))["rows"]
    nats = {row["data"]: row["test"] for row in kept}
    mean, error = shown[0][2]
    assert mean == pytest.approx(statistics.mean(nats["digits"]), abs=0.006)
    exact = statistics.stdev(nats["digits"]) / math.sqrt(len(nats["digits"]))
    assert error == pytest.approx(exact, abs=0.006)
    record = json.loads((RESULTS / "character_model.json").read_text(encoding="utf-8"))["figures"]
    runs = [run for run in record["runs"] if run["text"] == "shakespeare"]
    floor = min(v for k, v in record["floors"]["shakespeare"].items() if k.startswith("order"))
    (half,) = (at["validation"] for at in runs[0]["curve"] if at["cpu_seconds"] == 180.0)
    expected = [floor, *nats["text"], half, *(run["validation"] for run in runs)]
    assert [row[2] for row in shown[1:]] == pytest.approx(expected, abs=0.0006)
