"""Training images changed at random, and what was done to each, to be announced to the model."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

LEVELS = 17  # of the digits


def bend(x: Tensor, share: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Levels (B, 1, H, W), a share of them under a small affine map and in another contrast.

    Returns them and which images were bent, (B,).
    """
    n = len(x)
    bent = torch.rand(n, generator=rng) < share
    spread = torch.tensor([[0.08, 0.12, 0.06], [0.08, 0.08, 0.06]])
    maps = torch.eye(2, 3) + spread * torch.randn(n, 2, 3, generator=rng)
    grid = F.affine_grid(maps, list(x.shape), align_corners=False)
    contrast = 1 + 0.1 * torch.randn(n, 1, 1, 1, generator=rng)
    curved = F.grid_sample(x.float(), grid, align_corners=False) * contrast
    curved = curved.round().clamp(0, LEVELS - 1).long()
    return torch.where(bent[:, None, None, None], curved, x), bent


def move(x: Tensor, share: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Levels (B, 1, H, W), a share of them moved by up to a pixel along each side.

    Returns them and the steps down and right, −1, 0 or 1, (2, B).
    """
    n, _, height, width = x.shape
    first = torch.randint(3, (2, n), generator=rng)  # of the window: the middle one moves nothing
    down, right = torch.where(torch.rand(n, generator=rng) < share, first, 1)
    windows = F.pad(x, (1, 1, 1, 1)).unfold(2, height, 1).unfold(3, width, 1)  # (B, 1, 3, 3, H, W)
    return windows[torch.arange(n), :, down, right], 1 - torch.stack([down, right])
