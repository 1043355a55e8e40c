"""Attention is a weighted mean, and padding has no weight."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from helpers.networks import AdditiveAttention
from helpers.random import seeded


@pytest.mark.equation("eq-text-attention", frozen="7374814a")
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
