"""From the unit interval to the whole line, for flows whose base is normal."""

import torch
from torch import Tensor

from helpers.networks.invertible import Invertible


class Logit(Invertible):
    r"""The inverse of the logistic function, value by value.

    $$ y = \log \frac{x}{1 - x}, \qquad \frac{dy}{dx} = \frac{1}{x (1 - x)} $$

    Values at the ends, where y is infinite, are moved inside by 1e-6.

    Taught in: models/flow
    """

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = x.clamp(1e-6, 1 - 1e-6)
        log_x, log_rest = x.log(), (-x).log1p()
        return log_x - log_rest, -(log_x + log_rest).flatten(1).sum(1)

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_slope = torch.nn.functional.logsigmoid(y) + torch.nn.functional.logsigmoid(-y)
        return y.sigmoid(), log_slope.flatten(1).sum(1)
