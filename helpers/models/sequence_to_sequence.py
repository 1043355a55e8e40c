r"""An encoder reads one sequence, a decoder writes another while it looks back at the first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_nonempty,
    check_range,
    check_same_device,
    check_shape,
)
from helpers.networks.attention import AdditiveAttention
from helpers.samplers.decoding import Filter, ancestral, beam_search

State = tuple[Tensor, ...]
PADDING = -1


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    r"""Rows of different lengths as one tensor, with −1 behind the end of the shorter ones.

    Raises:
        ValueError: no row.

    >>> pad([[4, 2], [7]])
    tensor([[ 4,  2],
            [ 7, -1]])

    Taught in: applications/text.
    """
    if not rows:
        raise argument_error("rows", "hold at least one row", "none")
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[PADDING] * (width - len(row))] for row in rows])


class SequenceToSequence(nn.Module):
    r"""A distribution over target sequences for each source sequence.

    .. math:: \log p(y \mid x) = \sum_{t=1}^{T+1} \log p(y_t \mid y_{<t}, x), \qquad
              s_t = \mathrm{GRU}(s_{t-1}, [E y_{t-1}; c_t]), \qquad
              p(\,\cdot \mid y_{<t}, x) = \mathrm{softmax}(W [s_t; c_t] + b)

    The encoder is a GRU that reads x in both directions. The context c_t is the mean of its states
    under `AdditiveAttention` with the query s_{t−1}, or, without attention, the two last states,
    the same for all t. The symbol V is written as the end, y_{T+1}, and read as the start, y_0.
    So the probabilities of the sequences of all lengths sum to 1.

    Args:
        num_source: number of source symbols.
        num_target: V, number of target symbols, the end not counted.
        embedding: size of a symbol's vector.
        hidden: units of the decoder, and of each direction of the encoder.
        attention: False gives the decoder one vector for the whole source.
        length: most symbols of a target that is sampled or searched for, unless told otherwise.

    Raises:
        ValueError: an argument out of range.

    References: Cho et al. 2014, arXiv 1406.1078; Bahdanau et al. 2014, arXiv 1409.0473.

    >>> model = SequenceToSequence(9, 5, embedding=4, hidden=6)
    >>> source, target = pad([[8, 0, 1], [3]]), pad([[4], [2, 2]])
    >>> model.log_prob(target, source).shape
    torch.Size([2])

    Taught in: applications/text.
    """

    def __init__(
        self,
        num_source: int,
        num_target: int,
        *,
        embedding: int = 32,
        hidden: int = 64,
        attention: bool = True,
        length: int = 20,
    ) -> None:
        super().__init__()
        sizes = {"num_source": num_source, "num_target": num_target, "embedding": embedding}
        for name, size in (sizes | {"hidden": hidden, "length": length}).items():
            check_at_least(name, size, 1)
        self.num_source, self.num_target, self.end = num_source, num_target, num_target
        self.hidden, self.length = hidden, length
        self.read = nn.Embedding(num_source, embedding)
        self.encoder = nn.GRU(embedding, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.attention = AdditiveAttention(hidden, 2 * hidden, hidden) if attention else None
        self.write = nn.Embedding(num_target + 1, embedding)
        self.decoder = nn.GRUCell(embedding + 2 * hidden, hidden)
        self.output = nn.Linear(3 * hidden, num_target + 1)

    def encode(self, source: Tensor) -> State:
        r"""What the decoder needs of a source: (B, S), −1 behind the ends, to a tuple.

        Returns:
            The decoder's first state (B, H), the encoder's states (B, S, 2H), their keys
            (B, S, H), and (B, S) bool, True on symbols. Without attention S is 1: the last states.
        """
        self._check("source", source, self.num_source, shortest=1)
        mask = source >= 0
        lengths = mask.sum(1)
        x = self.read(source.clamp(min=0))
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, last = self.encoder(packed)
        ends = last.transpose(0, 1).flatten(1)  # (B, 2H)
        start = torch.tanh(self.bridge(ends))
        if self.attention is None:
            return start, ends[:, None], ends[:, None], mask.new_ones(len(source), 1)
        h, _ = pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        return start, h, self.attention.keys(h), mask

    def step(self, token: Tensor, state: State | None) -> tuple[Tensor, State]:
        r"""One symbol further, for `helpers.samplers.decoding`: token (N,) to logits (N, V + 1).

        After the end only the end can follow, with probability 1.
        """
        assert state is not None
        logits, after, _ = self._look_and_write(token, state[:4])
        ended = (token == self.end) & state[4]
        only_end = torch.full_like(logits, -torch.inf)
        only_end[:, self.end] = 0.0
        logits = torch.where(ended[:, None], only_end, logits)
        return logits, (*after, torch.ones_like(state[4]))

    def start(self, source: Tensor) -> tuple[Tensor, State]:
        r"""The arguments of the first call of `step`."""
        state = self.encode(source)
        token = torch.full((len(source),), self.end, device=source.device)
        return token, (*state, torch.zeros_like(token, dtype=torch.bool))

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        *,
        own: float = 0.0,
        rng: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        r"""Logits of each symbol given the *true* ones before it: teacher forcing.

        Args:
            source: (B, S) int64, −1 behind the ends.
            target: (B, T) int64, −1 behind the ends.
            own: probability with which a symbol that is read is replaced by one drawn from the
                model's own distribution (scheduled sampling).
            rng: source of these draws.

        Returns:
            Logits (B, T + 1, V + 1), the last symbol being the end, and the attention's weights
            (B, T + 1, S).
        """
        check_at_least("own", own, 0.0)
        if own > 1:
            raise argument_error("own", "lie in [0, 1]", own)
        state = self.encode(source)
        self._check("target", target, self.num_target, rows=len(source))
        token = torch.full((len(source),), self.end, device=source.device)
        logits, weights = [], []
        for t in range(target.shape[1] + 1):
            z, state, alpha = self._look_and_write(token, state)
            logits.append(z)
            weights.append(alpha)
            if t == target.shape[1]:
                break
            token = target[:, t].clamp(min=0)
            if own > 0:
                drawn = torch.multinomial(z.detach().softmax(-1), 1, generator=rng)[:, 0]
                coin = torch.rand(len(token), generator=rng, device=token.device)
                token = torch.where(coin < own, drawn, token)
        return torch.stack(logits, 1), torch.stack(weights, 1)

    def loss(
        self,
        source: Tensor,
        target: Tensor,
        *,
        own: float = 0.0,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""Mean negative log-likelihood of a target symbol, the end included, in nats.

        Arguments as in `forward`. With `own` above 0 it is the loss of scheduled sampling, which
        is no likelihood.

        Returns:
            ``loss``.
        """
        logits, _ = self(source, target, own=own, rng=rng)
        return {
            "loss": F.cross_entropy(
                logits.flatten(0, 1), self._with_end(target).flatten(), ignore_index=PADDING
            )
        }

    def log_conditionals(self, target: Tensor, source: Tensor) -> Tensor:
        r"""Log-probability of each symbol and of the end: (B, T + 1) nats, 0 behind the end."""
        logits, _ = self(source, target)
        y = self._with_end(target)
        log_p: Tensor = logits.log_softmax(-1).gather(-1, y.clamp(min=0)[..., None])[..., 0]
        return log_p.masked_fill(y == PADDING, 0.0)

    def log_prob(self, target: Tensor, source: Tensor) -> Tensor:
        r"""Exact log p(target | source), the end included: (B, T) and (B, S) to (B,) nats."""
        return self.log_conditionals(target, source).sum(1)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        source: Tensor,
        length: int | None = None,
        keep: Filter | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw n targets for each source.

        Args:
            n: at least 1.
            source: (B, S) int64, −1 behind the ends.
            length: most symbols; by default that of the constructor.
            keep: filter of the logits; ``lambda z: top_k(z, 1)`` is the greedy choice.
            rng: source of randomness; without one, the global state of torch.

        Returns:
            (B · n, T) int64, −1 behind the ends, the n targets of a source one after the other.
        """
        check_at_least("n", n, 1)
        if rng is not None:
            device = self.output.weight.device
            check_same_device("rng", rng, "the model", device)
        token, state = self.start(source)
        token, state = (token.repeat_interleave(n), tuple(s.repeat_interleave(n, 0) for s in state))
        length = self.length if length is None else length
        drawn = ancestral(self.step, token, state, length=length, keep=keep, rng=rng)
        return self._cut(drawn)

    @torch.no_grad()
    def beam(
        self, source: Tensor, *, width: int, length: int | None = None
    ) -> tuple[Tensor, Tensor]:
        r"""The most probable targets of one source (1, S) that a beam finds, best first.

        Returns:
            Targets (W, T), −1 behind the ends, and log p (W,) in nats. A target that fills all
            `length` places may have no end, and then its log p is that of a beginning.
        """
        check_shape("source", source, (1, "S"), hint="one search at a time")
        token, state = self.start(source)
        length = self.length if length is None else length
        found, log_p = beam_search(self.step, token, state, length=length, width=width)
        return self._cut(found), log_p

    def _look_and_write(self, token: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        s, h, keys, mask = state
        if self.attention is None:
            c, alpha = h[:, 0], mask.to(h.dtype)
        else:
            c, alpha = self.attention(s, h, keys, mask)
        s = self.decoder(torch.cat([self.write(token), c], 1), s)
        return self.output(torch.cat([s, c], 1)), (s, h, keys, mask), alpha

    def _with_end(self, target: Tensor) -> Tensor:
        """The end behind the last symbol of each row: (B, T) to (B, T + 1)."""
        longer = F.pad(target, (0, 1), value=PADDING)
        lengths = (target >= 0).sum(1, keepdim=True)
        return longer.scatter(1, lengths, self.end)

    def _cut(self, drawn: Tensor) -> Tensor:
        return drawn.masked_fill((drawn == self.end).cummax(1).values, PADDING)

    def _check(
        self, name: str, x: Tensor, symbols: int, *, shortest: int = 0, rows: int | None = None
    ) -> None:
        check_integer(name, x)
        check_shape(name, x, ("B" if rows is None else rows, "T"))
        if shortest or not len(x):
            check_nonempty(name, x)
        check_same_device(name, x, "the model", self.output.weight.device)
        check_range(name, x, PADDING, symbols - 1, hint="encode with the alphabet of the model")
        held = x >= 0
        if (held[:, 1:] & ~held[:, :-1]).any():
            raise argument_error(name, "have padding only behind the end of a row", "it before")
        if shortest and not held[:, 0].all():
            raise argument_error(name, "hold at least one symbol in each row", "an empty row")
