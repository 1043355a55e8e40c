r"""Sequences from a model of the next symbol: filters of its logits, sampling, beam search.

The model is a callable ``step(token, state) -> (logits, state)``: token (N,) int64, logits (N, V).
The state is None or a tuple of tensors whose first dimension is N; nothing else is known of it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_floating,
    check_integer,
    check_nonempty,
    check_positive,
    check_shape,
)

State = tuple[Tensor, ...] | None
NextSymbol = Callable[[Tensor, State], tuple[Tensor, State]]
Filter = Callable[[Tensor], Tensor]


def temperature(logits: Tensor, value: float) -> Tensor:
    r"""Logits of the distribution proportional to p^(1/value).

    Args:
        logits: (..., V).
        value: above 0; below 1 sharpens, 1 changes nothing, above 1 flattens.

    Raises:
        ValueError: `value` is not positive.

    >>> temperature(torch.tensor([0.0, 1.0]), 0.5)
    tensor([0., 2.])

    Taught in: models/rnn
    """
    check_floating("logits", logits)
    check_positive("value", value, hint="for the most probable symbol use top_k(logits, 1)")
    return logits / value


def top_k(logits: Tensor, k: int) -> Tensor:
    r"""Keep the k largest logits, and give the others −∞.

    Args:
        logits: (..., V).
        k: number of symbols kept, from 1 to V; of equal logits an arbitrary one is kept.

    Raises:
        ValueError: `k` below 1 or above V.

    >>> top_k(torch.tensor([0.0, 2.0, 1.0]), 2)
    tensor([-inf, 2., 1.])

    Taught in: models/rnn
    """
    check_floating("logits", logits)
    check_at_least("k", k, 1)
    if k > logits.shape[-1]:
        raise argument_error("k", f"be at most the {logits.shape[-1]} symbols", k)
    index = logits.topk(k, -1).indices
    return torch.full_like(logits, -torch.inf).scatter(-1, index, logits.gather(-1, index))


def nucleus(logits: Tensor, p: float) -> Tensor:
    r"""Keep the smallest set of most probable symbols that holds at least p; others get −∞.

    Args:
        logits: (..., V).
        p: share of the probability, in (0, 1]; 1 keeps all.

    Raises:
        ValueError: `p` outside (0, 1].

    >>> nucleus(torch.tensor([0.5, 0.2, 0.3]).log(), 0.7).exp()
    tensor([0.5000, 0.0000, 0.3000])

    Taught in: models/rnn
    """
    check_floating("logits", logits)
    check_positive("p", p)
    if p > 1:
        raise argument_error("p", "lie in (0, 1]", p)
    if p == 1:
        return logits
    ordered, index = logits.sort(dim=-1, descending=True, stable=True)
    mass = ordered.softmax(-1)
    before = mass.cumsum(-1) - mass  # what the more probable ones hold already
    ordered = ordered.masked_fill(before >= p, -torch.inf)
    return torch.empty_like(logits).scatter(-1, index, ordered)


@torch.no_grad()
def ancestral(
    step: NextSymbol,
    token: Tensor,
    state: State = None,
    *,
    length: int,
    keep: Filter | None = None,
    rng: torch.Generator | None = None,
) -> Tensor:
    r"""Draw symbol after symbol, each from the model's distribution given those before it.

    The state is carried, so T symbols cost T steps.

    Args:
        step: the model of the next symbol.
        token: last symbol before the first drawn one, of each sequence: (N,) int64.
        state: the model's state before it reads `token`.
        length: number T of symbols to draw.
        keep: filter of the logits, ``lambda logits: top_k(logits, 5)`` for instance.
        rng: source of randomness; without one, the global state of torch.

    Returns:
        (N, T) int64.

    Raises:
        ValueError: no sequence, or `length` below 1.

    >>> def alternate(token, state):
    ...     return torch.where(token[:, None] == torch.arange(2), -torch.inf, 0.0), state
    >>> ancestral(alternate, torch.tensor([0, 1]), length=3)
    tensor([[1, 0, 1],
            [0, 1, 0]])

    Taught in: models/rnn
    """
    _check_start(token)
    check_at_least("length", length, 1)
    drawn = torch.empty(len(token), length, dtype=torch.int64, device=token.device)
    for t in range(length):
        logits, state = step(token, state)
        p = (logits if keep is None else keep(logits)).softmax(-1)
        token = torch.multinomial(p, 1, generator=rng)[:, 0]
        drawn[:, t] = token
    return drawn


@torch.no_grad()
def beam_search(
    step: NextSymbol, token: Tensor, state: State = None, *, length: int, width: int
) -> tuple[Tensor, Tensor]:
    r"""Search for the most probable continuations, keeping the best `width` prefixes.

    With ``width`` ≥ V^(T−1) nothing is thrown away before the last symbol, and the search is exact.

    Args:
        step: the model of the next symbol.
        token: last symbol before the first one sought, (1,) int64.
        state: the model's state before it reads `token`.
        length: number T of symbols sought.
        width: number of prefixes kept, at least 1; 1 is the greedy choice.

    Returns:
        Continuations (W, T), best first, and their log-probabilities (W,) in nats, where W is
        `width`, or fewer where fewer continuations exist.

    Raises:
        ValueError: `token` is not one symbol, or a count is below 1.

    >>> def toward_one(token, state):
    ...     return torch.tensor([0.1, 0.9]).log().expand(len(token), 2), state
    >>> found, log_p = beam_search(toward_one, torch.tensor([0]), length=2, width=2)
    >>> found.tolist(), log_p.exp()
    ([[1, 1], [0, 1]], tensor([0.8100, 0.0900]))

    Taught in: models/rnn
    """
    _check_start(token)
    check_shape("token", token, (1,), hint="one search at a time")
    check_at_least("length", length, 1)
    check_at_least("width", width, 1)
    found = torch.empty(1, 0, dtype=torch.int64, device=token.device)
    score: Tensor | None = None
    for _ in range(length):
        logits, state = step(token, state)
        step_score = logits.log_softmax(-1)
        total = step_score if score is None else score[:, None] + step_score  # (W, V)
        alive = int(total.isfinite().sum())
        score, place = total.flatten().topk(min(width, alive))
        parent, token = place // logits.shape[-1], place % logits.shape[-1]
        found = torch.cat([found[parent], token[:, None]], 1)
        state = None if state is None else tuple(part[parent] for part in state)
    assert score is not None
    return found, score


def _check_start(token: Tensor) -> None:
    check_integer("token", token)
    check_shape("token", token, ("N",))
    check_nonempty("token", token)
