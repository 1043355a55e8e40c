"""Exponential moving average of weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from helpers.checks import check_between


# Other than torch's AveragedModel it lends the averages to the model itself, so that `GAN.sample`
# and any other method can use them, and reads no value from the device.
class EMA:
    r"""Exponential moving average of a model's parameters, which starts at what they are now.

    $$\bar\theta \leftarrow \mathtt{decay}\,\bar\theta + (1 - \mathtt{decay})\,\theta$$

    Buffers (running statistics) stay the model's own.

    Args:
        model: whose parameters are averaged.
        decay: in [0, 1); the average remembers about 1/(1 − decay) updates.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(layer.weight)
    >>> ema = EMA(layer, 0.75)
    >>> _ = nn.init.ones_(layer.weight)
    >>> ema.update()
    >>> with ema.swap():
    ...     layer.weight.item()
    0.25

    Taught in: models/gan
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        check_between("decay", decay, 0, 1, ends="[)")
        self.decay = decay
        self._parameters = dict(model.named_parameters())
        self._average = _copy(self._parameters)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights that the model has now."""
        for name, average in self._average.items():
            average.lerp_(self._parameters[name], 1 - self.decay)

    @contextmanager
    def swap(self) -> Iterator[None]:
        """The model has the averaged weights inside the ``with`` block, its own again after it."""
        own = _copy(self._parameters)
        _write(self._average, self._parameters)
        try:
            yield
        finally:
            _write(own, self._parameters)

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged parameters by name."""
        return _copy(self._average)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over averages saved by `state_dict`."""
        _write(state, self._average)


def _copy(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in values.items()}


@torch.no_grad()
def _write(values: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    for name, target in into.items():
        target.copy_(values[name])
