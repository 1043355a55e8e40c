"""Truncated back-propagation through time: the state is carried, the gradient is not."""

from typing import Any

from torch import Generator, Tensor, nn


class CarriedState(nn.Module):
    """The loss of a window that begins in the state in which the last window ended.

    A row that begins with the start symbol begins in the zero state.

    Args:
        model: has ``start``, the start symbol, and ``loss_and_state(tokens_in, tokens_out, state)``
            with a loss and the state after it, whose parts are (B, …).

    Taught in: models/rnn
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.state: tuple[Tensor, ...] | None = None

    def loss(
        self, tokens_in: Tensor, tokens_out: Tensor, *, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean nats per symbol of this window; remembers the state after it."""
        if self.state is not None and len(self.state[0]) != len(tokens_in):
            self.state = None  # other streams
        if self.state is not None:
            # filled in rather than asked for: to read a value would stall an accelerator
            fresh = tokens_in[:, 0] == self.model.start
            self.state = tuple(
                part.masked_fill(fresh.reshape(-1, *[1] * (part.ndim - 1)), 0.0)
                for part in self.state
            )
        loss, state = self.model.loss_and_state(tokens_in, tokens_out, self.state)
        self.state = tuple(part.detach() for part in state)
        return {"loss": loss}
