"""Densities in the plane with edges and coils: squares of a checkerboard, arms of a spiral."""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts, check_data
from helpers.data.toy.mixtures import IsotropicMixture, Limits


class Checkerboard:
    r"""Uniform on every second square of a board: sharp edges, and no density between them.

    The board of `side` by `side` squares of width `width` is centred on the origin. The density is
    $2 / (\mathtt{side} \cdot \mathtt{width})^2$ on the dark squares, where the row and the column
    have different parity, and 0 elsewhere.

    >>> round(Checkerboard().entropy(), 3)  # log 32
    3.466
    """

    def __init__(self, side: int = 4, width: float = 2.0) -> None:
        check_counts(2, side=side)
        check_between("width", width, 0, ends="()")
        self.side, self.width = side, width

    @property
    def limits(self) -> Limits:
        """The board and a margin of a tenth: (left, right, bottom, top)."""
        edge = 0.55 * self.side * self.width
        return (-edge, edge, -edge, edge)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each point: (B, 2) → (B,) nats; −∞ on light squares and outside."""
        x = check_data("x", x, ("B", 2))
        square = (x / self.width + self.side / 2).floor()
        dark = square.sum(1).remainder(2) == 1
        inside = ((square >= 0) & (square < self.side)).all(1)
        return torch.where(dark & inside, x.new_tensor(-self.entropy()), -math.inf)

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Independent draws (n, 2), default dtype, on the device of `rng` (else the CPU)."""
        device = rng.device if rng is not None else torch.device("cpu")
        squares = torch.cartesian_prod(torch.arange(self.side), torch.arange(self.side))
        dark = squares[squares.sum(1) % 2 == 1].to(device)
        chosen = dark[torch.randint(len(dark), (n,), generator=rng, device=device)]
        place = torch.rand(n, 2, generator=rng, device=device)
        return self.width * (chosen + place - self.side / 2)

    def entropy(self) -> float:
        """Differential entropy, the logarithm of the dark area, in nats."""
        return math.log(self.side**2 // 2 * self.width**2)


class Spiral(IsotropicMixture):
    r"""Arms that wind out from the origin, each a dense chain of Gaussians.

    The links of an arm lie at radius $r = \phi / 2\pi$ and angle $\phi + 2 \pi a / A$ for the arm
    $a$ of A; $\phi^2$ is spread evenly, so that the links are about equally far apart.

    Args:
        arms: A.
        turns: how often an arm winds round the origin: its largest radius.
        std: width of the arms.
        links: Gaussians in an arm.
    """

    def __init__(
        self, arms: int = 2, turns: float = 2.0, std: float = 0.05, links: int = 200
    ) -> None:
        check_counts(arms=arms, links=links)
        check_between("turns", turns, 0, ends="()")
        share = (torch.arange(links, dtype=torch.float64) + 0.5) / links
        radius = turns * share.sqrt()  # (links,)
        start = 2 * math.pi * torch.arange(arms, dtype=torch.float64) / arms
        angle = 2 * math.pi * radius + start[:, None]  # (arms, links)
        points = torch.stack([radius * angle.cos(), radius * angle.sin()], -1)
        super().__init__(points.reshape(-1, 2), std)
