"""Models that are fitted in one piece: their tables take their size from the data."""

from typing import Any

from torch import nn


class Fitted(nn.Module):
    """A module whose buffers are empty before fitting and take the shape of what is loaded."""

    def check_fitted(self) -> None:
        """Raise RuntimeError while a buffer is empty."""
        if any(buffer.numel() == 0 for buffer in self.buffers()):
            raise RuntimeError(f"{type(self).__name__} has no parameters yet: call fit first")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            saved = state_dict.get(prefix + name, buffer)
            if saved.shape != buffer.shape:
                setattr(self, name, buffer.new_empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)
