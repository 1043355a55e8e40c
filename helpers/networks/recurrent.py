"""Recurrent cells, written out: Elman's, the gated recurrent unit, the long short-term memory.

Weights and their names come from PyTorch's base class, ``weight_ih``, ``weight_hh``, ``bias_ih``
and ``bias_hh``, so that ``ours.load_state_dict(theirs.state_dict())`` copies them. Forward passes
take x (B, inputs) and the state, (B, hidden), zero by default, to the new state.

Taught in: models/rnn
"""

import torch
from torch import Tensor, nn


class _Cell(nn.RNNCellBase):
    """The weights of all gates, stacked, and the two products with them."""

    gates: int

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, bias=True, num_chunks=self.gates)

    def zeros(self, x: Tensor) -> Tensor:
        """The state before the first input, (B, hidden)."""
        return x.new_zeros(len(x), self.hidden_size)

    def products(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """W x + b and U h + b', each (B, gates · hidden)."""
        return x @ self.weight_ih.T + self.bias_ih, h @ self.weight_hh.T + self.bias_hh


class ElmanCell(_Cell):
    r"""The simple recurrent cell: $h_t = \tanh(W x_t + b + U h_{t-1} + b')$."""

    gates = 1

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        from_x, from_h = self.products(x, self.zeros(x) if h is None else h)
        return torch.tanh(from_x + from_h)


class GRUCell(_Cell):
    r"""The gated recurrent unit, with the reset gate after the product as in PyTorch.

    $$r = \sigma(W_r x + U_r h), \quad z = \sigma(W_z x + U_z h)$$
    $$n = \tanh(W_n x + r \odot (U_n h)), \quad h' = (1 - z) \odot n + z \odot h$$

    Each product carries a bias of its own. The rows of the weights are r, z, n, in this order.
    """

    gates = 3

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        h = self.zeros(x) if h is None else h
        (x_r, x_z, x_n), (h_r, h_z, h_n) = (part.chunk(3, 1) for part in self.products(x, h))
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        return (1 - z) * n + z * h


class LSTMCell(_Cell):
    r"""The long short-term memory.

    $$i, f, o = \sigma(W_{ifo} x + U_{ifo} h), \quad g = \tanh(W_g x + U_g h)$$
    $$c' = f \odot c + i \odot g, \quad h' = o \odot \tanh c'$$

    Each product carries a bias of its own. The rows of the weights are i, f, g, o, in this order.
    Without a `forget_bias` the forget gate's bias is random, as in PyTorch. The state is (h, c).
    """

    gates = 4

    def __init__(self, inputs: int, hidden: int, *, forget_bias: float | None = None) -> None:
        super().__init__(inputs, hidden)
        if forget_bias is not None:
            set_forget_bias(self, forget_bias)

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        h, c = (self.zeros(x), self.zeros(x)) if state is None else state
        from_x, from_h = self.products(x, h)
        i, f, g, o = (from_x + from_h).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


@torch.no_grad()
def set_forget_bias(lstm: nn.Module, value: float) -> None:
    """Give the forget gates of an LSTM, cell or layers, the total bias `value`."""
    for name, bias in lstm.named_parameters():
        if name.startswith("bias_"):
            hidden = len(bias) // 4
            bias[hidden : 2 * hidden] = value if name.startswith("bias_ih") else 0.0
