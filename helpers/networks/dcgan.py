"""The convolutional generator and discriminator of a DCGAN, for any image size.

Reference: Radford et al. 2015, arXiv 1511.06434.

Taught in: models/gan
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from helpers.networks.convolution import first_map, halved


class ConvGenerator(nn.Module):
    """A dense layer, then transposed convolutions that double the resolution up to the image.

    Each entry of `channels` but the first is one doubling: 4×4 transposed convolution of stride 2,
    batch normalisation, ReLU. A last 3×3 convolution and a sigmoid give pixels in (0, 1).

    Shapes: (B, latent) to images (B, C, H, W).
    """

    def __init__(
        self, latent: int, image: Sequence[int], channels: Sequence[int], *, batch_norm: bool = True
    ) -> None:
        super().__init__()

        def activated(width: int) -> list[nn.Module]:
            return [*([nn.BatchNorm2d(width)] if batch_norm else []), nn.ReLU()]

        layers = first_map(latent, "image", image, channels) + activated(channels[0])
        for before, after in pairwise(channels):
            layers.append(nn.ConvTranspose2d(before, after, 4, stride=2, padding=1))
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
    """

    def __init__(self, image: Sequence[int], channels: Sequence[int], outputs: int = 1) -> None:
        super().__init__()
        pixels = prod(halved(image, len(channels)))
        layers: list[nn.Module] = []
        for before, after in pairwise((image[0], *channels)):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers += [nn.Flatten(), nn.Linear(channels[-1] * pixels, outputs)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits


def spectral_normalisation(network: nn.Module) -> nn.Module:
    r"""Divide each weight of a network by an estimate of its largest singular value, in place.

    $$ W \leftarrow W / \sigma_1(W) $$

    With activations of slope at most 1 a dense network then is 1-Lipschitz. The estimate gets one
    power iteration in each forward pass of training mode.

    Reference: Miyato et al. 2018, arXiv 1802.05957.
    """
    for part in list(network.modules()):
        if isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            spectral_norm(part)
    return network
