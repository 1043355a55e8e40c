"""What a layer of a flow is, what it does to a single value, and several layers in a row."""

from collections.abc import Iterable
from typing import Protocol, cast

from torch import Tensor, nn


class Transform(Protocol):
    r"""A rising map of single values, which a network sets by `size` numbers for each of them.

    A call gives $y = g(x)$ and $\log \partial y / \partial x$, `inverse` the way back.

    Shapes: values (…) and numbers (…, size) to (…) and (…).
    """

    size: int

    def __call__(self, x: Tensor, raw: Tensor, /) -> tuple[Tensor, Tensor]: ...

    def inverse(self, y: Tensor, raw: Tensor, /) -> tuple[Tensor, Tensor]:
        """The way back, and the logarithm of its slope."""
        ...


class Invertible(nn.Module):
    r"""A map that can be undone and knows how much it stretches space, one value an example.

    `forward` gives $y = f(x)$ and $\log |\det \partial y / \partial x|$; `inverse` gives
    $x = f^{-1}(y)$ and $\log |\det \partial x / \partial y|$, the same number with the other sign.
    Both take a condition (B, C), which only some layers look at.

    Shapes: (B, *event) to (B, *event) and (B,) nats.
    """

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The way back, and the log-determinant of its Jacobian."""
        raise NotImplementedError

    def initialise(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Set from a first batch what is to be set from data; returns y."""
        y: Tensor = self(x, condition)[0]
        return y


class Chain(Invertible):
    r"""Layers one after the other: their log-determinants add.

    $$ f = f_L \circ \dots \circ f_1, \qquad
       \log |\det \tfrac{\partial f}{\partial x}| = \sum_l \log |\det
       \tfrac{\partial f_l}{\partial h_{l-1}}| $$

    Taught in: models/flow
    """

    def __init__(self, layers: Iterable[Invertible]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    @property
    def parts(self) -> list[Invertible]:
        """The layers, first to last."""
        return [cast(Invertible, layer) for layer in self.layers]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for layer in self.parts:
            x, log_det = layer(x, condition)
            total = total + log_det
        return x, total

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        total = y.new_zeros(len(y))
        for layer in reversed(self.parts):
            y, log_det = layer.inverse(y, condition)
            total = total + log_det
        return y, total

    def initialise(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        for layer in self.parts:
            x = layer.initialise(x, condition)
        return x
