"""Changes of images that keep what they show: moved, turned, mirrored, each by its own draw.

Taught in: optimisation/better_training
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import check_between, check_shape


def shift(x: Tensor, share: float, *, rng: torch.Generator | None = None) -> Tensor:
    """Move a share of the images by up to one pixel in each direction; what comes in is 0.

    This is padding by one pixel and a random crop: each of the nine windows is equally likely, the
    one that moves nothing included.

    Args:
        x: images (B, C, H, W), of any type, which is kept.
        share: which part of them is moved, in [0, 1].
        rng: draws which, and the directions.
    """
    check_shape("x", x, ("B", "C", "H", "W"))
    check_between("share", share, 0, 1)
    device, height, width = x.device, *x.shape[2:]
    windows = F.pad(x, (1, 1, 1, 1)).unfold(2, height, 1).unfold(3, width, 1)  # (B, C, 3, 3, H, W)
    rows = torch.arange(len(x), device=device)
    down, right = torch.randint(3, (2, len(x)), generator=rng, device=device)
    chosen = torch.rand(len(x), 1, 1, 1, generator=rng, device=device) < share
    return torch.where(chosen, windows[rows, :, down, right], x)


def horizontal_flip(x: Tensor, share: float, *, rng: torch.Generator | None = None) -> Tensor:
    """Mirror a share of the images, left for right; arguments as in `shift`.

    >>> horizontal_flip(torch.tensor([[[[1.0, 2.0, 3.0]]]]), 1.0)
    tensor([[[[3., 2., 1.]]]])
    """
    check_between("share", share, 0, 1)
    chosen = torch.rand(len(x), 1, 1, 1, generator=rng, device=x.device) < share
    return torch.where(chosen, x.flip(3), x)


def rotate(x: Tensor, degrees: float, *, rng: torch.Generator | None = None) -> Tensor:
    """Turn each image, as `turn` does, by an angle drawn evenly from [-degrees, degrees]."""
    drawn = torch.rand(len(x), generator=rng, device=x.device, dtype=x.dtype)
    return turn(x, math.radians(degrees) * (2 * drawn - 1))


def turn(x: Tensor, angles: Tensor) -> Tensor:
    """Turn each image by its own angle, anticlockwise as seen with the first row on top.

    The images are (B, C, H, W) of floats, the angles (B,) in radians. Values between pixels are
    bilinear, and what comes in from outside is 0.

    >>> x = torch.rand(2, 1, 5, 5)
    >>> quarter = torch.full((2,), math.pi / 2)
    >>> torch.allclose(turn(x, quarter), x.rot90(1, (2, 3)), atol=1e-5)
    True
    """
    check_shape("x", x, (len(angles), "C", "H", "W"))
    height, width = x.shape[2:]
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # The grid is in units of half a side, so the axes of an oblong image are rescaled.
    rows = torch.stack([cos, -sin * height / width, zero, sin * width / height, cos, zero], 1)
    grid = F.affine_grid(rows.view(-1, 2, 3).to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)
