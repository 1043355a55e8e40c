r"""Recurrent cells, written out: Elman's, the gated recurrent unit, the long short-term memory.

Each holds its weights under PyTorch's names, ``weight_ih``, ``weight_hh``, ``bias_ih`` and
``bias_hh``, so that ``ours.load_state_dict(theirs.state_dict())`` copies them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from helpers.checks import check_at_least, check_shape


class _Cell(nn.Module):
    def __init__(self, inputs: int, hidden: int, blocks: int) -> None:
        super().__init__()
        check_at_least("inputs", inputs, 1)
        check_at_least("hidden", hidden, 1)
        self.inputs, self.hidden, rows = inputs, hidden, blocks * hidden
        self.weight_ih = nn.Parameter(torch.empty(rows, inputs))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        bound = 1 / math.sqrt(hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def start(self, x: Tensor) -> Tensor:
        r"""The state before the first input: zeros, (B, hidden)."""
        return x.new_zeros(len(x), self.hidden)

    def _check(self, x: Tensor, *states: Tensor) -> None:
        check_shape("x", x, ("B", self.inputs))
        for state in states:
            check_shape("state", state, (len(x), self.hidden), hint="one row for each row of x")


class ElmanCell(_Cell):
    r"""The simple recurrent cell.

    .. math:: h_t = \tanh(W x_t + b + U h_{t-1} + b')

    Args:
        inputs: number of features of x.
        hidden: number of units of h.

    Shapes: x (B, inputs) and h (B, hidden) to the new h (B, hidden).

    Raises:
        ValueError: a size below 1; in a call, a wrong shape.

    >>> cell = ElmanCell(3, 5)
    >>> cell(torch.zeros(2, 3)).shape
    torch.Size([2, 5])

    Taught in: models/rnn
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, 1)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """The new state."""
        h = self.start(x) if h is None else h
        self._check(x, h)
        drive = x @ self.weight_ih.T + self.bias_ih
        return torch.tanh(drive + h @ self.weight_hh.T + self.bias_hh)


class GRUCell(_Cell):
    r"""The gated recurrent unit, with the reset gate after the product as in PyTorch.

    .. math::
        r = \sigma(W_r x + U_r h), \quad z = \sigma(W_z x + U_z h), \quad
        n = \tanh(W_n x + r \odot (U_n h)), \quad h' = (1 - z) \odot n + z \odot h

    Each product carries a bias of its own. The rows of the weights are r, z, n, in this order.

    Args:
        inputs: number of features of x.
        hidden: number of units of h.

    Shapes: x (B, inputs) and h (B, hidden) to the new h (B, hidden).

    Raises:
        ValueError: a size below 1; in a call, a wrong shape.

    >>> cell = GRUCell(3, 5)
    >>> cell(torch.zeros(2, 3)).shape
    torch.Size([2, 5])

    Taught in: models/rnn
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, 3)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """The new state."""
        h = self.start(x) if h is None else h
        self._check(x, h)
        from_x = (x @ self.weight_ih.T + self.bias_ih).chunk(3, 1)
        from_h = (h @ self.weight_hh.T + self.bias_hh).chunk(3, 1)
        reset = torch.sigmoid(from_x[0] + from_h[0])
        keep = torch.sigmoid(from_x[1] + from_h[1])
        new = torch.tanh(from_x[2] + reset * from_h[2])
        return (1 - keep) * new + keep * h


class LSTMCell(_Cell):
    r"""The long short-term memory.

    .. math::
        i, f, o = \sigma(W_{ifo} x + U_{ifo} h), \quad g = \tanh(W_g x + U_g h), \quad
        c' = f \odot c + i \odot g, \quad h' = o \odot \tanh c'

    Each product carries a bias of its own. The rows of the weights are i, f, g, o, in this order.

    Args:
        inputs: number of features of x.
        hidden: number of units of h and of c.
        forget_bias: the forget gate's bias at the start; None leaves it random, as PyTorch does.

    Shapes: x (B, inputs) and (h, c), each (B, hidden), to the new (h, c).

    Raises:
        ValueError: a size below 1; in a call, a wrong shape.

    >>> h, c = LSTMCell(3, 5, forget_bias=1.0)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))

    Taught in: models/rnn
    """

    def __init__(self, inputs: int, hidden: int, *, forget_bias: float | None = None) -> None:
        super().__init__(inputs, hidden, 4)
        if forget_bias is not None:
            set_forget_bias(self, forget_bias)

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The new state."""
        h, c = (self.start(x), self.start(x)) if state is None else state
        self._check(x, h, c)
        from_x = x @ self.weight_ih.T + self.bias_ih
        i, f, g, o = (from_x + h @ self.weight_hh.T + self.bias_hh).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


@torch.no_grad()
def set_forget_bias(lstm: nn.Module, value: float) -> None:
    r"""Give the forget gates of an LSTM, cell or layers, the total bias `value`.

    >>> lstm = nn.LSTM(3, 2)
    >>> set_forget_bias(lstm, 1.0)
    >>> (lstm.bias_ih_l0 + lstm.bias_hh_l0)[2:4].tolist()
    [1.0, 1.0]
    """
    for name, bias in lstm.named_parameters():
        if name.startswith("bias_"):
            hidden = len(bias) // 4
            bias[hidden : 2 * hidden] = value if name.startswith("bias_ih") else 0.0
