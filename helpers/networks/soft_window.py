"""Attention that moves along a text: a few bumps that only ever go forward."""

import math

import torch
from torch import Tensor, nn


class SoftWindow(nn.Module):
    r"""Weights over the letters of a text, from bumps whose centres move to the right.

    $$(\hat\alpha, \hat\beta, \hat\kappa) = W h_t + b, \quad
      \kappa_t = \kappa_{t-1} + e^{\hat\kappa}$$
    $$\phi(t, u) = \sum_j e^{\hat\alpha_j} \exp\big(-e^{\hat\beta_j} (\kappa_{t,j} - u)^2\big)$$
    $$w_t = \sum_u \phi(t, u)\, c_u$$

    Letters are counted from 0. At first each of the J bumps moves by 1/`letter_steps` a step.

    Reference: Graves, arXiv:1308.0850, section 5; the start of the centres' speed is ours.

    Taught in: applications/handwriting
    """

    def __init__(self, hidden: int, bumps: int, *, letter_steps: float = 12.0) -> None:
        super().__init__()
        self.steer = nn.Linear(hidden, 3 * bumps)
        with torch.no_grad():
            self.steer.weight.mul_(0.3)  # at first the bias decides
            self.steer.bias.zero_()
            if bumps > 1:  # bumps of different widths
                self.steer.bias[bumps : 2 * bumps] = torch.linspace(-1, 1, bumps)
            self.steer.bias[2 * bumps :] = -math.log(letter_steps)

    def forward(self, h: Tensor, kappa: Tensor, letters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step: what is seen, w (B, V), the weights phi (B, U), and the centres after it.

        It takes the state h (B, H), the centres kappa (B, J) before this step, and the letters
        (B, U, V), one-hot rows, with rows of zeros behind the end of a text.
        """
        alpha, beta, move = self.steer(h).exp().chunk(3, 1)  # (B, J) each
        kappa = kappa + move
        place = torch.arange(letters.shape[1], dtype=h.dtype, device=h.device)
        distance = kappa[:, :, None] - place  # (B, J, U)
        bumps = torch.exp(-beta[:, :, None] * distance * distance)
        phi = torch.bmm(alpha[:, None], bumps)  # (B, 1, U)
        return torch.bmm(phi, letters)[:, 0], phi[:, 0], kappa
