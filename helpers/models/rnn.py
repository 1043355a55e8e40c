r"""A recurrent network as a distribution over sequences of symbols."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_nonempty,
    check_option,
    check_range,
    check_same_device,
    check_shape,
)
from helpers.networks.evaluation import evaluating
from helpers.networks.recurrent import set_forget_bias
from helpers.networks.sizes import check_probability
from helpers.samplers.decoding import Filter, ancestral

State = tuple[Tensor, ...]
CELLS: dict[str, Any] = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentLanguageModel(nn.Module):
    r"""The chain rule, with one network for all its factors.

    .. math:: \log p(x) = \sum_{t=1}^{T} \log p(x_t \mid x_{<t}), \qquad
              p(\,\cdot \mid x_{<t}) = \mathrm{softmax}(W h_t + b), \qquad
              h_t = \mathrm{cell}(h_{t-1}, x_{t-1})

    x_0 is a symbol of its own with the code V, `start`, that is read and never written. So the
    probabilities of all V^T sequences of a length sum to 1. A state is a tuple of tensors with the
    batch first, (B, layers, hidden): (h,) or, for the LSTM, (h, c).

    Args:
        num_symbols: size V ≥ 2 of the alphabet.
        embedding: size of a symbol's vector.
        hidden: units of each layer.
        layers: number of layers.
        cell: ``"elman"``, ``"gru"`` or ``"lstm"``.
        dropout: probability in [0, 1) of dropping an input of a layer or of the output map.
        forget_bias: bias of the LSTM's forget gates at the start.
        length: number of symbols that `sample` draws unless told otherwise.

    Raises:
        ValueError: an argument out of range.

    >>> model = RecurrentLanguageModel(3, embedding=4, hidden=8)
    >>> model.log_prob(torch.tensor([[0, 2, 1], [1, 1, 0]])).shape
    torch.Size([2])
    >>> model.sample(2, length=5, prompt=torch.tensor([0, 1])).shape
    torch.Size([2, 7])

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
        length: int = 100,
    ) -> None:
        super().__init__()
        check_at_least("num_symbols", num_symbols, 2)
        for name, size in (
            ("embedding", embedding),
            ("hidden", hidden),
            ("layers", layers),
            ("length", length),
        ):
            check_at_least(name, size, 1)
        check_option("cell", cell, CELLS)
        check_probability("dropout", dropout)
        self.num_symbols, self.start, self.length = num_symbols, num_symbols, length
        self.hidden, self.layers, self.dropout, self.cell = hidden, layers, dropout, cell
        self.embedding = nn.Embedding(num_symbols + 1, embedding)
        between = dropout if layers > 1 else 0.0
        self.recurrent = CELLS[cell](embedding, hidden, layers, batch_first=True, dropout=between)
        self.output = nn.Linear(hidden, num_symbols)
        if cell == "lstm":
            set_forget_bias(self.recurrent, forget_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        r"""Logits of the next symbol after each one read, and the state after the last.

        Args:
            x: symbols read, (B, T) int64 in {0, …, V}, where V is `start`.
            state: the state before the first; None is zero.

        Returns:
            Logits (B, T, V), and the state.
        """
        self._check_tokens("x", x, self.num_symbols)
        self._check_state(state, len(x))
        return self._run(x, state)

    def step(self, token: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        r"""One symbol further: token (N,) to logits (N, V) and the state.

        The callable that `helpers.samplers.decoding` takes; it checks nothing.
        """
        logits, after = self._run(token[:, None], state)
        return logits[:, 0], after

    def loss(
        self,
        x: Tensor,
        y: Tensor | None = None,
        state: State | None = None,
        *,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""Mean negative log-likelihood of a symbol, in nats.

        Args:
            x: symbols read, (B, T) in {0, …, V}; alone, whole sequences from `start` on.
            y: the symbols that followed them, (B, T) in {0, …, V−1}.
            state: the state before the first; None is zero.
            rng: unused; dropout draws from torch's global state.

        Returns:
            ``loss``.
        """
        if y is None:
            self._check_tokens("x", x, self.num_symbols - 1)
            x, y = self._after_start(x), x
        return {"loss": self.loss_and_state(x, y, state)[0]}

    def loss_and_state(
        self, x: Tensor, y: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        r"""The loss of a window as in `loss`, and the state after it, with its graph."""
        self._check_tokens("y", y, self.num_symbols - 1)
        check_shape("y", y, tuple(x.shape))
        logits, state = self(x, state)
        return F.cross_entropy(logits.flatten(0, 1), y.flatten()), state

    def log_conditionals(self, x: Tensor) -> Tensor:
        r"""Log-probability of each symbol given those before it in its row: (B, T), nats."""
        self._check_tokens("x", x, self.num_symbols - 1)
        # cuDNN has no gradient in evaluation mode, so it is entered only where dropout asks for it.
        with evaluating(self) if self.dropout else nullcontext():
            logits, _ = self(self._after_start(x))
        log_p: Tensor = logits.log_softmax(-1).gather(-1, x[..., None])[..., 0]
        return log_p

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Exact log-likelihood of whole sequences: (B, T) in {0, …, V−1} to (B,) nats.

        Dropout is off meanwhile.
        """
        return self.log_conditionals(x).sum(1)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        length: int | None = None,
        prompt: Tensor | None = None,
        keep: Filter | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw sequences symbol after symbol, with a carried state: T steps for T symbols.

        Args:
            n: number of sequences, at least 1.
            length: number T of symbols to draw; by default that of the constructor.
            prompt: (S,) symbols that each sequence continues; they are part of the result.
            keep: filter of the logits, see `helpers.samplers.decoding`.
            rng: source of randomness; without one, the global state of torch.

        Returns:
            (n, S + T) int64; without a prompt S is 0.

        Raises:
            ValueError: a count below 1, an empty prompt, or an unknown symbol in it.
        """
        check_at_least("n", n, 1)
        length = self.length if length is None else length
        device = self.output.weight.device
        if rng is not None:
            check_same_device("rng", rng, "the model", device)
        read = torch.tensor([self.start], device=device)
        if prompt is not None:
            check_integer("prompt", prompt)
            check_shape("prompt", prompt, ("S",))
            if len(prompt) == 0:
                hint = "leave it out to begin at the start"
                raise argument_error("prompt", "hold at least one symbol", "none", hint)
            check_range("prompt", prompt, 0, self.num_symbols - 1)
            read = torch.cat([read, prompt.to(device)])
        with evaluating(self):
            state = self(read[None, :-1])[1] if len(read) > 1 else None
            if state is not None:
                state = tuple(part.expand(n, -1, -1) for part in state)
            options = {"length": length, "keep": keep, "rng": rng}
            drawn = ancestral(self.step, read[-1:].expand(n), state, **options)  # type: ignore[arg-type]
        return torch.cat([read[1:].expand(n, -1), drawn], 1)

    def _after_start(self, x: Tensor) -> Tensor:
        return torch.cat([x.new_full((len(x), 1), self.start), x[:, :-1]], 1)

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        x = F.dropout(self.embedding(x), self.dropout, self.training)
        given: Any = None if state is None else _swap(state)
        if self.cell != "lstm" and given is not None:
            given = given[0]
        y, after = self.recurrent(x, given)
        logits: Tensor = self.output(F.dropout(y, self.dropout, self.training))
        return logits, _swap(after if self.cell == "lstm" else (after,))

    def _check_state(self, state: State | None, batch: int) -> None:
        if state is None:
            return
        parts = 2 if self.cell == "lstm" else 1
        if len(state) != parts:
            raise argument_error("state", f"hold {parts} tensors for this cell", len(state))
        for part in state:
            check_shape("state", part, (batch, self.layers, self.hidden), hint="batch first")

    def _check_tokens(self, name: str, x: Tensor, largest: int) -> None:
        check_integer(name, x)
        check_shape(name, x, ("B", "T"))
        check_nonempty(name, x)
        check_same_device(name, x, "the model", self.output.weight.device)
        check_range(name, x, 0, largest, hint="encode with the alphabet of the model")


def _swap(state: State) -> State:
    """Batch first to layers first and back."""
    return tuple(part.transpose(0, 1).contiguous() for part in state)
