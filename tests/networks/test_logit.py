"""The logit against autograd and torch's own."""

from __future__ import annotations

import torch

from helpers.networks import Logit
from tests.networks.layers import check_layer


def test_jacobian_and_inverse() -> None:
    x = 0.01 + 0.98 * torch.rand(4, 2, 3)
    check_layer(Logit(), x)
    torch.testing.assert_close(Logit()(x)[0], x.logit())


def test_the_ends_are_finite() -> None:
    y, log_det = Logit()(torch.tensor([[0.0, 1.0]]))
    assert y.isfinite().all()
    assert log_det.isfinite().all()
