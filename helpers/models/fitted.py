"""Models whose parameters are counted or computed, not learnt by gradient descent."""

from __future__ import annotations

from typing import Any

from torch import nn


class Fitted(nn.Module):
    """A module whose buffers take the shape of what is loaded into them.

    How large the tables of a fitted model are depends on its data. So ``load_state_dict`` gives the
    buffers of a model that was just constructed the saved shapes, where PyTorch would refuse them.
    """

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name, buffer in self._buffers.items():
            saved = state_dict.get(prefix + name)
            if buffer is not None and saved is not None:
                setattr(self, name, buffer.new_empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args)
