"""A carried state: values pass from window to window, gradients do not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.training import CarriedState

START = 9


class Sum(nn.Module):
    """The state is the sum of what a row has read; the loss is its mean."""

    start = START

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def loss_and_state(
        self, tokens_in: Tensor, tokens_out: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        read = self.scale * (tokens_in * (tokens_in != START)).sum(1, keepdim=True)
        total = read if state is None else read + state[0]
        return total.mean(), (total,)


def test_the_state_is_carried_and_the_gradient_is_not() -> None:
    carried = CarriedState(Sum())
    rows = torch.tensor([[START, 1], [START, 2]])
    carried.loss(rows, rows)
    loss = carried.loss(torch.tensor([[3, 4], [5, 6]]), rows)["loss"]
    assert loss.item() == 2 * (1 + 3 + 4 + 2 + 5 + 6) / 2
    loss.backward()
    assert carried.model.scale.grad == (3 + 4 + 5 + 6) / 2  # the second window's own
    assert not carried.state[0].requires_grad


def test_rows_at_the_start_begin_in_the_zero_state() -> None:
    carried = CarriedState(Sum())
    rows = torch.tensor([[START, 1], [START, 2]])
    for _ in range(2):
        assert carried.loss(rows, rows)["loss"].item() == 3
    one = torch.tensor([[START, 5], [4, 4]])
    assert carried.loss(one, one)["loss"].item() == 2 * (5 + 2 + 8) / 2
    other = torch.tensor([[START, 7]])  # another number of streams
    assert carried.loss(other, other)["loss"].item() == 14


def test_no_value_is_read() -> None:
    """Tensors without values stand for those of an accelerator, whose queue a look would stall."""
    carried = CarriedState(Sum().to("meta"))
    rows = torch.zeros(2, 3, dtype=torch.int64, device="meta")
    for _ in range(2):
        assert carried.loss(rows, rows)["loss"].device.type == "meta"


def test_a_state_that_is_no_number_is_forgotten() -> None:
    carried = CarriedState(Sum())
    rows = torch.tensor([[START, 1]])
    carried.loss(rows, rows)
    carried.state = (torch.full((1, 1), torch.nan),)
    assert carried.loss(rows, rows)["loss"].item() == 2
