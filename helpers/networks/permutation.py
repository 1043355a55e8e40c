"""Another order of the values, so that a coupling layer sees others."""

import torch
from torch import Tensor

from helpers.checks import argument_error, check_shape
from helpers.networks.invertible import Invertible


class Permutation(Invertible):
    r"""The entries of dimension 1 in another order: $y_i = x_{\pi(i)}$. It stretches nothing.

    Args:
        order: π, each of 0 … D − 1 once, (D,).

    >>> Permutation(torch.tensor([2, 0, 1]))(torch.tensor([[5.0, 6.0, 7.0]]))[0]
    tensor([[7., 5., 6.]])

    Taught in: models/flow
    """

    order: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        check_shape("order", order, ("D",))
        if not torch.equal(order.sort().values, torch.arange(len(order), device=order.device)):
            expected = f"hold each of 0 to {len(order) - 1} once"
            raise argument_error("order", expected, order.tolist())
        self.register_buffer("order", order)  # drawn at random, it belongs to the weights

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return x.index_select(1, self.order), x.new_zeros(len(x))

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return y.index_select(1, self.order.argsort()), y.new_zeros(len(y))
