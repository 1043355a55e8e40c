"""Grey levels in their order: a mixture of logistic densities in bins, and two atoms."""

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.checks import argument_error
from helpers.distributions.discrete import Categorical


class LogisticLevels(Categorical):
    r"""Levels 0 … V − 1 from K logistic densities in bins and an atom at either end.

    $$ P(v) \propto \sum_{k=1}^K \pi_k B_k(v)
       + \pi_\mathrm{black} [v = 0] + \pi_\mathrm{white} [v = V - 1], $$
    $$ B_k(v) = \sigma\Big(\frac{v + \frac12 - \mu_k}{s_k}\Big)
       - \sigma\Big(\frac{v - \frac12 - \mu_k}{s_k}\Big), $$

    with the outer bins open to ±∞. Neighbouring levels share what is learned of them, other than in
    a `Categorical`; the atoms are for pixels that are exactly black or white.

    Args:
        raw: (B, 3K + 2, *event): the weights of components and atoms, centres and scales; where raw
            is zero the centres are spread evenly over the levels.
        levels: V.

    Reference: Salimans et al., arXiv:1701.05517, section 2.1, where the ends have no atoms.

    Taught in: models/autoregressive
    """

    def __init__(self, raw: Tensor, levels: int) -> None:
        k = (raw.shape[1] - 2) // 3
        if raw.shape[1] != 3 * k + 2 or k < 1:
            raise argument_error("raw", "have 3K + 2 channels", raw.shape[1])
        weights, centres, scales = torch.split(raw.movedim(1, -1), [k + 2, k, k], -1)
        weights = weights.softmax(-1)  # (B, *event, K + 2)
        spread = torch.linspace(-1, 1, k).to(raw) if k > 1 else raw.new_zeros(1)
        mu = (1 + spread + centres) * (levels - 1) / 2
        s = (0.1 + F.softplus(scales + 1)) * (levels - 1) / 10
        edges = torch.arange(levels - 1).to(raw) + 0.5
        below = torch.sigmoid((edges - mu[..., None]) / s[..., None])  # (B, *event, K, V − 1)
        mass = F.pad(below, (0, 1), value=1.0) - F.pad(below, (1, 0))  # (B, *event, K, V)
        p = (weights[..., None, :k] @ mass)[..., 0, :]
        black, white = weights[..., k:].unbind(-1)
        ends = F.pad(black[..., None], (0, levels - 1)) + F.pad(white[..., None], (levels - 1, 0))
        # far from all centres nothing is left in single precision, and its logarithm has no slope
        super().__init__((p + ends + 1e-7).log().movedim(-1, 1))
