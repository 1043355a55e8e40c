"""What the maps of single values promise, checked against autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def check_transform(transform: Any, x: Tensor, raw: Tensor) -> Tensor:
    """It rises, its slope is autograd's, and the inverse undoes it; returns y."""
    x = x.clone().requires_grad_()
    y, log_slope = transform(x, raw)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_slope, slope.log())
    back, log_slope_back = transform.inverse(y.detach(), raw)
    torch.testing.assert_close(back, x.detach(), atol=1e-9, rtol=0)
    torch.testing.assert_close(log_slope_back, -log_slope, atol=1e-7, rtol=0)
    return y.detach()
