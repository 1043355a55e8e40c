"""The masked autoregressive layer: each value is moved as the values before it say."""

from torch import Tensor, nn

from helpers.networks.affine import Affine
from helpers.networks.invertible import Invertible, Transform


class MaskedAutoregressive(Invertible):
    r"""Move every value, as a masked network says that sees the values before it.

    $$ y_d = g(x_d;\, \mathrm{network}_d(x_{<d})) $$

    Towards the noise this is one pass. Towards the data each value waits for those before it: D
    passes. It is an autoregressive model read as a flow.

    Args:
        network: maps (B, D) to (B, D, size), as `MADE` does; the numbers for a value may depend
            only on the values before it, in whatever order.
        transform: g, as in `Coupling`.

    Reference: Papamakarios et al., arXiv:1705.07057.

    >>> import torch
    >>> from helpers.networks import MADE
    >>> layer = MaskedAutoregressive(MADE(3, [8], 2))
    >>> y, _ = layer(torch.ones(5, 3))
    >>> torch.allclose(layer.inverse(y)[0], torch.ones(5, 3), atol=1e-5)
    True

    Taught in: models/flow
    """

    def __init__(self, network: nn.Module, transform: Transform | None = None) -> None:
        super().__init__()
        self.network = network
        self.transform: Transform = Affine() if transform is None else transform

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, log_slope = self.transform(x, self.network(x))
        return y, log_slope.sum(1)

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x, log_slope = y, y
        for _ in range(y.shape[1]):  # each pass makes one more value right, in any order
            x, log_slope = self.transform.inverse(y, self.network(x))
        return x, log_slope.sum(1)
