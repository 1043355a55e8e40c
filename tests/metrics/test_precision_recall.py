import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from helpers.metrics import precision_recall
from helpers.random import seeded


def by_scikit_learn(x, reference, k):
    """Share of the rows of x inside a ball of the reference, from two neighbour searches."""
    own = NearestNeighbors(n_neighbors=k + 1).fit(reference.numpy())
    radius = own.kneighbors(reference.numpy())[0][:, -1]
    count = 0
    for row in x.numpy():
        count += bool((((reference.numpy() - row) ** 2).sum(1) ** 0.5 <= radius).any())
    return count / len(x)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_by_scikit_learn(k, seed, device):
    g = seeded(seed)
    real = torch.randn(41, 3, generator=g)
    fake = 0.7 * torch.randn(29, 3, generator=g) + 0.5
    precision, recall = precision_recall(real.to(device), fake.to(device), k=k)
    assert precision.value == pytest.approx(by_scikit_learn(fake, real, k))
    assert recall.value == pytest.approx(by_scikit_learn(real, fake, k))
    p = precision.value
    assert precision.standard_error == pytest.approx(math.sqrt(p * (1 - p) / 29))


def test_a_lost_mode_costs_recall_and_noise_costs_precision(seed):
    g = seeded(seed)
    two = 0.1 * torch.randn(300, 2, generator=g) + 5.0 * (torch.arange(300) % 2)[:, None]
    one = 0.1 * torch.randn(300, 2, generator=g)
    precision, recall = precision_recall(two, one)
    assert precision.value > 0.9
    assert 0.35 < recall.value < 0.52
    wide = torch.cat([two[:150], 40 * torch.rand(150, 2, generator=g) + 10])
    precision, recall = precision_recall(two, wide)
    assert 0.45 < precision.value < 0.52
    assert recall.value > 0.9
    same = precision_recall(two, two)
    assert (same.precision.value, same.recall.value) == (1.0, 1.0)


def test_a_shift_of_both_sets_changes_nothing(seed):
    """Points on a grid of 256ths, which a shift by 1e8 does not round."""
    real, fake = (256 * torch.randn(2, 60, 2, generator=seeded(seed))).round() / 256
    assert precision_recall(real + 1e8, fake + 1e8) == precision_recall(real, fake)


def test_too_few_rows_and_no_neighbour_are_named():
    x = torch.zeros(4, 2)
    with pytest.raises(ValueError, match=r"len\(fake\) must be an integer of at least 4, got 3"):
        precision_recall(x, x[:3])
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        precision_recall(x, x, k=0)
