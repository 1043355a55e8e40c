"""An encoder reads one sequence, a decoder writes another while it looks back at the first."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from helpers.checks import check_between, check_counts
from helpers.data.text.rows import PADDING, check_rows, with_end, without_end
from helpers.networks.attention import AdditiveAttention
from helpers.random import choose, uniform
from helpers.samplers.decoding import Filter, ancestral, beam_search

State = tuple[Tensor, ...]


class SequenceToSequence(nn.Module):
    r"""A distribution over target sequences for each source sequence.

    $$\log p(y \mid x) = \sum_{t=1}^{T+1} \log p(y_t \mid y_{<t}, x)$$
    $$s_t = \mathrm{GRU}(s_{t-1}, [E y_{t-1}; c_t])$$
    $$p(\,\cdot \mid y_{<t}, x) = \mathrm{softmax}(W [s_t; c_t] + b)$$

    The encoder is a GRU that reads x in both directions. The context c_t is the mean of its states
    under `AdditiveAttention` with the query s_{t−1}, or, without attention, the two last states,
    the same for all t. The symbol V is written as the end, y_{T+1}, and read as the start, y_0.
    So the probabilities of the sequences of all lengths sum to 1.

    Targets (B, T) and sources (B, S) are rows with −1 behind their ends. A source may lie on the
    CPU wherever the model is: its lengths are needed there.

    Args:
        num_source: number of source symbols.
        num_target: V, number of target symbols, the end not counted.
        embedding: size of a symbol's vector.
        hidden: H, units of the decoder, and of each direction of the encoder.
        attention: False gives the decoder one vector for the whole source.

    References: Cho et al. 2014, arXiv 1406.1078; Bahdanau et al. 2014, arXiv 1409.0473.

    Taught in: applications/text
    """

    def __init__(
        self,
        num_source: int,
        num_target: int,
        *,
        embedding: int = 32,
        hidden: int = 64,
        attention: bool = True,
    ) -> None:
        super().__init__()
        check_counts(num_source=num_source, num_target=num_target)
        self.num_source, self.num_target, self.end = num_source, num_target, num_target
        self.read = nn.Embedding(num_source, embedding)
        self.encoder = nn.GRU(embedding, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.attention = AdditiveAttention(hidden, 2 * hidden, hidden) if attention else None
        self.write = nn.Embedding(num_target + 1, embedding)
        self.decoder = nn.GRUCell(embedding + 2 * hidden, hidden)
        self.output = nn.Linear(3 * hidden, num_target + 1)

    def encode(self, source: Tensor) -> State:
        """What the decoder needs of a source (B, S).

        Its first state (B, H), the encoder's states (B, S, 2H), their keys (B, S, H), and (B, S)
        bool, True on symbols. Without attention S is 1: the last states.
        """
        source = check_rows("source", source, self.num_source, shortest=1)
        # sorted here: torch's `enforce_sorted=False` reads the order back from an accelerator
        lengths, order = (source >= 0).sum(1).cpu().sort(descending=True)
        source = source.to(self.output.weight.device)
        order, back = order.to(source.device), order.argsort().to(source.device)
        mask, x = source >= 0, self.read(source.clamp(min=0))
        states, last = self.encoder(pack_padded_sequence(x[order], lengths, batch_first=True))
        ends = last.transpose(0, 1).flatten(1)[back]  # (B, 2H)
        s = torch.tanh(self.bridge(ends))
        if self.attention is None:
            return s, ends[:, None], ends[:, None], mask[:, :1]
        h, _ = pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        h = h[back]
        return s, h, self.attention.keys(h), mask

    def step(self, token: Tensor, state: State | None) -> tuple[Tensor, State]:
        """One symbol further, for `helpers.samplers`: token (N,) to logits (N, V + 1)."""
        assert state is not None
        return self._look_and_write(token, state)[:2]

    def begin(self, source: Tensor) -> tuple[Tensor, State]:
        """The arguments of the first call of `step`."""
        state = self.encode(source)
        return torch.full_like(state[3][:, 0], self.end, dtype=torch.int64), state

    def forward(
        self, target: Tensor, source: Tensor, *, own: float = 0.0, rng: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits of each symbol given the *true* ones before it: teacher forcing.

        With probability `own` a symbol that is read is replaced by one drawn from the model's own
        distribution (scheduled sampling). Returns logits (B, T + 1, V + 1) and the attention's
        weights (B, T + 1, S).
        """
        check_between("own", own, 0, 1)
        target = check_rows("target", target, self.num_target, like=self.output.weight)
        state = self.encode(source)
        logits: list[Tensor] = []
        weights: list[Tensor] = []
        for token in F.pad(target.clamp(min=0), (1, 0), value=self.end).unbind(1):
            if logits and own > 0:
                drawn = choose(logits[-1].detach().softmax(-1), rng)
                coin = uniform(token.shape, logits[-1], rng)
                token = torch.where(coin < own, drawn, token)
            z, state, alpha = self._look_and_write(token, state)
            logits.append(z)
            weights.append(alpha)
        return torch.stack(logits, 1), torch.stack(weights, 1)

    def loss(
        self, target: Tensor, source: Tensor, *, own: float = 0.0, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean −log p of a target, the end included, in nats, and ``nats_per_symbol``.

        With `own` above 0 (see `forward`) it is the loss of scheduled sampling, no likelihood.
        """
        nats = -self.log_conditionals(target, source, own=own, rng=rng).sum(1)
        symbols = (target >= 0).sum() + len(target)
        return {"loss": nats.mean(), "nats_per_symbol": nats.detach().sum() / symbols}

    def log_conditionals(self, target: Tensor, source: Tensor, **options: Any) -> Tensor:
        """Log-probability of each symbol and of the end: (B, T + 1) nats, 0 behind the end."""
        logits, _ = self(target, source, **options)
        y = with_end(target.long(), self.end)
        flat = logits.flatten(0, 1), y.flatten()
        return -F.cross_entropy(*flat, ignore_index=PADDING, reduction="none").view_as(y)

    def log_prob(self, target: Tensor, source: Tensor) -> Tensor:
        """Exact log p(target | source), the end included: (B, T) and (B, S) to (B,) nats."""
        return self.log_conditionals(target, source).sum(1)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        source: Tensor,
        length: int = 100,
        keep: Filter | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """Draw n targets for each source, one after the other: (B · n, T) int64.

        A target has at most `length` symbols. The filter ``keep=lambda z: top_k(z, 1)`` is the
        greedy choice.
        """
        token, state = self.begin(source)
        token, state = token.repeat_interleave(n), tuple(s.repeat_interleave(n, 0) for s in state)
        rows = ancestral(self.step, token, state, length=length, keep=keep, end=self.end, rng=rng)
        return without_end(rows, self.end)

    @torch.no_grad()
    def beam(self, source: Tensor, *, width: int, length: int = 100) -> tuple[Tensor, Tensor]:
        """The most probable targets of one source (1, S) that a beam finds, best first.

        Targets (W, T) and log p (W,) in nats. A target that fills all `length` places may have no
        end, and then its log p is that of a beginning.
        """
        token, state = self.begin(source)
        rows, log_p = beam_search(self.step, token, state, length=length, width=width, end=self.end)
        return without_end(rows, self.end), log_p

    def _look_and_write(self, token: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        s, h, keys, mask = state
        if self.attention is None:
            c, alpha = h[:, 0], mask.to(h.dtype)
        else:
            c, alpha = self.attention(s, h, keys, mask)
        s = self.decoder(torch.cat([self.write(token), c], 1), s)
        return self.output(torch.cat([s, c], 1)), (s, h, keys, mask), alpha
