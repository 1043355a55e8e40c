"""What every model of the next symbol can do, whichever network reads the symbols before it."""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from helpers.checks import check_counts, check_data
from helpers.data.text.rows import HINT, PADDING, check_rows, with_end, without_end
from helpers.networks.evaluation import evaluating
from helpers.samplers.decoding import Filter, ancestral

State = tuple[Tensor, ...]


class NextSymbolModel(nn.Module):
    r"""The chain rule, with one network for all its factors.

    $$\log p(x) = \sum_{t=1}^{T} \log p(x_t \mid x_{<t})$$

    x_0 is a symbol of its own with the code V, `start`, that is read and never written. So the
    probabilities of all V^T sequences of a length sum to 1. With `end` the same code is written
    behind the last symbol; then sequences are rows with −1 behind their ends, and the probabilities
    of those of all lengths sum to 1. A subclass has `_run`.

    Args:
        num_symbols: V.
        dropout: that of the networks; where it is 0 training and evaluation are the same.
        end: learn where sequences end.
    """

    def __init__(self, num_symbols: int, *, dropout: float, end: bool) -> None:
        super().__init__()
        check_counts(2, num_symbols=num_symbols)
        self.num_symbols, self.start = num_symbols, num_symbols
        self.end = num_symbols if end else None
        self.dropout = dropout

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Symbols (B, T) after those of a state to logits (B, T, V) and the state after them."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits of the next symbol after each one read, and the state after the last.

        Symbols (B, T) in {0, …, V}, where V is `start`, to logits (B, T, V), or V + 1 with `end`. A
        state is a tuple of tensors with the batch first; None is that before the first symbol.
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
        read = torch.tensor([self.start], device=self._weight.device)
        if prompt is not None:
            top = self.num_symbols - 1
            prompt = check_data("prompt", prompt, ("S",), "integer", low=0, high=top, hint=HINT)
            read = torch.cat([read, prompt.to(read.device)])
        with evaluating(self):
            state = self._run(read[None, :-1], None)[1] if len(read) > 1 else None
            if state is not None:
                state = tuple(part.expand(n, *part.shape[1:]) for part in state)
            token = read[-1:].expand(n)
            drawn = ancestral(
                self.step, token, state, length=length, keep=keep, end=self.end, rng=rng
            )
        if self.end is not None:
            drawn = without_end(drawn, self.end)
        return torch.cat([read[1:].expand(n, -1), drawn], 1)

    @property
    def _weight(self) -> Tensor:
        """One of the model's, which knows the device."""
        return next(self.parameters())

    def _log_conditionals(self, x: Tensor) -> Tensor:
        """As `log_conditionals`, in the present mode."""
        if self.end is None:
            y = self._checked("x", x, self.num_symbols - 1)
        else:
            y = with_end(check_rows("x", x, self.num_symbols, like=self._weight), self.end)
        logits, _ = self._run(F.pad(y[:, :-1].clamp(min=0), (1, 0), value=self.start), None)
        flat = logits.flatten(0, 1), y.flatten()
        return -F.cross_entropy(*flat, ignore_index=PADDING, reduction="none").view_as(y)

    def _checked(self, name: str, x: Tensor, largest: int) -> Tensor:
        shape, like = ("B", "T"), self._weight
        return check_data(name, x, shape, "integer", like=like, low=0, high=largest, hint=HINT)
