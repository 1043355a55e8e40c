"""Sequences from a model of the next symbol: filters of its logits, sampling, beam search.

The model is a callable ``step(token, state) -> (logits, state)``: token (N,) int64, logits (N, V).
The state is None or a tuple of tensors whose first dimension is N.

Taught in: models/rnn, applications/text
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from helpers.checks import argument_error, check_between, check_counts, check_data
from helpers.random import choose

State = tuple[Tensor, ...] | None
NextSymbol = Callable[[Tensor, State], tuple[Tensor, State]]
Filter = Callable[[Tensor], Tensor]


def temperature(logits: Tensor, value: float) -> Tensor:
    """Logits (..., V) of the distribution proportional to p^(1/value).

    A value below 1 sharpens, 1 changes nothing, above 1 flattens.
    """
    hint = "for the most probable symbol use top_k(logits, 1)"
    check_between("value", value, 0, ends="()", hint=hint)
    return logits / value


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits (..., V), of equal ones an arbitrary one; the others get −∞.

    >>> top_k(torch.tensor([0.0, 2.0, 1.0]), 2)
    tensor([-inf, 2., 1.])
    """
    check_counts(k=k)
    if k > logits.shape[-1]:
        raise argument_error("k", f"be at most the {logits.shape[-1]} symbols", k)
    index = logits.topk(k, -1).indices
    return torch.full_like(logits, -torch.inf).scatter(-1, index, logits.gather(-1, index))


def nucleus(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of symbols that holds at least p, in (0, 1]; the others get −∞.

    >>> nucleus(torch.tensor([0.5, 0.2, 0.3]).log(), 0.7).exp()
    tensor([0.5000, 0.0000, 0.3000])
    """
    check_between("p", p, 0, 1, ends="(]")
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
    end: int | None = None,
    rng: Generator | None = None,
) -> Tensor:
    """Draw symbol after symbol, each given those before it: (N, T) int64.

    Args:
        step: the model of the next symbol.
        token: last symbol before the first drawn one: (N,) int64.
        state: the model's state before it reads `token`.
        length: number T of symbols to draw.
        keep: filter of the logits, such as ``lambda logits: top_k(logits, 5)``.
        end: a symbol after which nothing else follows.
        rng: source of randomness.

    >>> def alternate(token, state):
    ...     return torch.where(token[:, None] == torch.arange(2), -torch.inf, 0.0), state
    >>> ancestral(alternate, torch.tensor([0, 1]), length=3)
    tensor([[1, 0, 1],
            [0, 1, 0]])
    """
    check_counts(length=length)
    token = check_data("token", token, ("N",), "integer")
    drawn, ended = [], torch.zeros_like(token, dtype=torch.bool)
    for _ in range(length):
        logits, state = step(token, state)
        token = choose((logits if keep is None else keep(logits)).softmax(-1), rng)
        if end is not None:
            token = token.masked_fill(ended, end)
            ended = token == end
        drawn.append(token)
    return torch.stack(drawn, 1)


@torch.no_grad()
def beam_search(
    step: NextSymbol,
    token: Tensor,
    state: State = None,
    *,
    length: int,
    width: int,
    end: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Search for the most probable continuations, keeping the best `width` prefixes.

    With ``width`` ≥ V^(T−1) nothing is thrown away before the last symbol, and the search is exact.

    Args:
        step: the model of the next symbol.
        token: last symbol before the first one sought, (1,) int64.
        state: the model's state before it reads `token`.
        length: number T of symbols sought.
        width: number of prefixes kept; 1 is the greedy choice.
        end: a symbol after which it alone can follow, with probability 1.

    Returns:
        Continuations (W, T), best first, and their log-probabilities (W,) in nats, where W is
        `width`, or fewer where fewer continuations exist.
    """
    check_counts(length=length, width=width)
    token = check_data("token", token, (1,), "integer", hint="one search at a time")
    found = token[:, None][:, :0]  # (W, symbols so far)
    total = torch.zeros(1, device=token.device)
    for _ in range(length):
        logits, state = step(token, state)
        log_p = logits.log_softmax(-1)
        if end is not None:
            only_end = torch.full_like(log_p, -torch.inf)
            only_end[:, end] = 0.0
            log_p = torch.where((found == end).any(1, keepdim=True), only_end, log_p)
        scores = total[:, None] + log_p  # (W, V)
        total, place = scores.flatten().topk(min(width, scores.numel()))
        parent, token = place // logits.shape[-1], place % logits.shape[-1]
        found = torch.cat([found[parent], token[:, None]], 1)
        state = None if state is None else tuple(part[parent] for part in state)
    possible = total > -torch.inf
    return found[possible], total[possible]
