"""The soft window against explicit loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from helpers.networks import SoftWindow
from helpers.random import seeded

B, H, J, U, V = 4, 5, 2, 3, 7


@pytest.mark.equation("eq-handwriting-window")
def test_the_window_is_the_formula_in_loops(seed: int) -> None:
    """Explicit loops over texts, letters and bumps."""
    window, g = SoftWindow(H, J, letter_steps=3.0), seeded(seed)
    nn.init.normal_(window.steer.weight)
    h, kappa = torch.randn(B, H, generator=g), torch.rand(B, J, generator=g)
    codes = torch.randint(V, (B, U), generator=g)
    letters = nn.functional.one_hot(codes, V).double()
    letters[1, 2] = 0  # a shorter text
    w, phi, after = window(h, kappa, letters)
    raw = (h @ window.steer.weight.T + window.steer.bias).detach()
    for b in range(B):
        seen = [0.0] * V
        for u in range(U):
            weight = 0.0
            for j in range(J):
                alpha, beta, move = (math.exp(raw[b, i * J + j]) for i in range(3))
                centre = kappa[b, j].item() + move
                assert after[b, j].item() == pytest.approx(centre)
                weight += alpha * math.exp(-beta * (centre - u) ** 2)
            assert phi[b, u].item() == pytest.approx(weight)
            if letters[b, u].any():
                seen[int(codes[b, u])] += weight
        assert w[b].tolist() == pytest.approx(seen)


def test_the_window_starts_at_the_speed_of_the_pen() -> None:
    window, kappa = SoftWindow(H, J, letter_steps=8.0), torch.zeros(1, J)
    for _ in range(8):
        _, _, kappa = window(torch.zeros(1, H), kappa, torch.eye(V)[None])
    torch.testing.assert_close(kappa, torch.ones(1, J))
