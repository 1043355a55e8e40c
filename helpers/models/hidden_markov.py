"""Hidden Markov models: forward–backward, Viterbi, Baum–Welch."""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from helpers.checks import argument_error, check_counts, check_data
from helpers.random import choose, uniform


class HiddenMarkovModel(nn.Module):
    r"""A Markov chain of hidden states, each of which emits one of V symbols.

    $$p(x, z) = \pi_{z_1} \prod_{t=2}^T A_{z_{t-1} z_t} \prod_{t=1}^T B_{z_t x_t}$$

    Args:
        initial: π, shape (K,).
        transition: A, shape (K, K).
        emission: B, shape (K, V).

    >>> coin = HiddenMarkovModel(torch.tensor([0.5, 0.5]), torch.eye(2), torch.eye(2))
    >>> coin.log_prob(torch.tensor([[0, 0, 0], [0, 1, 0]])).exp()
    tensor([0.5000, 0.0000])

    Taught in: background/classical_models
    """

    initial: Tensor
    transition: Tensor
    emission: Tensor

    def __init__(self, initial: Tensor, transition: Tensor, emission: Tensor) -> None:
        super().__init__()
        k, self.history = initial.numel(), list[float]()
        tables = {"initial": initial, "transition": transition, "emission": emission}
        for (name, table), shape in zip(tables.items(), [(k,), (k, k), (k, "V")]):
            check_data(name, table, shape, like=initial, low=0.0, high=1.0)
            worst = float((table.sum(-1) - 1.0).abs().max())
            if worst > 1e-4:
                raise argument_error(name, "have rows that sum to 1", f"one off by {worst:.3g}")
            self.register_buffer(name, table.clone())

    @classmethod
    def random(cls, states: int, num_symbols: int, *, rng: Generator | None = None) -> Self:
        """Random tables (uniform numbers, normalised) to start Baum–Welch from."""
        check_counts(states=states, num_symbols=num_symbols)
        shapes = ((states,), (states, states), (states, num_symbols))
        tables = [uniform(shape, torch.zeros(()), rng) + 0.1 for shape in shapes]
        return cls(*(table / table.sum(-1, keepdim=True) for table in tables))

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""Log p(z_t = k | x_1 … x_t), (B, T, K), and log p(x_t | x_<t), (B, T).

        $$\alpha_t(k) = p(x_1, \dots, x_t, z_t = k) = B_{k x_t} \sum_j \alpha_{t-1}(j) A_{jk},
          \qquad p(x_t \mid x_{<t}) = \frac{\sum_k \alpha_t(k)}{\sum_k \alpha_{t-1}(k)}$$
        """
        log_transition = self.transition.log()
        states, steps = [], []
        arriving = self.initial.log()  # log p(z_t | x_<t)
        for emitted in self._log_emission(x).unbind(1):
            joint = arriving + emitted  # log p(z_t, x_t | x_<t), (B, K)
            step = joint.logsumexp(1)  # log p(x_t | x_<t), (B,)
            state = _without(joint, step)
            arriving = (state[:, :, None] + log_transition).logsumexp(1)
            states.append(state)
            steps.append(step)
        return torch.stack(states, 1), torch.stack(steps, 1)

    def _backward(self, x: Tensor) -> Tensor:
        r"""Log β, (B, T, K), each time up to a constant: the factors of all states cancel later.

        $$\beta_t(k) = p(x_{t+1}, \dots, x_T \mid z_t = k)
          = \sum_j A_{kj} B_{j x_{t+1}} \beta_{t+1}(j)$$
        """
        log_emission, log_transition = self._log_emission(x), self.transition.log()
        beta = [torch.zeros_like(log_emission[:, 0])]
        for emitted in log_emission[:, 1:].flip(1).unbind(1):
            ahead = emitted + beta[-1]  # (B, K)
            beta.append((log_transition + ahead[:, None]).logsumexp(2).log_softmax(1))
        return torch.stack(beta[::-1], 1)

    def log_conditionals(self, x: Tensor) -> Tensor:
        """Log p(x_t | x_<t) of each symbol: (B, T) to (B, T) nats."""
        return self._forward(self._look(x))[1]

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log-likelihood of each sequence: symbols (B, T) to (B,) nats."""
        return self.log_conditionals(x).sum(1)

    @torch.no_grad()
    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""What a whole sequence (B, T) says about the states (forward–backward).

        $$p(z_t = j, z_{t+1} = k \mid x) \propto \alpha_t(j) A_{jk} B_{k x_{t+1}} \beta_{t+1}(k)$$

        Returns p(z_t = k | x), (B, T, K), and p(z_t = j, z_{t+1} = k | x), (B, T−1, K, K).
        """
        return self._posterior(self._look(x))[:2]

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        alpha, steps = self._forward(x)
        _check_possible(steps.sum(1))
        beta = self._backward(x)
        single = (alpha + beta).softmax(2)
        ahead = (self._log_emission(x) + beta)[:, 1:, None]
        pair = alpha[:, :-1, :, None] + self.transition.log() + ahead  # (B, T−1, K, K)
        return single, pair.flatten(2).softmax(2).reshape(pair.shape), steps

    @torch.no_grad()
    def viterbi(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""The most probable path of states, (B, T) int64, and max_z log p(x, z), (B,) nats.

        $$\delta_t(k) = B_{k x_t} \max_j \delta_{t-1}(j) A_{jk}$$
        """
        log_transition = self.transition.log()
        arriving, came_from, best = self.initial.log(), [], []
        for emitted in self._log_emission(self._look(x)).unbind(1):
            delta = arriving + emitted  # (B, K)
            best.append(delta.amax(1))
            delta = _without(delta, best[-1])  # only differences choose the path
            arriving, index = (delta[:, :, None] + log_transition).max(1)  # (B, K)
            came_from.append(index)
        score = torch.stack(best, 1).sum(1)
        _check_possible(score)
        path = [delta.argmax(1)]
        for index in reversed(came_from[:-1]):
            path.append(index.gather(1, path[-1][:, None])[:, 0])
        return torch.stack(path[::-1], 1), score

    @torch.no_grad()
    def fit(self, x: Tensor, *, max_steps: int = 100, tolerance: float = 1e-6) -> Self:
        """Baum–Welch from the present tables: expected counts, then relative frequencies.

        It stops when a step gains less than `tolerance` nats a symbol; `history` holds the mean
        log-likelihood of a symbol before each step and after the last. A state that is never
        visited keeps its rows.
        """
        x, self.history = self._look(x), []
        symbols = F.one_hot(x, self.emission.shape[1]).to(self.emission.dtype)  # (B, T, V)
        for step in range(max_steps + 1):
            single, pair, steps = self._posterior(x)
            self.history.append(float(steps.double().mean()))
            if step == max_steps or (step and self.history[-1] - self.history[-2] < tolerance):
                break
            emitted = torch.einsum("btk,btv->kv", single, symbols)
            self.initial = single[:, 0].mean(0)
            self.transition = _frequencies(pair.sum((0, 1)), self.transition)
            self.emission = _frequencies(emitted, self.emission)
        return self

    def sample(self, n: int, *, length: int, rng: Generator | None = None) -> Tensor:
        """Draw n sequences of `length` symbols: (n, T) int64."""
        return self.sample_with_states(n, length=length, rng=rng)[0]

    def sample_with_states(
        self, n: int, *, length: int, rng: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw states, then symbols; return symbols (n, T) and states (n, T), int64."""
        check_counts(length=length)
        state = choose(self.initial, rng, n=n)
        states, symbols = [], []
        for _ in range(length):
            states.append(state)
            symbols.append(choose(self.emission[state], rng))
            state = choose(self.transition[state], rng)
        return torch.stack(symbols, 1), torch.stack(states, 1)

    def _look(self, x: Tensor) -> Tensor:
        top, hint = self.emission.shape[1] - 1, "add a batch dimension with x[None]"
        like = self.emission
        return check_data("x", x, ("B", "T"), "integer", like=like, low=0, high=top, hint=hint)

    def _log_emission(self, x: Tensor) -> Tensor:
        return self.emission.log().T[x]  # (B, T, K)


def _without(log_p: Tensor, total: Tensor) -> Tensor:
    """Log p (B, K) with `total` (B,) taken out; −∞ stays −∞ where the total is −∞ too."""
    return log_p - total.clamp_min(torch.finfo(total.dtype).min)[:, None]


def _check_possible(log_prob: Tensor) -> None:
    if log_prob.isneginf().any():
        got = f"sequence {int(log_prob.argmin())}, which no path of states can produce"
        hint = "give its symbols and transitions a positive probability"
        raise argument_error("x", "have positive probability", got, hint)


def _frequencies(counts: Tensor, previous: Tensor) -> Tensor:
    total = counts.sum(-1, keepdim=True)
    return torch.where(total > 1e-12, counts / total.clamp_min(1e-12), previous)
