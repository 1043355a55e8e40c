"""How pen sequences enter and leave the networks that write."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def pen_inputs(x: Tensor, scale: float) -> Tensor:
    """Offsets divided by the scale, lifts as they are: (..., 3) → (..., 3)."""
    return torch.cat([x[..., :2] / scale, x[..., 2:]], -1)


def steps_before(x: Tensor) -> Tensor:
    """What is known before each step: x_0 = 0, x_1, …, x_{T−1}: (B, T, 3) → (B, T, 3)."""
    return F.pad(x, (0, 0, 1, -1))


def pen_outputs(width: int, components: int) -> nn.Linear:
    """The layer before a `StrokeMixture`; its means start apart, so that they share the work."""
    layer = nn.Linear(width, 6 * components + 1)
    with torch.no_grad():
        layer.bias.zero_()
        layer.bias[components : 3 * components].normal_(std=0.5)
    return layer
