"""A learned invertible matrix: mixes features, or the channels of an image at each pixel."""

import torch
from torch import Tensor, nn

from helpers.checks import check_counts
from helpers.networks.invertible import Invertible


class InvertibleLinear(Invertible):
    r"""A matrix in the factors of its LU decomposition, applied along dimension 1.

    $$ y = P L (U + \mathrm{diag}(\epsilon \odot e^{\lambda}))\, x, \qquad
       \log |\det| = H W \sum_i \lambda_i $$

    P is a fixed permutation, L unit lower triangular, U strictly upper triangular, ε fixed signs:
    the determinant is a sum, and triangular systems undo the map. It begins as a random rotation.
    For vectors H W is 1; for images this is the invertible 1×1 convolution.

    Reference: Kingma and Dhariwal, arXiv:1807.03039.

    Taught in: models/flow
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, features: int, *, rng: torch.Generator | None = None) -> None:
        super().__init__()
        check_counts(features=features)
        rotation, _ = torch.linalg.qr(torch.randn(features, features, generator=rng))
        permutation, lower, upper = torch.linalg.lu(rotation)
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", upper.diagonal().sign())
        self.lower, self.upper = nn.Parameter(lower), nn.Parameter(upper)
        self.log_diagonal = nn.Parameter(upper.diagonal().abs().log())

    def factors(self) -> tuple[Tensor, Tensor]:
        """The triangular matrices L and U + diag, (D, D) each."""
        lower = self.lower.tril(-1) + torch.eye(len(self.sign)).to(self.lower)
        return lower, self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp())

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        lower, upper = self.factors()
        y = torch.einsum("ij,bj...->bi...", self.permutation @ lower @ upper, x)
        return y, self._log_det(x)

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        lower, upper = self.factors()
        columns = y.movedim(1, 0).flatten(1)  # (D, B · H · W)
        half = torch.linalg.solve_triangular(
            lower, self.permutation.T @ columns, upper=False, unitriangular=True
        )
        x = torch.linalg.solve_triangular(upper, half, upper=True)
        x = x.reshape(y.shape[1], len(y), *y.shape[2:]).movedim(0, 1)
        return x, -self._log_det(y)

    def _log_det(self, x: Tensor) -> Tensor:
        pixels = x[0, 0].numel()
        return (pixels * self.log_diagonal.sum()).expand(len(x))
