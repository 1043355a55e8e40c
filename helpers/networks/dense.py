"""Dense layers: the multilayer perceptron."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from helpers.checks import check_between, check_shape

Activation = Callable[[], nn.Module]


class MLP(nn.Module):
    r"""Dense layers with an activation between them: the multilayer perceptron.

    $$h_0 = x, \qquad h_{i+1} = \mathrm{activation}(W_i h_i + b_i), \qquad y = W h + b$$

    Args:
        inputs: number of input features, or the shape of one example, which is flattened.
        hidden: widths of the hidden layers.
        outputs: number of outputs, or the shape that one output is given.
        activation: makes the activation after each hidden layer.
        dropout: probability in [0, 1) of dropping a hidden unit, after each activation.

    Shapes: (..., *inputs) to (..., *outputs); all leading dimensions are kept.

    >>> import torch
    >>> MLP((1, 8, 8), [32], 24)(torch.zeros(3, 5, 1, 8, 8)).shape
    torch.Size([3, 5, 24])

    Taught in: models/vae
    """

    def __init__(
        self,
        inputs: int | Sequence[int],
        hidden: Sequence[int],
        outputs: int | Sequence[int],
        *,
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.inputs = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        self.outputs = (outputs,) if isinstance(outputs, int) else tuple(outputs)
        widths = [math.prod(self.inputs), *hidden]
        self.layers = nn.Sequential(*dense_layers(widths, activation, dropout))
        self.layers.append(nn.Linear(widths[-1], math.prod(self.outputs)))

    def forward(self, x: Tensor) -> Tensor:
        # Values of a wrong shape, flattened, may have the right number and the wrong order.
        hint = "flatten images with x.flatten(1), or give the MLP their shape"
        check_shape("x", x, (..., *self.inputs), hint=hint)
        y: Tensor = self.layers(x.flatten(-len(self.inputs)))  # (..., D)
        return y.reshape(*y.shape[:-1], *self.outputs)


def dense_layers(widths: Sequence[int], activation: Activation, dropout: float) -> list[nn.Module]:
    """The hidden layers of an MLP: affine, activation, dropout for each pair of widths."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation(), *dropout_layers(dropout)]
    return layers


def dropout_layers(p: float) -> list[nn.Module]:
    """One dropout layer, or none where nothing is to be dropped."""
    check_between("dropout", p, 0, 1, ends="[)")
    return [nn.Dropout(p)] if p > 0 else []
