"""Dense layers whose weights are masked: outputs that see only the inputs before them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import argument_error, check_counts, check_shape
from helpers.networks.dense import Activation


class MaskedLinear(nn.Linear):
    r"""An affine map with some weights held at zero.

    $$y = (M \odot W)\, x + b$$

    Args:
        mask: M, (outputs, inputs), 1 where a weight is kept.

    Shapes: (..., inputs) to (..., outputs).
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        outputs, inputs = mask.shape
        super().__init__(inputs, outputs)
        self.register_buffer("mask", mask.to(self.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.mask * self.weight, self.bias)


class MADE(nn.Module):
    """A multilayer perceptron whose outputs for one input see only the inputs before it.

    Input d has the place r(d) = 0 … D − 1 in the order. A hidden unit has a degree m = 1 … D − 1:
    it sees inputs with r < m and hidden units of no higher degree, and is seen by the outputs of
    inputs with r ≥ m. So the outputs of d depend on the inputs e with r(e) < r(d), and those of the
    first input are constants.

    Args:
        inputs: D.
        hidden: widths of the hidden layers; their degrees are spread evenly.
        outputs: P, numbers for each input.
        order: the inputs from first to last, a permutation of 0 … D − 1; `torch.randperm(D)` for a
            random one. As they stand by default.
        activation: makes the activation after each hidden layer.

    Shapes: (..., D) to (..., D, P).

    Reference: Germain et al., arXiv:1502.03509.

    >>> MADE(4, [32], 3, order=[2, 0, 3, 1])(torch.zeros(5, 4)).shape
    torch.Size([5, 4, 3])

    Taught in: models/autoregressive
    """

    order: Tensor

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        *,
        order: Tensor | Sequence[int] | None = None,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        check_counts(inputs=inputs, outputs=outputs)
        self.inputs, self.outputs = inputs, outputs
        self.register_buffer("order", full_order(order, inputs))
        place = self.order.argsort()
        layers: list[nn.Module] = []
        before = place + 1  # an input is like a hidden unit that sees itself
        for width in hidden:
            degree = torch.linspace(1, max(inputs - 1, 1), width).round().long()
            layers += [MaskedLinear(degree[:, None] >= before), activation()]
            before = degree
        mask = (place[:, None] >= before).repeat_interleave(outputs, 0)  # (D·P, last width)
        self.layers = nn.Sequential(*layers, MaskedLinear(mask))

    def forward(self, x: Tensor) -> Tensor:
        check_shape("x", x, (..., self.inputs))
        y: Tensor = self.layers(x)
        return y.reshape(*y.shape[:-1], self.inputs, self.outputs)


def full_order(order: Tensor | Sequence[int] | None, n: int) -> Tensor:
    """The order as int64, (n,); 0 … n − 1 for None; an error unless it is a permutation of them.

    >>> full_order([1, 1], 2)
    Traceback (most recent call last):
    ValueError: order must be a permutation of 0 … 1, got [1, 1]
    """
    found = torch.arange(n) if order is None else torch.as_tensor(order).long()
    if not torch.equal(found.sort().values, torch.arange(n, device=found.device)):
        raise argument_error("order", f"be a permutation of 0 … {n - 1}", found.tolist())
    return found
