"""The moving average of weights against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.training import EMA


def test_the_average_decays_geometrically(device: torch.device) -> None:
    model = nn.Linear(3, 2).to(device)
    weight = model.weight
    start = weight.detach().clone()
    ema = EMA(model, 0.8)
    with torch.no_grad():
        weight.normal_()
    target = weight.detach().clone()
    for _ in range(3):
        ema.update()
    average = 0.8**3 * start + (1 - 0.8**3) * target
    torch.testing.assert_close(ema.state_dict()["weight"], average)

    def fail_inside() -> None:
        with ema.swap():
            torch.testing.assert_close(weight.detach(), average)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert torch.equal(weight.detach(), target)
    assert weight.requires_grad


def test_it_is_torchs_average_of_a_copy() -> None:
    """Independent answer: `AveragedModel`, whose first call takes the weights over."""
    model = nn.Linear(3, 2)
    ema = EMA(model, 0.9)
    copied = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    copied.update_parameters(model)
    for _ in range(4):
        with torch.no_grad():
            model.weight.normal_()
        ema.update()
        copied.update_parameters(model)
    torch.testing.assert_close(ema.state_dict(), dict(copied.module.state_dict()))


@pytest.mark.parametrize("decay", [1.0, -0.5])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\), got"):
        EMA(nn.Linear(3, 2), decay)
