"""Which inputs reach which outputs of a network, by automatic differentiation."""

import torch
from torch import Tensor, nn

from helpers.networks.evaluation import evaluating


def dependence(network: nn.Module, x: Tensor, *condition: Tensor) -> Tensor:
    """Which values of one example move the numbers that a network gives for each value.

    A path that is switched off at this x, by a ReLU for instance, does not show.

    Args:
        network: maps (B, *event), and conditions (B, …), to (B, *event, P).
        x: one example, (*event), of D values.
        condition: what it is conditioned on, without the batch's dimension.

    Returns:
        (D, D), bool: in row i, the values on which the numbers of value i depend.

    >>> from helpers.networks import MADE
    >>> dependence(MADE(3, [64], 2, activation=nn.Tanh), torch.zeros(3)).long()
    tensor([[0, 0, 0],
            [1, 0, 0],
            [1, 1, 0]])

    Taught in: models/autoregressive
    """
    rows = []
    with evaluating(network), torch.enable_grad():
        for part in torch.split(torch.arange(x.numel()), 64):
            n = len(part)
            copies = x.detach().expand(n, *x.shape).clone().requires_grad_()
            given = [c.expand(n, *c.shape) for c in condition]
            raw = network(copies, *given).reshape(n, x.numel(), -1)
            own = raw[torch.arange(n), part]  # (n, P): each copy is asked for one value
            (slope,) = torch.autograd.grad(own.sum(), copies)
            rows.append(slope.reshape(n, -1) != 0)
    return torch.cat(rows)
