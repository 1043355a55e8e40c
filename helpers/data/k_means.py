r"""Groups of examples around K means: where mixtures start from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_nonempty


def k_means(
    x: Tensor, components: int, *, max_steps: int = 20, rng: torch.Generator | None = None
) -> Tensor:
    r"""Groups around K centres, to start EM from.

    The first centres are examples, each drawn with probability proportional to the squared
    distance from the nearest centre before it (k-means++: Arthur and Vassilvitskii, 2007). Then
    groups and their means take turns.

    Args:
        x: (N, *event), N ≥ K; integers count as numbers.
        components: K.
        max_steps: limit of the turns.
        rng: source of randomness; without one, the global state of torch.

    Returns:
        (N, K) of zeros and ones, one 1 in each row.

    Raises:
        ValueError: fewer examples than components.

    >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    >>> groups = k_means(x, 2, rng=torch.Generator().manual_seed(0))
    >>> bool((groups[0] == groups[1]).all()), bool((groups[1] == groups[2]).all())
    (True, False)
    """
    check_at_least("components", components, 1)
    check_nonempty("x", x)
    if len(x) < components:
        raise argument_error("x", f"have at least {components} examples", len(x), "one a component")
    points = x.flatten(1).to(x.dtype if x.is_floating_point() else torch.get_default_dtype())
    chances = torch.ones_like(points[:, 0])
    centres = points[:0]
    for _ in range(components):
        new = points[torch.multinomial(chances, 1, generator=rng)]  # (1, D)
        centres = torch.cat([centres, new])
        chances = torch.cdist(points, centres).min(1).values.square()
        if not chances.any():  # fewer different examples than centres
            chances = torch.ones_like(chances)
    nearest = torch.cdist(points, centres).argmin(1)
    for _ in range(max_steps):
        groups = F.one_hot(nearest, components).to(points.dtype)  # (N, K)
        sizes = groups.sum(0)[:, None]
        means = groups.T @ points / sizes.clamp_min(1.0)
        centres = torch.where(sizes > 0, means, centres)
        previous, nearest = nearest, torch.cdist(points, centres).argmin(1)
        if (previous == nearest).all():
            break
    return F.one_hot(nearest, components).to(points.dtype)
