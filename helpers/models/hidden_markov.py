r"""Hidden Markov models: forward–backward, Viterbi, Baum–Welch."""

from __future__ import annotations

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_integer,
    check_nonempty,
    check_range,
    check_shape,
)


class HiddenMarkovModel:
    r"""A Markov chain of hidden states, each of which emits one of V symbols.

    .. math:: p(x, z) = \pi_{z_1} \prod_{t=2}^T A_{z_{t-1} z_t} \prod_{t=1}^T B_{z_t x_t}

    Args:
        initial: π, shape (K,), probabilities.
        transition: A, shape (K, K), rows sum to 1.
        emission: B, shape (K, V), rows sum to 1.

    Raises:
        TypeError: a table is not floating-point.
        ValueError: a shape does not fit, an entry is negative, or a row does not sum to 1.

    >>> coin = HiddenMarkovModel(
    ...     torch.tensor([0.5, 0.5]), torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    ... )
    >>> coin.log_prob(torch.tensor([[0, 0, 0], [0, 1, 0]])).exp()
    tensor([0.5000, 0.0000])

    Taught in: background/classical_models
    """

    def __init__(self, initial: Tensor, transition: Tensor, emission: Tensor) -> None:
        k = initial.numel()
        check_shape("initial", initial, (k,))
        check_shape("transition", transition, (k, k))
        check_shape("emission", emission, (k, "V"))
        tables = (("initial", initial), ("transition", transition), ("emission", emission))
        for name, table in tables:
            _check_distribution(name, table)
        self.initial, self.transition, self.emission = initial, transition, emission
        self.history: list[float] = []

    @classmethod
    def random(
        cls, states: int, num_symbols: int, *, rng: torch.Generator | None = None
    ) -> HiddenMarkovModel:
        r"""Random tables (uniform numbers, normalised) to start Baum–Welch from.

        >>> HiddenMarkovModel.random(3, 5).emission.shape
        torch.Size([3, 5])
        """
        check_at_least("states", states, 1)
        check_at_least("num_symbols", num_symbols, 2)
        shapes = ((states,), (states, states), (states, num_symbols))
        tables = [torch.rand(shape, generator=rng) + 0.1 for shape in shapes]
        return cls(*(table / table.sum(-1, keepdim=True) for table in tables))

    def log_forward(self, x: Tensor) -> Tensor:
        r"""The forward pass.

        .. math:: \alpha_t(k) = p(x_1, \dots, x_t, z_t = k)
                  = B_{k x_t} \sum_j \alpha_{t-1}(j) A_{jk}

        Args:
            x: symbols, shape (B, T).

        Returns:
            log α, shape (B, T, K), nats.
        """
        log_emission, log_transition = self._log_emission(x), self.transition.log()
        alpha = [self.initial.log() + log_emission[:, 0]]
        for t in range(1, x.shape[1]):
            arriving = (alpha[-1][:, :, None] + log_transition).logsumexp(1)  # (B, K)
            alpha.append(arriving + log_emission[:, t])
        return torch.stack(alpha, 1)

    def log_backward(self, x: Tensor) -> Tensor:
        r"""The backward pass.

        .. math:: \beta_t(k) = p(x_{t+1}, \dots, x_T \mid z_t = k)
                  = \sum_j A_{kj} B_{j x_{t+1}} \beta_{t+1}(j)

        Args:
            x: symbols, shape (B, T).

        Returns:
            log β, shape (B, T, K), nats; zero at the last time.
        """
        log_emission, log_transition = self._log_emission(x), self.transition.log()
        beta = [torch.zeros_like(log_emission[:, 0])]
        for t in range(x.shape[1] - 1, 0, -1):
            ahead = log_emission[:, t] + beta[-1]  # (B, K)
            beta.append((log_transition + ahead[:, None]).logsumexp(2))
        return torch.stack(beta[::-1], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        r"""Exact log-likelihood of each sequence: symbols (B, T) to (B,) nats."""
        return self.log_forward(x)[:, -1].logsumexp(1)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""What the whole sequence says about the states (forward–backward).

        Args:
            x: symbols, shape (B, T).

        Returns:
            p(z_t = k | x), shape (B, T, K), and p(z_t = j, z_{t+1} = k | x), (B, T−1, K, K).

        Raises:
            ValueError: a sequence has probability zero.
        """
        alpha, beta = self.log_forward(x), self.log_backward(x)
        log_prob = alpha[:, -1].logsumexp(1)[:, None, None]
        self._check_possible(log_prob)
        single = (alpha + beta - log_prob).exp()
        ahead = (self._log_emission(x) + beta)[:, 1:]
        pair = alpha[:, :-1, :, None] + self.transition.log() + ahead[:, :, None]
        return single, (pair - log_prob[..., None]).exp()

    def viterbi(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""The most probable path of states.

        .. math:: \delta_t(k) = B_{k x_t} \max_j \delta_{t-1}(j) A_{jk}

        Args:
            x: symbols, shape (B, T).

        Returns:
            The path, (B, T) int64, and max_z log p(x, z), (B,) nats.

        Raises:
            ValueError: a sequence has probability zero.
        """
        log_emission, log_transition = self._log_emission(x), self.transition.log()
        delta = self.initial.log() + log_emission[:, 0]
        came_from = []
        for t in range(1, x.shape[1]):
            best, index = (delta[:, :, None] + log_transition).max(1)  # (B, K)
            delta = best + log_emission[:, t]
            came_from.append(index)
        best, state = delta.max(1)
        self._check_possible(best)
        path = [state]
        for index in reversed(came_from):
            path.append(index.gather(1, path[-1][:, None])[:, 0])
        return torch.stack(path[::-1], 1), best

    def em_step(self, x: Tensor) -> None:
        r"""One step of Baum–Welch, in place: expected counts, then relative frequencies.

        The likelihood of `x` does not fall. A state that is never visited keeps its rows.

        Args:
            x: symbols, shape (B, T).
        """
        single, pair = self.posterior(x)
        symbols = torch.zeros(x.shape + self.emission.shape[1:], dtype=single.dtype).to(x.device)
        symbols.scatter_(2, x[..., None], 1.0)  # (B, T, V)
        emitted = torch.einsum("btk,btv->kv", single, symbols)
        self.initial = single[:, 0].mean(0)
        self.transition = _frequencies(pair.sum((0, 1)), self.transition)
        self.emission = _frequencies(emitted, self.emission)

    def fit(self, x: Tensor, *, max_steps: int = 100, tolerance: float = 1e-6) -> HiddenMarkovModel:
        r"""Baum–Welch from the present tables.

        Args:
            x: symbols, shape (B, T).
            max_steps: limit of the steps.
            tolerance: stop when a step gains less, in nats a symbol.

        Returns:
            The model itself; ``history`` holds the mean nats a symbol before and after each step.
        """
        check_at_least("max_steps", max_steps, 1)
        check_at_least("tolerance", tolerance, 0.0)
        self.history = [float(self.log_prob(x).mean()) / x.shape[1]]
        for _ in range(max_steps):
            self.em_step(x)
            self.history.append(float(self.log_prob(x).mean()) / x.shape[1])
            if self.history[-1] - self.history[-2] < tolerance:
                break
        return self

    @torch.no_grad()
    def sample(
        self, n: int, *, length: int, rng: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        r"""Draw states, then symbols.

        Args:
            n: number of sequences, at least 1.
            length: number T of symbols of each.
            rng: source of randomness; without one, the global state of torch.

        Returns:
            Symbols (n, T) and states (n, T), int64.
        """
        check_at_least("n", n, 1)
        check_at_least("length", length, 1)
        state = torch.multinomial(self.initial, n, replacement=True, generator=rng)
        states, symbols = [], []
        for _ in range(length):
            states.append(state)
            symbols.append(torch.multinomial(self.emission[state], 1, generator=rng)[:, 0])
            state = torch.multinomial(self.transition[state], 1, generator=rng)[:, 0]
        return torch.stack(symbols, 1), torch.stack(states, 1)

    def _log_emission(self, x: Tensor) -> Tensor:
        check_integer("x", x)
        check_shape("x", x, ("B", "T"), hint="add a batch dimension with x[None]")
        check_nonempty("x", x)
        check_range("x", x, 0, self.emission.shape[1] - 1)
        return self.emission.log().T[x]  # (B, T, K)

    def _check_possible(self, log_prob: Tensor) -> None:
        if log_prob.isneginf().any():
            index = int(log_prob.flatten().isneginf().nonzero()[0])
            got = f"sequence {index}, which no path of states can produce"
            hint = "give its symbols and transitions a positive probability"
            raise argument_error("x", "have positive probability", got, hint)


def _frequencies(counts: Tensor, previous: Tensor) -> Tensor:
    total = counts.sum(-1, keepdim=True)
    return torch.where(total > 1e-12, counts / total.clamp_min(1e-12), previous)


def _check_distribution(name: str, table: Tensor) -> None:
    check_floating(name, table)
    check_finite(name, table)
    check_range(name, table, 0.0, 1.0, hint="its entries are probabilities")
    total = table.sum(-1).flatten()
    worst = float(total[(total - 1.0).abs().argmax()])
    if abs(worst - 1.0) > 1e-4:
        raise argument_error(name, "have rows that sum to 1", f"a sum of {worst:.6g}")
