"""Precision and recall of samples: are they realistic, and do they reach everything?"""

from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_counts
from helpers.metrics.distances import distance_blocks, nearest_neighbours, two_sets
from helpers.metrics.estimates import Estimate, share


class PrecisionRecall(NamedTuple):
    """What `precision_recall` estimates."""

    precision: Estimate
    recall: Estimate


def precision_recall(real: Tensor, fake: Tensor, *, k: int = 3) -> PrecisionRecall:
    r"""Shares of the samples inside the data's region, and of the data inside the samples'.

    The region of a set is the union of balls around its points a, each reaching to the point's k-th
    nearest neighbour in the set, at $r_k(a)$:

    $$ \mathrm{precision} = \frac1N \sum_{f} \bigl[\exists\, a \in \text{real}:
       \lVert f - a \rVert \le r_k(a)\bigr] $$

    and recall with the roles exchanged. Standard errors are binomial, with the regions held fixed.

    Args:
        real: features (M, D) of real examples, M above k.
        fake: features (N, D) of samples, N above k.
        k: which neighbour gives the radius.

    Reference: Kynkäänniemi et al. 2019, arXiv 1904.06991.

    Taught in: models/gan
    """
    check_counts(k=k)
    a, b = two_sets(k + 1, real=real, fake=fake)
    return PrecisionRecall(_share_inside(b, a, k), _share_inside(a, b, k))


def _share_inside(x: Tensor, reference: Tensor, k: int) -> Estimate:
    # Each point is its own nearest neighbour, hence k + 1.
    radius = nearest_neighbours(reference, reference, k + 1)[0][:, k]  # (M,)
    inside = [(block <= radius).any(1) for block in distance_blocks(x, reference)]
    return share(torch.cat(inside))
