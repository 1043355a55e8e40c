"""The convolutional generator and discriminator of a DCGAN, for any image size."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from helpers.checks import argument_error


class ConvGenerator(nn.Module):
    """A dense layer, then transposed convolutions that double the resolution up to the image.

    Each entry of `channels` but the first is one doubling: 4×4 transposed convolution of stride 2,
    batch normalisation, ReLU. A last 3×3 convolution and a sigmoid give pixels in (0, 1).

    Args:
        latent: number of inputs.
        image: shape (C, H, W) of one image; sides divisible by 2 for each doubling.
        channels: channels of the first map, then of each doubling's output.
        batch_norm: normalise each map over the batch, as DCGAN does.

    Shapes: (B, latent) to (B, C, H, W).

    Reference: Radford et al. 2015, arXiv 1511.06434.

    >>> import torch
    >>> ConvGenerator(12, (1, 8, 8), (32, 16, 8))(torch.zeros(5, 12)).shape  # 2×2, 4×4, 8×8
    torch.Size([5, 1, 8, 8])

    Taught in: models/gan
    """

    def __init__(
        self,
        latent: int,
        image: tuple[int, int, int],
        channels: Sequence[int],
        *,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        factor = 2 ** (len(channels) - 1)
        if any(side % factor for side in image[1:]):
            hint = f"{len(channels) - 1} doublings multiply them by {factor}"
            raise argument_error("image", f"have sides divisible by {factor}", tuple(image), hint)
        start = (channels[0], image[1] // factor, image[2] // factor)

        def activated(width: int) -> list[nn.Module]:
            return [*([nn.BatchNorm2d(width)] if batch_norm else []), nn.ReLU()]

        layers = [nn.Linear(latent, math.prod(start)), nn.Unflatten(1, start)]
        layers += activated(channels[0])
        for before, after in pairwise(channels):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
            layers += activated(after)
        layers += [nn.Conv2d(channels[-1], image[0], 3, padding=1), nn.Sigmoid()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.layers(z)
        return x


class ConvDiscriminator(nn.Module):
    """Convolutions that halve the resolution, then a dense layer to one logit.

    Each entry of `channels` is a 4×4 convolution of stride 2 and a leaky ReLU of slope 0.2.
    No batch normalisation: it would mix examples, whose gradients the penalties need apart.

    Args:
        image: shape (C, H, W) of one image; C times m where m images are packed.
        channels: output channels of each halving.
        outputs: logits for each image: 1, or one for each class of a conditional GAN.

    Shapes: (B, C, H, W) to (B, outputs).

    Reference: Radford et al. 2015, arXiv 1511.06434.

    >>> import torch
    >>> ConvDiscriminator((1, 8, 8), (16, 32))(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 1])

    Taught in: models/gan
    """

    def __init__(
        self, image: tuple[int, int, int], channels: Sequence[int], outputs: int = 1
    ) -> None:
        super().__init__()
        height, width = (side // 2 ** len(channels) for side in image[1:])
        if min(height, width) < 1:
            hint = f"images of {image[1]}×{image[2]} cannot be halved so often"
            raise argument_error("channels", "leave at least one pixel", list(channels), hint)
        layers: list[nn.Module] = []
        for before, after in pairwise((image[0], *channels)):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers += [nn.Flatten(), nn.Linear(channels[-1] * height * width, outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


def spectral_normalisation(network: nn.Module) -> nn.Module:
    r"""Divide each weight of a network by an estimate of its largest singular value, in place.

    $$ W \leftarrow W / \sigma_1(W) $$

    With activations of slope at most 1 a dense network then is 1-Lipschitz. The estimate gets one
    power iteration in each forward pass of training mode. The same network is returned.

    Reference: Miyato et al. 2018, arXiv 1802.05957.

    >>> import torch
    >>> layer = spectral_normalisation(nn.Linear(3, 3))
    >>> for _ in range(50):
    ...     _ = layer(torch.ones(1, 3))
    >>> round(torch.linalg.matrix_norm(layer.weight, 2).item(), 3)
    1.0

    Taught in: models/gan
    """
    for part in list(network.modules()):
        if isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            spectral_norm(part)
    return network
