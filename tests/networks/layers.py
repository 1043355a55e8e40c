"""What every invertible layer promises, checked against autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from helpers.networks import Invertible


def randomise(module: nn.Module, std: float = 0.5) -> None:
    """Weights far from where they start: zeros there would hide errors."""
    with torch.no_grad():
        for p in module.parameters():
            p.normal_(0, std)


def check_layer(layer: Invertible, x: Tensor, condition: Tensor | None = None) -> None:
    """The inverse undoes the map; both log-determinants are those of the autograd Jacobian."""
    with torch.no_grad():
        y, log_det = layer(x, condition)
        back, log_det_back = layer.inverse(y, condition)
    assert log_det.shape == (len(x),)
    torch.testing.assert_close(back, x, atol=1e-6, rtol=0)
    torch.testing.assert_close(log_det_back, -log_det, atol=1e-6, rtol=0)
    for i in range(len(x)):
        given = None if condition is None else condition[i : i + 1]

        def one(value: Tensor, given: Tensor | None = given) -> Tensor:
            return layer(value[None], given)[0].flatten()

        jacobian = torch.autograd.functional.jacobian(one, x[i])
        _, expected = torch.linalg.slogdet(jacobian.reshape(x[i].numel(), -1))
        torch.testing.assert_close(log_det[i], expected, atol=1e-8, rtol=1e-8)
