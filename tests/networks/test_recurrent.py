"""Recurrent cells against those of PyTorch, with copied weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from helpers.networks import ElmanCell, GRUCell, LSTMCell, set_forget_bias

B, D, H = 3, 4, 5
PAIRS = [(ElmanCell, nn.RNNCell), (GRUCell, nn.GRUCell), (LSTMCell, nn.LSTMCell)]


def draw_state(cell: type, device: torch.device) -> Any:
    h, c = torch.randn(2, B, H, device=device)
    return (h, c) if cell is LSTMCell else h


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_values_and_gradients_are_those_of_torch(
    ours: type, theirs: type, device: torch.device
) -> None:
    a, b = ours(D, H).to(device), theirs(D, H).to(device)
    for parameter in b.parameters():
        nn.init.normal_(parameter)  # away from the small weights of the start
    a.load_state_dict(b.state_dict())
    x, weight = torch.randn(B, D, device=device), torch.randn(B, H, device=device)
    state = draw_state(ours, device)
    results = []
    for cell in (a, b):
        inputs = x.clone().requires_grad_()
        first = cell(inputs, state)
        second = cell(inputs, first)  # two steps, so that the gradient passes through the state
        outputs = second if isinstance(second, tuple) else (second,)
        loss = sum((weight * part).sum() for part in outputs)
        gradients = torch.autograd.grad(
            loss, [inputs, *dict(sorted(cell.named_parameters())).values()]
        )
        results.append([*outputs, *gradients])
    for mine, other in zip(*results):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_no_state_is_the_zero_state(ours: type, theirs: type) -> None:
    a, b = ours(D, H), theirs(D, H)
    b.load_state_dict(a.state_dict())
    x = torch.randn(B, D)
    torch.testing.assert_close(a(x), b(x))
    assert max(float(p.detach().abs().max()) for p in a.parameters()) <= H**-0.5


def test_the_forget_bias_reaches_the_forget_gate_only() -> None:
    torch.manual_seed(1)
    plain = LSTMCell(D, H)
    torch.manual_seed(1)
    cell = LSTMCell(D, H, forget_bias=1.5)
    total = cell.bias_ih + cell.bias_hh
    forget = torch.arange(4 * H) // H == 1
    torch.testing.assert_close(total[forget], torch.full((H,), 1.5))
    torch.testing.assert_close(total[~forget], (plain.bias_ih + plain.bias_hh)[~forget])
    layers = nn.LSTM(D, H, num_layers=2)
    set_forget_bias(layers, 2.0)
    for k in range(2):
        bias = getattr(layers, f"bias_ih_l{k}") + getattr(layers, f"bias_hh_l{k}")
        torch.testing.assert_close(bias[forget], torch.full((H,), 2.0))


def test_a_wide_open_forget_gate_keeps_the_cell() -> None:
    cell = LSTMCell(D, H, forget_bias=50.0)
    with torch.no_grad():
        cell.weight_ih.zero_()
        cell.weight_hh.zero_()
        cell.bias_ih[:H] = -50.0  # input gate closed
        cell.bias_hh[:H] = 0.0
    c = torch.randn(B, H)
    state = torch.zeros(B, H), c
    for _ in range(20):
        state = cell(torch.randn(B, D), state)
    torch.testing.assert_close(state[1], c)
