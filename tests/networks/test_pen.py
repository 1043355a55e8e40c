"""How pen sequences enter and leave a network."""

from __future__ import annotations

import torch

from helpers.networks.pen import pen_inputs, pen_outputs, steps_before


def test_a_network_sees_scaled_offsets_one_step_late() -> None:
    x = torch.tensor([[[3.0, 6.0, 1.0], [9.0, -3.0, 0.0]]])
    assert pen_inputs(steps_before(x), 3.0).tolist() == [[[0, 0, 0], [1, 2, 1]]]


def test_the_means_of_the_outputs_start_apart() -> None:
    bias = pen_outputs(5, 4).bias
    means = bias[4:12].view(2, 4)
    assert (means.sort(1)[0].diff(dim=1) > 0).all()
    assert (bias[:4] == 0).all()
    assert (bias[12:] == 0).all()
