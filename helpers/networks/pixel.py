"""Convolutions that see only the pixels before each one, in reading order: rows, then columns."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import argument_error, check_counts, check_data, check_shape
from helpers.networks.convolution import PositionMap
from helpers.networks.dense import dropout_layers


class MaskedConv2d(nn.Conv2d):
    """A convolution over the rows above a pixel and the pixels to its left, up to `reach` away.

    It is the square convolution of side 2 · reach + 1 whose weights for later pixels are zero;
    the rows below are not even computed. The sides of the image are kept.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        reach: how far it sees.
        itself: whether it sees the pixel itself: not in a first layer (mask A of the paper), else
            always (mask B).

    Reference: van den Oord et al., arXiv:1601.06759, section 3.4.

    Taught in: models/autoregressive
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, reach: int, *, itself: bool) -> None:
        check_counts(reach=reach)
        super().__init__(inputs, outputs, (reach + 1, 2 * reach + 1))
        self.reach = reach
        mask = torch.ones_like(self.weight[:1, :1])
        mask[..., reach, reach + itself :] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        r = self.reach
        return F.conv2d(F.pad(x, (r, r, r, 0)), self.mask * self.weight, self.bias)


class Conditions(nn.Module):
    """Learned vectors for what is known about an image, added up: one for each condition's value.

    Args:
        sizes: the number of values of each condition; ``(10,)`` for one of ten classes.
        channels: length of a vector.

    Shapes: integers (B, F), or (B,) where F is 1, to (B, channels).
    """

    starts: Tensor

    def __init__(self, sizes: Sequence[int], channels: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.vectors = nn.Embedding(sum(sizes), channels)
        nn.init.zeros_(self.vectors.weight)
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("starts", starts, persistent=False)

    def forward(self, y: Tensor | None, n: int) -> Tensor:
        y = check_shape("y", y, (n, "F") if len(self.sizes) > 1 else (n,)).reshape(n, -1)
        if y.shape[1] != len(self.sizes):
            raise argument_error("y", f"have {len(self.sizes)} columns", y.shape[1])
        for column, size in zip(y.unbind(1), self.sizes):
            check_data("y", column, (n,), "integer", like=self.starts, low=0, high=size - 1)
        vectors: Tensor = self.vectors(y.long() + self.starts)  # (B, F, channels)
        return vectors.sum(1)


class PixelNetwork(nn.Module):
    """What both networks of this file share: the first channels, the conditions, the last layer."""

    def __init__(
        self,
        image: Sequence[int],
        outputs: int,
        *,
        channels: int,
        conditions: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__()
        self.image = tuple(image)
        check_counts(outputs=outputs, channels=channels)
        self.position = PositionMap(channels, *self.image[1:])
        self.conditions = Conditions(conditions, channels) if conditions else None
        last = nn.Conv2d(channels, outputs, 1)
        with torch.no_grad():
            last.weight.normal_(std=0.02)  # all pixels start with nearly the same distribution
        self.last = nn.Sequential(nn.GELU(), *dropout_layers(dropout), last)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        x = check_shape("x", x, ("B", *self.image))
        ends = torch.cat([2 * x - 1, (x > 0).to(x), (x >= 1).to(x)], 1)  # black and white, marked
        known = x.new_zeros(1, 1) if self.conditions is None else self.conditions(y, len(x))
        h: Tensor = self.last(self.features(ends, known[..., None, None]))  # (B, P, H, W)
        return h.movedim(1, -1)[:, None]  # (B, 1, H, W, P)

    def features(self, x: Tensor, known: Tensor) -> Tensor:
        """Channels that know the pixels before each one: (B, 3, H, W) to (B, channels, H, W)."""
        raise NotImplementedError


class PixelCNN(PixelNetwork):
    """Masked convolutions on top of each other, with residual connections.

    It does not see all that comes before: the pixels to the right of the cone above each pixel
    reach no output, however many layers there are (the blind spot). `GatedPixelCNN` does.

    Args:
        image: (1, H, W).
        outputs: P, numbers for each pixel.
        channels: width of the layers.
        layers: residual blocks, each of one 3×3 masked convolution.
        reach: how far the first convolution sees.
        conditions: numbers of values of what the image is conditioned on, see `Conditions`.
        dropout: probability in [0, 1), in each block and before the last layer.

    Shapes: images (B, 1, H, W) in [0, 1], and integers (B, F) or (B,) if there are conditions, to
    (B, 1, H, W, P).

    >>> PixelCNN((1, 8, 8), 17, channels=6, layers=2)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 1, 8, 8, 17])

    Taught in: models/autoregressive
    """

    def __init__(
        self,
        image: Sequence[int],
        outputs: int,
        *,
        channels: int = 64,
        layers: int = 4,
        reach: int = 3,
        conditions: Sequence[int] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__(image, outputs, channels=channels, conditions=conditions, dropout=dropout)
        self.first = MaskedConv2d(3, channels, reach, itself=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.GELU(),
                MaskedConv2d(channels, channels, 1, itself=True),
                nn.GELU(),
                *dropout_layers(dropout),
                nn.Conv2d(channels, channels, 1),
            )
            for _ in range(layers)
        )

    def features(self, x: Tensor, known: Tensor) -> Tensor:
        h: Tensor = self.position(self.first(x)) + known
        for block in self.blocks:
            h = h + block(h)
        return h


class GatedPixelCNN(PixelNetwork):
    """Two stacks of gated convolutions: one sees the rows above, one the row so far and the first.

    Arguments and shapes are those of `PixelCNN`; each output sees every pixel before its own that
    is near enough, and with enough layers all of them.

    Reference: van den Oord et al., arXiv:1606.05328, figure 2; here the vertical stack has
    residual connections too.

    Taught in: models/autoregressive
    """

    def __init__(
        self,
        image: Sequence[int],
        outputs: int,
        *,
        channels: int = 64,
        layers: int = 4,
        reach: int = 3,
        conditions: Sequence[int] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__(image, outputs, channels=channels, conditions=conditions, dropout=dropout)
        check_counts(reach=reach)
        self.reach = reach
        self.above = nn.Conv2d(3, channels, (reach, 2 * reach + 1))
        self.left = nn.Conv2d(3, channels, (1, reach))
        self.layers = nn.ModuleList(GatedLayer(channels, dropout) for _ in range(layers))

    def features(self, x: Tensor, known: Tensor) -> Tensor:
        r = self.reach
        vertical = self.above(F.pad(x, (r, r, r, 0))[:, :, :-1])  # rows i − r … i − 1
        horizontal = self.left(F.pad(x, (r, 0))[..., :-1])  # columns j − r … j − 1
        vertical, horizontal = self.position(vertical) + known, self.position(horizontal) + known
        for layer in self.layers:
            vertical, horizontal = layer(vertical, horizontal)
        total: Tensor = vertical + horizontal
        return total


class GatedLayer(nn.Module):
    r"""One layer of both stacks, each $\tanh a \odot \sigma(b)$ of its convolution's halves a, b.

    The horizontal stack reads the vertical one, never the other way round.
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, 2 * channels, (2, 3))
        self.right = nn.Conv2d(channels, 2 * channels, (1, 2))
        self.link = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, vertical: Tensor, horizontal: Tensor) -> tuple[Tensor, Tensor]:
        down = self.down(F.pad(vertical, (1, 1, 1, 0)))
        right = self.right(F.pad(horizontal, (1, 0))) + self.link(down)
        return (
            vertical + self.drop(gate(down)),
            horizontal + self.out(self.drop(gate(right))),
        )


def gate(x: Tensor) -> Tensor:
    r"""$\tanh a \odot \sigma(b)$ of the two halves a, b of the channels: (B, 2C, …) → (B, C, …)."""
    a, b = x.chunk(2, 1)
    return a.tanh() * b.sigmoid()
