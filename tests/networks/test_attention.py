"""Attention is a weighted mean, and padding has no weight."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from helpers.networks import AdditiveAttention
from helpers.random import seeded
from tests.printed import tex


@pytest.mark.equation("eq-text-attention")
def test_attention_is_a_weighted_mean_by_loops(seed: int) -> None:
    """Plain Python loops over positions and units with math.exp and math.tanh."""
    attention = AdditiveAttention(3, 4, 5)
    for parameter in attention.parameters():
        nn.init.normal_(parameter)
    g = seeded(seed)
    q, h = torch.randn(2, 3, generator=g), torch.randn(2, 6, 4, generator=g)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    c, alpha = attention(q, h, attention.keys(h), mask)
    W, U = attention.from_query.weight.tolist(), attention.from_value.weight.tolist()
    v = attention.score.weight[0].tolist()
    for b, length in ((0, 6), (1, 4)):
        e = []
        for j in range(length):
            total = 0.0
            for unit in range(5):
                inside = sum(W[unit][k] * q[b, k].item() for k in range(3))
                inside += sum(U[unit][k] * h[b, j, k].item() for k in range(4))
                total += v[unit] * math.tanh(inside)
            e.append(total)
        weights = [math.exp(value) / sum(map(math.exp, e)) for value in e]
        assert alpha[b, :length].tolist() == pytest.approx(weights)
        assert (alpha[b, length:] == 0).all()
        mean = [sum(w * h[b, j, k].item() for j, w in enumerate(weights)) for k in range(4)]
        assert c[b].tolist() == pytest.approx(mean)
        known = {"W": torch.tensor(W), "U": torch.tensor(U), "v": torch.tensor(v), "s_t-1": q[b]}
        places = {"t": 1, "h": h[b, :length]}
        scores = [float(tex("eq-text-attention")(known | places, j=j + 1)) for j in range(length)]
        assert scores == pytest.approx(e)
        table = {"e": torch.tensor([scores]), "alpha": torch.tensor([weights])}
        places |= {"j'": range(1, length + 1)}
        for j in range(length):
            share = tex("eq-text-attention", statement=1)(table | places, j=j + 1)
            assert float(share) == pytest.approx(weights[j])
        context = tex("eq-text-attention", statement=2)(table | places, j=range(1, length + 1))
        torch.testing.assert_close(context, c[b].detach())
