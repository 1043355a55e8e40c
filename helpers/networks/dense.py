r"""Dense layers: the multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from helpers.checks import check_shape
from helpers.networks.sizes import Shape, check_probability, event_shape, layer_widths

Activation = Callable[[], nn.Module]


class MLP(nn.Module):
    r"""Dense layers with an activation between them: the multilayer perceptron.

    $$h_0 = x, \qquad h_{i+1} = \mathrm{activation}(W_i h_i + b_i), \qquad y = W h + b$$

    Args:
        inputs: number of input features, or the shape of one example, which is flattened.
        hidden: widths of the hidden layers; an empty sequence gives one affine map.
        outputs: number of outputs, or the shape that one output is given.
        activation: makes the activation after each hidden layer.
        dropout: probability in [0, 1) of dropping a hidden unit, after each activation.

    Shapes: (..., *inputs) to (..., *outputs); all leading dimensions are kept.

    Raises:
        ValueError: a width or the dropout is out of range; in a call, the shape is wrong.

    >>> import torch
    >>> MLP((1, 8, 8), [32], 24)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 24])
    >>> MLP(12, [32], (17, 1, 8, 8))(torch.zeros(3, 5, 12)).shape
    torch.Size([3, 5, 17, 1, 8, 8])

    Taught in: Variational autoencoders.
    """

    def __init__(
        self,
        inputs: Shape,
        hidden: Sequence[int],
        outputs: Shape,
        *,
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.inputs = event_shape("inputs", inputs)
        self.outputs = event_shape("outputs", outputs)
        check_probability("dropout", dropout)
        widths = [math.prod(self.inputs), *layer_widths("hidden", hidden)]
        self.layers = nn.Sequential(*dense_layers(widths, activation, dropout))
        self.layers.append(nn.Linear(widths[-1], math.prod(self.outputs)))

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[-len(self.inputs) :]) != self.inputs:
            check_shape("x", x, (..., *self.inputs), hint=_flatten_hint(x, self.inputs))
        y: Tensor = self.layers(x.flatten(-len(self.inputs)))  # (..., D)
        return y.reshape(*y.shape[:-1], *self.outputs) if len(self.outputs) > 1 else y


def dense_layers(widths: Sequence[int], activation: Activation, dropout: float) -> list[nn.Module]:
    r"""The hidden layers of an MLP: affine, activation, dropout for each pair of widths."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation(), *dropout_layers(dropout)]
    return layers


def dropout_layers(p: float, kind: type[nn.Module] = nn.Dropout) -> list[nn.Module]:
    r"""One dropout layer, or none where nothing is to be dropped."""
    return [kind(p)] if p > 0 else []


def _flatten_hint(x: Tensor, inputs: tuple[int, ...]) -> str:
    if len(inputs) == 1 and x.ndim > 2 and math.prod(x.shape[1:]) == inputs[0]:
        return "flatten images with x.flatten(1), or give the MLP their shape"
    return ""
