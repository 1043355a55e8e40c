"""Does each latent variable stand for one known factor of variation?

A column of whole numbers is discrete, for instance a class; any other is continuous.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from helpers.checks import argument_error, check_counts, check_data
from helpers.metrics.estimates import Estimate, mean_and_standard_error


class InformationGap(NamedTuple):
    """What `mutual_information_gap` estimates."""

    gap: Estimate  # the mean over the factors
    gaps: Tensor  # (K,) of each factor
    information: Tensor  # (L, K) nats that a latent variable has about a factor


class DCI(NamedTuple):
    """What `dci` estimates: three numbers between 0 and 1, and the matrix behind two of them."""

    disentanglement: float
    completeness: float
    informativeness: Tensor  # (K,) of each factor; below 0 for a latent code worse than nothing
    importance: Tensor  # (L, K), each column with the sum 1


def mutual_information_gap(z: Tensor, factors: Tensor, *, bins: int = 20) -> InformationGap:
    r"""How much more one latent variable tells about a factor than any other one: MIG, in [0, 1].

    $$ \mathrm{MIG} = \frac1K \sum_k \frac{1}{H(v_k)}
       \Bigl( I(z_{j_k}; v_k) - \max_{j \ne j_k} I(z_j; v_k) \Bigr),
       \qquad j_k = \arg\max_j I(z_j; v_k) $$

    Continuous columns are cut into bins of equal counts, so a monotone map of a latent variable
    changes nothing. Entropies have Miller's correction of the bias, (cells − 1)/(2N), and no
    information is below 0. The standard error is that of the delta method, with the bins and the
    two best variables held fixed. The floor is the score of z with its rows shuffled.

    Args:
        z: latent variables (N, L), L at least 2.
        factors: (N, K), none of them constant.
        bins: of each continuous column, N at least.

    Reference: Chen et al. 2018, arXiv 1802.04942.

    >>> factors = torch.arange(64.0).reshape(64, 1) // torch.tensor([8.0, 1.0]) % 8
    >>> mutual_information_gap(-factors, factors).gaps
    tensor([1., 1.], dtype=torch.float64)
    """
    a, b = _columns(z, factors)
    check_counts(2, bins=bins)
    check_counts(bins, **{"len(z)": len(a)})
    codes, classes = ([_classes(column, bins) for column in x.T] for x in (a, b))
    surprise, entropy = zip(*(_entropy(c) for c in classes))
    joint = [[_entropy(c * (int(d.max()) + 1) + d) for d in classes] for c in codes]
    alone = [_entropy(c) for c in codes]
    own, other = torch.stack([own for own, _ in alone]), torch.stack(surprise)  # (L, N), (K, N)
    both = torch.stack([torch.stack([s for s, _ in row]) for row in joint])  # (L, K, N)
    details = own[:, None] + other - both  # their mean is the mutual information
    total = torch.tensor(entropy, dtype=torch.float64)  # (K,)
    information = (
        torch.tensor([h for _, h in alone], dtype=torch.float64)[:, None]
        + total
        - torch.tensor([[h for _, h in row] for row in joint], dtype=torch.float64)
    ).clamp(min=0)
    top, which = information.topk(2, 0)  # (2, K)
    gaps = (top[0] - top[1]) / total
    first, second = details[which, torch.arange(len(total))]  # (K, N) each
    parts = (first - second - gaps[:, None] * other) / total[:, None]
    error = mean_and_standard_error(parts.mean(0)).standard_error
    return InformationGap(Estimate(gaps.mean().item(), error), gaps, information)


def dci(z: Tensor, factors: Tensor, *, rng: Generator | None = None) -> DCI:
    """Disentanglement, completeness and informativeness, from forests that predict the factors.

    The importance of a latent variable for a factor is the share of the variance (of Gini's
    impurity for a discrete factor) that splits at this variable remove, in 100 bagged trees with at
    least 10 examples in a leaf. Informativeness is the R² (the accuracy) of trees on the examples
    that they were not grown with. The other two are those of `disentanglement_and_completeness`.

    Args:
        z: latent variables (N, L), N at least 40, L at least 2.
        factors: (N, K), K at least 2, none of them constant.
        rng: seeds the forests.

    Reference: Eastwood and Williams 2018, International Conference on Learning Representations.
    """
    a, b = _columns(z, factors)
    check_counts(40, **{"len(z)": len(a)})  # with fewer a tree may not split at all
    forests = [_forest(a, column, rng) for column in b.T]
    importance = torch.stack([torch.as_tensor(f.feature_importances_).double() for f in forests], 1)
    scores = torch.tensor([f.oob_score_ for f in forests], dtype=torch.float64)
    return DCI(*disentanglement_and_completeness(importance), scores, importance)


def disentanglement_and_completeness(importance: Tensor) -> tuple[float, float]:
    r"""Is each latent variable important for one factor only, and each factor in one variable?

    With $R$ (L, K) the importances, at least 0, disentanglement and completeness are

    $$ D = \sum_i \rho_i \bigl(1 - H_K(P_i)\bigr), \quad P_{ij} = \frac{R_{ij}}{\sum_k R_{ik}},
       \quad \rho_i = \frac{\sum_j R_{ij}}{\sum_{kj} R_{kj}}, $$

    with the entropy to the base K, and the same for the transpose of $R$. Both are 0 where all
    importances are.

    Reference: Eastwood and Williams 2018, International Conference on Learning Representations;
    with weights for completeness too, as in Locatello et al. 2019, arXiv 1811.12359.

    >>> disentanglement_and_completeness(torch.eye(3))
    (1.0, 1.0)
    >>> disentanglement_and_completeness(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))[0]
    1.0
    """
    r = check_data("importance", importance, ("L", "K"), low=0).double()
    check_counts(2, L=r.shape[0], K=r.shape[1])
    return _purity(r), _purity(r.T)


def _purity(r: Tensor) -> float:
    rows = r.sum(1, keepdim=True)
    p = r / rows.clamp(min=1e-300)
    entropy = -torch.xlogy(p, p).sum(1) / math.log(r.shape[1])
    return ((1 - entropy) * rows[:, 0]).sum().item() / max(r.sum().item(), 1e-300)


def _columns(z: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    a = check_data("z", z, ("N", "L")).detach().double().cpu()
    b = check_data("factors", factors, (len(a), "K"), hint="a row for each row of z").double().cpu()
    check_counts(2, **{"z.shape[1]": a.shape[1]})
    if (b == b[0]).all(0).any():
        constant = (b == b[0]).all(0).nonzero()[:, 0].tolist()
        raise argument_error("factors", "all vary", f"constant columns {constant}")
    return a, b


def _discrete(column: Tensor) -> bool:
    return bool((column == column.round()).all())


def _classes(column: Tensor, bins: int) -> Tensor:
    """The class (N,) of each row: of equal numbers, or of a bin."""
    if _discrete(column):
        same: Tensor = torch.unique(column, return_inverse=True)[1]
        return same
    ordered, n = column.sort().values, len(column)
    first = torch.arange(1, bins) * n // bins  # row numbers at which a new bin begins
    return torch.bucketize(column.contiguous(), (ordered[first - 1] + ordered[first]) / 2)


def _entropy(classes: Tensor) -> tuple[Tensor, float]:
    """−log of the frequency of each row's class (N,), and the entropy with the bias corrected."""
    _, which, counts = torch.unique(classes, return_inverse=True, return_counts=True)
    surprise = -(counts.double() / len(classes)).log()[which]
    return surprise, surprise.mean().item() + (len(counts) - 1) / (2 * len(classes))


def _forest(z: Tensor, factor: Tensor, rng: Generator | None) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    discrete = _discrete(factor)
    forest = (RandomForestClassifier if discrete else RandomForestRegressor)(
        min_samples_leaf=10,
        max_features=None,  # all at each split: else a useless variable is split at for want of one
        oob_score=True,
        random_state=int(torch.randint(2**31, (), generator=rng)),
    )
    return forest.fit(z.numpy(), factor.long().numpy() if discrete else factor.numpy())
