"""A scale and a shift for each feature, set so that the first batch is standardised."""

import torch
from torch import Tensor, nn

from helpers.checks import check_counts, check_data
from helpers.networks.invertible import Invertible


class ActNorm(Invertible):
    r"""Scale and shift of each entry of dimension 1, the same for all examples and pixels.

    $$ y_c = e^{s_c} (x_c + b_c), \qquad \log |\det| = H W \sum_c s_c $$

    It does the work of batch normalisation without a batch: examples know nothing of each other.
    `initialise` sets it from data; without it, it begins as the identity.

    Reference: Kingma and Dhariwal, arXiv:1807.03039.

    Taught in: models/flow
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        check_counts(features=features)
        self.log_scale = nn.Parameter(torch.zeros(features))
        self.shift = nn.Parameter(torch.zeros(features))

    @torch.no_grad()
    def initialise(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Let the outputs for `x`, (B, C, …), have mean 0 and standard deviation 1; returns y."""
        check_data("x", x, ("B", len(self.shift), *x.shape[2:]), like=self.shift)
        columns = x.movedim(1, 0).flatten(1)  # (C, B · H · W)
        self.shift.copy_(-columns.mean(1))
        self.log_scale.copy_(-columns.std(1, correction=0).clamp_min(1e-6).log())
        return self.forward(x)[0]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._along(x)
        return (x + shift) * log_scale.exp(), self._log_det(x)

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._along(y)
        return y * (-log_scale).exp() - shift, -self._log_det(y)

    def _along(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shape = (-1, *[1] * (x.ndim - 2))
        return self.log_scale.reshape(shape), self.shift.reshape(shape)

    def _log_det(self, x: Tensor) -> Tensor:
        pixels = x[0, 0].numel()
        return (pixels * self.log_scale.sum()).expand(len(x))
