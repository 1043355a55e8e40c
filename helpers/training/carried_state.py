r"""Truncated back-propagation through time: the state is carried, the gradient is not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.models.rnn import RecurrentLanguageModel, State


class CarriedState(nn.Module):
    r"""The loss of a window that begins in the state in which the last window ended.

    Truncated back-propagation through time: values flow from window to window, gradients do not.
    A batch whose rows begin with the start symbol begins in the zero state.

    Args:
        model: a `RecurrentLanguageModel`.

    >>> model = RecurrentLanguageModel(3, embedding=4, hidden=8)
    >>> carried = CarriedState(model)
    >>> first = carried.loss(torch.tensor([[3, 0]]), torch.tensor([[0, 1]]))["loss"]
    >>> second = carried.loss(torch.tensor([[1]]), torch.tensor([[2]]))["loss"]
    >>> whole = -model.log_prob(torch.tensor([[0, 1, 2]]))
    >>> bool(torch.isclose(2 * first + second, whole))
    True

    Taught in: models/rnn
    """

    def __init__(self, model: RecurrentLanguageModel) -> None:
        super().__init__()
        self.model = model
        self.state: State | None = None

    def loss(
        self, tokens_in: Tensor, tokens_out: Tensor, *, rng: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        r"""Mean nats per symbol of this window; remembers the state after it."""
        if bool((tokens_in[:, 0] == self.model.start).all()):
            self.state = None
        loss, state = self.model.loss_and_state(tokens_in, tokens_out, self.state)
        self.state = tuple(part.detach() for part in state)
        return {"loss": loss}
