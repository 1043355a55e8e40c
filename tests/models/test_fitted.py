"""Tables of any size survive a checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.models.fitted import Fitted


class Table(Fitted):
    def __init__(self) -> None:
        super().__init__()
        self.numbers: Tensor
        self.register_buffer("numbers", torch.zeros(0, dtype=torch.float32))
        self.weight = nn.Parameter(torch.zeros(2))


def test_a_fresh_model_takes_the_saved_shapes_and_keeps_its_type() -> None:
    fitted = nn.Sequential(Table(), nn.Linear(2, 3))
    fitted[0].numbers = torch.randn(4, 5)
    fresh = nn.Sequential(Table(), nn.Linear(2, 3))
    fresh.load_state_dict(fitted.state_dict())
    torch.testing.assert_close(fresh[0].numbers, fitted[0].numbers.float())
    assert fresh[0].numbers.dtype == torch.float32
    assert "numbers" in dict(fresh[0].named_buffers())
