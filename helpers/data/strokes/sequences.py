"""The door of the models that write: padded pen sequences, and which of their steps are real."""

import torch
from torch import Tensor

from helpers.checks import check_data


def check_strokes(
    x: Tensor, lengths: Tensor | None, like: Tensor, *, name: str = "x"
) -> tuple[Tensor, Tensor]:
    """Sequences x (B, T, 3) of lengths 1 … T (B,), and (B, T) 1 for each step, 0 behind the end."""
    hint = "one row for each step: dx, dy, and 1 where the pen lifts, else 0"
    x = check_data(name, x, ("B", "T", 3), like=like, hint=hint)
    check_data(f"{name}[..., 2]", x[..., 2], ("B", "T"), low=0, high=1, hint=hint)
    if lengths is None:
        return x, torch.ones_like(x[..., 0])
    lengths = check_data("lengths", lengths, (len(x),), "integer", low=1, high=x.shape[1])
    return x, (torch.arange(x.shape[1], device=lengths.device) < lengths[:, None]).to(x)
