r"""Exponential moving average of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_at_least


class EMA:
    r"""Exponential moving average of a model's parameters.

    $$\bar\theta \leftarrow \mathtt{decay}\,\bar\theta + (1 - \mathtt{decay})\,\theta$$

    The average starts at the weights the model has now. Buffers (running statistics) stay the
    model's own.

    Args:
        model: whose parameters are averaged.
        decay: in [0, 1); the average remembers about 1/(1 − decay) updates.

    Raises:
        ValueError: `decay` is out of range.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(layer.weight)
    >>> ema = EMA(layer, 0.75)
    >>> _ = nn.init.ones_(layer.weight)
    >>> ema.update()
    >>> with ema.swap():
    ...     layer.weight.item()
    0.25
    >>> layer.weight.item()
    1.0

    Taught in: Variational autoencoders.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        check_at_least("decay", decay, 0.0)
        if decay >= 1:
            raise argument_error("decay", "lie in [0, 1)", decay)
        self.decay = decay
        self._parameters = dict(model.named_parameters())
        self._average = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        r"""Move the average towards the weights that the model has now."""
        for name, average in self._average.items():
            average.lerp_(self._parameters[name], 1 - self.decay)

    @contextmanager
    def swap(self) -> Iterator[None]:
        r"""The model has the averaged weights inside the ``with`` block, its own again after it."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._write(self._average)
        try:
            yield
        finally:
            self._write(own)

    def state_dict(self) -> dict[str, Tensor]:
        r"""The averaged parameters by name."""
        return {name: average.clone() for name, average in self._average.items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        r"""Take over averages saved by `state_dict`."""
        if state.keys() != self._average.keys():
            missing = sorted(self._average.keys() ^ state.keys())
            raise argument_error(
                "state", "hold the model's parameters", f"a difference in {missing}"
            )
        for name, average in self._average.items():
            average.copy_(state[name])

    @torch.no_grad()
    def _write(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(values[name])
