"""The checkerboard's cells; what all densities share is tested in `test_mixtures`."""

import math

import pytest
import torch

from helpers.data.toy import Checkerboard


def test_checkerboard_cells():
    board = Checkerboard(side=4, width=8.0)
    centres = torch.arange(-3.0, 4.0, 2.0)
    log_p = board.log_prob(torch.cartesian_prod(centres, centres)).reshape(4, 4)
    dark = (torch.arange(4)[:, None] + torch.arange(4)) % 2 == 0
    assert torch.equal(log_p, torch.where(dark, -math.log(32), -math.inf))
    outside = torch.tensor([[4.1, 3.0], [-4.1, 0.0], [0.0, 40.0], [3.0, -4.1]])
    assert torch.equal(board.log_prob(outside), torch.full((4,), -math.inf))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("u", [0.0, None])
def test_rounding_never_moves_a_draw_off_its_cell(monkeypatch, dtype, u):
    torch.set_default_dtype(dtype)  # restored by the fixture of all tests
    extreme = 1 - torch.finfo(dtype).eps / 2 if u is None else u
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.full(size, extreme))
    for side, width in ((4, 4.0), (3, 1.7), (8, 0.3)):
        board = Checkerboard(side, width)
        assert board.log_prob(board.sample(500)).isfinite().all()
