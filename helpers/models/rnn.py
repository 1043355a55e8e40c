"""A recurrent network as a distribution over sequences of symbols."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import check_option, check_shape
from helpers.models.next_symbol import NextSymbolModel, State
from helpers.networks.recurrent import set_forget_bias

CELLS: dict[str, Any] = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentLanguageModel(NextSymbolModel):
    r"""The chain rule with a recurrent network: a state carries what was read.

    $$p(\,\cdot \mid x_{<t}) = \mathrm{softmax}(W h_t + b), \quad
      h_t = \mathrm{cell}(h_{t-1}, x_{t-1})$$

    The state is (h,) or, for the LSTM, (h, c), each (B, layers, hidden).

    Args:
        num_symbols: V.
        embedding: size of a symbol's vector.
        hidden: units of each layer.
        layers: number of layers.
        cell: ``"elman"``, ``"gru"`` or ``"lstm"``.
        dropout: probability in [0, 1) of dropping an input of a layer or of the output map.
        forget_bias: bias of the LSTM's forget gates at the start.
        end: learn where sequences end.

    Taught in: models/rnn
    """

    def __init__(
        self,
        num_symbols: int,
        *,
        embedding: int = 64,
        hidden: int = 256,
        layers: int = 1,
        cell: str = "lstm",
        dropout: float = 0.0,
        forget_bias: float = 1.0,
        end: bool = False,
    ) -> None:
        super().__init__(num_symbols, dropout=dropout, end=end)
        check_option("cell", cell, CELLS)
        self.cell = cell
        self.embedding = nn.Embedding(num_symbols + 1, embedding)
        between = dropout if layers > 1 else 0.0
        self.recurrent = CELLS[cell](embedding, hidden, layers, batch_first=True, dropout=between)
        self.output = nn.Linear(hidden, num_symbols + end)
        if cell == "lstm":
            set_forget_bias(self.recurrent, forget_bias)

    def loss_and_state(
        self, tokens_in: Tensor, tokens_out: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Mean nats of the symbols (B, T) that followed a window (B, T), and the state after it."""
        x = self._checked("tokens_in", tokens_in, self.start)
        y = self._checked("tokens_out", tokens_out, self.num_symbols - 1)
        check_shape("tokens_out", y, tuple(x.shape))
        logits, state = self._run(x, state)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten()), state

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        x = F.dropout(self.embedding(x), self.dropout, self.training)
        given: Any = None if state is None else _swap(state)
        if self.cell != "lstm" and given is not None:
            given = given[0]
        y, after = self.recurrent(x, given)
        logits: Tensor = self.output(F.dropout(y, self.dropout, self.training))
        return logits, _swap(after if self.cell == "lstm" else (after,))


def _swap(state: State) -> State:
    """Batch first to layers first and back."""
    return tuple(part.transpose(0, 1).contiguous() for part in state)
