"""Are samples copies of training examples? Nearer to them than new examples are?"""

from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts
from helpers.metrics.distances import nearest_neighbours, two_sets
from helpers.metrics.estimates import Estimate


class Copies(NamedTuple):
    """What `copies` finds.

    Attributes:
        share: of the samples that lie too near to a training example.
        excess: that share above the one of new examples.
        distances: (N,), of each sample from its nearest training example.
        nearest: (N,), the row of that example.
    """

    share: float
    excess: Estimate
    distances: Tensor
    nearest: Tensor


def copies(fake: Tensor, train: Tensor, held_out: Tensor, *, level: float = 0.05) -> Copies:
    r"""Count the samples that lie nearer to a training example than new real examples do.

    With $d(x)$ the distance from x to its nearest training example and $d_\alpha$ the
    $\alpha$-quantile of $d$ over the held-out examples,

    $$ \mathrm{share} = \frac1N \sum_f [\,d(f) < d_\alpha\,], \qquad
       \mathrm{excess} = \mathrm{share} - \mathrm{share}_{\text{held-out}}, $$
    $$ \mathrm{se}^2 = \frac{s (1 - s)}{N} + \frac{\alpha (1 - \alpha)}{M} $$

    A sampler of the true distribution has an excess of zero within its standard error; one that
    returns training examples a share f of the time has an excess of $f (1 - \alpha)$.

    Args:
        fake: samples (N, …).
        train: the examples the model was trained on.
        held_out: M examples that it was not trained on or chosen by.
        level: α, in (0, 1).

    Reference: the three samples are those of Meehan et al. 2020, arXiv 2004.05675, whose test ranks
    the distances where this one counts the small ones.

    >>> train, new = torch.rand(400, 2), torch.rand(400, 2)
    >>> copies(train[:100], train, new).share
    1.0

    Taught in: models/autoregressive
    """
    check_between("level", level, 0, 1, ends="()")
    two_sets(train=train, fake=fake)
    two_sets(train=train, held_out=held_out)
    m = len(held_out)
    check_counts(round(1 / level), **{"len(held_out)": m})
    new = nearest_neighbours(held_out, train)[0][:, 0]
    distances, nearest = (part[:, 0] for part in nearest_neighbours(fake, train))
    threshold = torch.quantile(new, level)
    share, floor = ((d < threshold).double().mean().item() for d in (distances, new))
    variance = share * (1 - share) / len(distances) + level * (1 - level) / m
    return Copies(share, Estimate(share - floor, variance**0.5), distances, nearest)
