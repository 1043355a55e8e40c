"""A recurrent network as a distribution over sequences of symbols."""

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from helpers.checks import check_counts, check_data, check_option, check_shape
from helpers.data.text.rows import HINT, PADDING, check_rows, with_end, without_end
from helpers.networks.evaluation import evaluating
from helpers.networks.recurrent import set_forget_bias
from helpers.samplers.decoding import Filter, ancestral

State = tuple[Tensor, ...]
CELLS: dict[str, Any] = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentLanguageModel(nn.Module):
    r"""The chain rule, with one network for all its factors.

    $$\log p(x) = \sum_{t=1}^{T} \log p(x_t \mid x_{<t})$$
    $$p(\,\cdot \mid x_{<t}) = \mathrm{softmax}(W h_t + b), \quad
      h_t = \mathrm{cell}(h_{t-1}, x_{t-1})$$

    x_0 is a symbol of its own with the code V, `start`, that is read and never written. So the
    probabilities of all V^T sequences of a length sum to 1. With `end` the same code is written
    behind the last symbol; then sequences are rows with −1 behind their ends, and the probabilities
    of those of all lengths sum to 1. A state is a tuple of tensors with the batch first,
    (B, layers, hidden): (h,) or, for the LSTM, (h, c).

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
        super().__init__()
        check_counts(2, num_symbols=num_symbols)
        check_option("cell", cell, CELLS)
        self.num_symbols, self.start = num_symbols, num_symbols
        self.end = num_symbols if end else None
        self.dropout, self.cell = dropout, cell
        self.embedding = nn.Embedding(num_symbols + 1, embedding)
        between = dropout if layers > 1 else 0.0
        self.recurrent = CELLS[cell](embedding, hidden, layers, batch_first=True, dropout=between)
        self.output = nn.Linear(hidden, num_symbols + end)
        if cell == "lstm":
            set_forget_bias(self.recurrent, forget_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits of the next symbol after each one read, and the state after the last.

        Symbols (B, T) in {0, …, V}, where V is `start`, to logits (B, T, V), or V + 1 with `end`. A
        state of None is zero.
        """
        return self._run(self._checked("x", x, self.start), state)

    def step(self, token: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """One symbol further, for `helpers.samplers`: token (N,) to logits (N, V) and the state."""
        logits, after = self._run(token[:, None], state)
        return logits[:, 0], after

    def loss(self, x: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Mean −log p of whole sequences (B, T), in nats, and ``nats_per_symbol``, ends included.

        `rng` is unused: dropout draws from torch's global state.
        """
        nats = -self._log_conditionals(x).sum(1)
        symbols = (x >= 0).sum() + (0 if self.end is None else len(x))
        return {"loss": nats.mean(), "nats_per_symbol": nats.detach().sum() / symbols}

    def loss_and_state(
        self, tokens_in: Tensor, tokens_out: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Mean nats of the symbols (B, T) that followed a window (B, T), and the state after it."""
        x = self._checked("tokens_in", tokens_in, self.start)
        y = self._checked("tokens_out", tokens_out, self.num_symbols - 1)
        check_shape("tokens_out", y, tuple(x.shape))
        logits, state = self._run(x, state)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten()), state

    def log_conditionals(self, x: Tensor) -> Tensor:
        """Log-probability of each symbol given those before it in its row, nats; no dropout.

        (B, T) to (B, T); with `end` to (B, T + 1), that of the end included and 0 behind it.
        """
        # cuDNN has no gradient in evaluation mode, so it is entered only where dropout asks for it.
        with evaluating(self) if self.dropout else nullcontext():
            return self._log_conditionals(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood of whole sequences: (B, T) as in `loss` to (B,) nats."""
        return self.log_conditionals(x).sum(1)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        length: int = 100,
        prompt: Tensor | None = None,
        keep: Filter | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """Draw sequences symbol after symbol, with a carried state: T steps for T symbols.

        Args:
            n: number of sequences.
            length: number T of symbols to draw; with `end` the largest.
            prompt: (S,) symbols that each sequence continues; they are part of the result.
            keep: filter of the logits, see `helpers.samplers`.
            rng: source of randomness.

        Returns:
            (n, S + T) int64, −1 behind the ends.
        """
        check_counts(length=length)
        read = torch.tensor([self.start], device=self.output.weight.device)
        if prompt is not None:
            top = self.num_symbols - 1
            prompt = check_data("prompt", prompt, ("S",), "integer", low=0, high=top, hint=HINT)
            read = torch.cat([read, prompt.to(read.device)])
        with evaluating(self):
            state = self._run(read[None, :-1], None)[1] if len(read) > 1 else None
            if state is not None:
                state = tuple(part.expand(n, -1, -1) for part in state)
            token = read[-1:].expand(n)
            drawn = ancestral(
                self.step, token, state, length=length, keep=keep, end=self.end, rng=rng
            )
        if self.end is not None:
            drawn = without_end(drawn, self.end)
        return torch.cat([read[1:].expand(n, -1), drawn], 1)

    def _log_conditionals(self, x: Tensor) -> Tensor:
        """As `log_conditionals`, in the present mode."""
        if self.end is None:
            y = self._checked("x", x, self.num_symbols - 1)
        else:
            y = with_end(check_rows("x", x, self.num_symbols, like=self.output.weight), self.end)
        logits, _ = self._run(F.pad(y[:, :-1].clamp(min=0), (1, 0), value=self.start), None)
        flat = logits.flatten(0, 1), y.flatten()
        return -F.cross_entropy(*flat, ignore_index=PADDING, reduction="none").view_as(y)

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        x = F.dropout(self.embedding(x), self.dropout, self.training)
        given: Any = None if state is None else _swap(state)
        if self.cell != "lstm" and given is not None:
            given = given[0]
        y, after = self.recurrent(x, given)
        logits: Tensor = self.output(F.dropout(y, self.dropout, self.training))
        return logits, _swap(after if self.cell == "lstm" else (after,))

    def _checked(self, name: str, x: Tensor, largest: int) -> Tensor:
        shape, like = ("B", "T"), self.output.weight
        return check_data(name, x, shape, "integer", like=like, low=0, high=largest, hint=HINT)


def _swap(state: State) -> State:
    """Batch first to layers first and back."""
    return tuple(part.transpose(0, 1).contiguous() for part in state)
