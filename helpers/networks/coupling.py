"""Coupling layers: one part of the values decides how the other part moves."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_shape
from helpers.networks.affine import Affine
from helpers.networks.invertible import Invertible, Transform


class Coupling(Invertible):
    r"""Move one part of the values, value by value, as the other part says.

    $$ y_A = x_A, \qquad y_B = g(x_B;\, \mathrm{network}(x_A)) $$

    The Jacobian is triangular, its determinant the product of the derivatives of $g$, and nothing
    of the network has to be inverted.

    Args:
        network: maps the kept values (B, A, …), with the condition (B, C) behind them, to the
            numbers that `transform` needs of each moved value: (B, M, size) for vectors,
            (B, M · size, H, W) for images.
        moved: which entries of dimension 1 are moved, boolean, (D,).
        transform: g, such as `Affine`, `LinearSpline` or `RationalQuadraticSpline`.

    Reference: Dinh et al., arXiv:1605.08803.

    >>> layer = Coupling(nn.Linear(2, 2), torch.tensor([False, True, False]))
    >>> y, log_det = layer(torch.ones(5, 3))
    >>> torch.allclose(layer.inverse(y)[0], torch.ones(5, 3))
    True

    Taught in: models/flow
    """

    moved: Tensor
    kept: Tensor
    order: Tensor

    def __init__(
        self, network: nn.Module, moved: Tensor, transform: Transform | None = None
    ) -> None:
        super().__init__()
        check_shape("moved", moved, ("D",))
        if moved.dtype != torch.bool or not moved.any():
            raise argument_error("moved", "be boolean and move a value", moved.tolist())
        self.network = network
        self.transform: Transform = Affine() if transform is None else transform
        kept, moves = (~moved).nonzero().flatten(), moved.nonzero().flatten()
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("moved", moves, persistent=False)
        self.register_buffer("order", torch.cat([kept, moves]).argsort(), persistent=False)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._move(self.transform, x, condition)

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._move(self.transform.inverse, y, condition)

    def _move(
        self, g: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], x: Tensor, c: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        kept, moved = x.index_select(1, self.kept), x.index_select(1, self.moved)
        raw = self.network(kept if c is None else torch.cat([kept, c], 1))
        shape = (len(x), len(self.moved), self.transform.size, *x.shape[2:])
        raw = raw.reshape(shape).movedim(2, -1)  # (B, M, …, size)
        moved, log_slope = g(moved, raw)
        y = torch.cat([kept, moved], 1).index_select(1, self.order)
        return y, log_slope.flatten(1).sum(1)


def start_at_identity(network: nn.Module) -> nn.Module:
    """Set the last layer of a network to zero: a coupling layer then begins by moving nothing."""
    last = [part for part in network.modules() if isinstance(part, nn.Linear | nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(cast(Tensor, last.bias))
    return network
