"""The groups from which EM starts, and the loop of EM on a mixture of coins."""

from __future__ import annotations

import pytest
import torch

from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.mixture import Mixture, k_means
from helpers.random import seeded
from tests.statistics import assert_mean_close


def test_groups_are_a_fixed_point_of_lloyd(seed: int) -> None:
    x = torch.randn(80, 3, generator=seeded(seed)) + torch.arange(80)[:, None] % 2 * 3.0
    groups = k_means(x, 4, max_steps=100, rng=seeded(seed))
    means = groups.T @ x / groups.sum(0)[:, None]
    torch.testing.assert_close(groups, torch.eye(4)[torch.cdist(x, means).argmin(1)])


def test_far_groups_are_found_whatever_the_seed(seed: int) -> None:
    kind = torch.arange(90) % 3
    x = 0.1 * torch.randn(90, 2, generator=seeded(seed)) + 100.0 * torch.eye(3)[kind, :2]
    groups = k_means(x, 3, rng=seeded(seed))
    together = groups @ groups.T
    torch.testing.assert_close(together, (kind[:, None] == kind).double())


def test_images_are_points(seed: int) -> None:
    x = torch.tensor([0.0, 0.0, 9.0, 9.0]).reshape(4, 1, 1, 1)
    groups = k_means(x, 2, rng=seeded(seed))
    assert groups[:2].sum(0).max() == 2
    assert groups[2:].sum(0).max() == 2


def test_equal_examples_leave_groups_empty() -> None:
    groups = k_means(torch.ones(5, 2), 3, rng=seeded(0))
    assert groups.sum(0).tolist() == [5.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [20, 26, 300])
@pytest.mark.parametrize(("dtype", "shift"), [(torch.float32, 1e5), (torch.float64, 1e12)])
def test_a_shift_of_the_points_changes_no_group(
    n: int, dtype: torch.dtype, shift: float, seed: int
) -> None:
    """Two clusters on a grid of eighths, which these shifts do not round."""
    kind = torch.arange(n) % 2
    x = torch.randint(-4, 5, (n, 2), generator=seeded(seed)) / 8 + 4.0 * kind[:, None]
    groups = k_means(x.to(dtype) + shift, 2, rng=seeded(seed))
    assert torch.equal(groups @ groups.T, (kind[:, None] == kind).to(dtype))


def coins(seed: int, n: int = 50) -> torch.Tensor:
    """Throws (n, 4) of a coin that falls on its head half the time, and of one that rarely does."""
    chance = torch.where(torch.arange(n)[:, None] % 2 == 0, 0.5, 0.1)
    return (torch.rand(n, 4, generator=seeded(seed)) < chance).long()


def test_a_step_of_em_is_bayes_rule_and_a_weighted_mean(seed: int) -> None:
    """Both steps written out for coins: p(k | x), its mean, and the heads that k accounts for."""
    x, first = coins(seed), torch.rand(50, 2, generator=seeded(seed)) + 0.1
    mixture = CategoricalMixture(2, 2, smoothing=0.0).start(x, first)
    torch.testing.assert_close(mixture.weights, first.sum(0) / first.sum())
    heads = mixture.log_table[..., 1].exp()  # (K, D)
    factors = torch.where(x[:, None] == 1, heads, 1 - heads)  # (N, K, D)
    joint = mixture.weights * factors.prod(-1)
    torch.testing.assert_close(mixture.log_joint(x), joint.log())
    torch.testing.assert_close(mixture.log_prob(x), joint.sum(1).log())
    r = joint / joint.sum(1, keepdim=True)
    mixture.em_step(x)
    torch.testing.assert_close(mixture.weights, r.mean(0))
    expected = r.T @ x.double() / r.sum(0)[:, None]
    torch.testing.assert_close(mixture.log_table[..., 1].exp(), expected)


def test_the_history_holds_the_objective_before_each_step_and_at_the_end(seed: int) -> None:
    """Without a prior the objective is the mean log-likelihood."""
    x = coins(seed)
    for steps in (0, 1, 3):
        mixture = CategoricalMixture(2, 2, smoothing=0.0)
        mixture.fit(x, max_steps=steps, rng=seeded(seed))
        assert mixture.history[-1] == pytest.approx(float(mixture.log_prob(x).mean()))
        assert len(mixture.history) == steps + 1
        before = CategoricalMixture(2, 2, smoothing=0.0).fit(x, max_steps=0, rng=seeded(seed))
        assert mixture.history[0] == before.history[0]
        for _ in range(steps):
            before.em_step(x)
        torch.testing.assert_close(before.log_prob(x), mixture.log_prob(x))


def test_a_run_ends_where_a_step_gains_less_than_the_limit(seed: int) -> None:
    mixture = CategoricalMixture(2, 2).fit(coins(seed), max_steps=5000, rng=seeded(seed))
    gains = torch.tensor(mixture.history).diff()
    assert len(gains) < 5000
    assert (gains[:-1] >= 1e-5).all()
    assert gains[-1] < 1e-5


def test_the_best_of_the_restarts_is_kept(seed: int) -> None:
    x, rng = coins(seed), seeded(seed)
    ends = [CategoricalMixture(3, 2).fit(x, max_steps=2, rng=rng).history[-1] for _ in range(4)]
    best = CategoricalMixture(3, 2).fit(x, restarts=4, max_steps=2, rng=seeded(seed))
    assert best.history[-1] == max(ends)
    assert best._expect(x)[1] == best.history[-1]


def test_samples_are_of_all_components_or_of_the_one_asked_for(seed: int) -> None:
    x = torch.tensor([[0], [1], [1], [1]])
    mixture = CategoricalMixture(2, 2, smoothing=0.0).start(x, torch.eye(2)[[0, 1, 1, 1]])
    assert_mean_close(mixture.sample(20_000, rng=seeded(seed)).double(), 0.75)
    for component in (0, 1):
        assert (mixture.sample(50, component=component) == component).all()


def test_bad_arguments_are_named() -> None:
    x = coins(0)
    with pytest.raises(ValueError, match=r"len\(x\) must be an integer of at least 3, got 2"):
        CategoricalMixture(3, 2).fit(x[:2])
    with pytest.raises(ValueError, match="restarts must be an integer of at least 1, got 0"):
        CategoricalMixture(2, 2).fit(x, restarts=0)
    with pytest.raises(ValueError, match=r"responsibilities must have shape \(50, 2\)"):
        CategoricalMixture(2, 2).start(x, torch.ones(50, 3))
    with pytest.raises(ValueError, match=r"responsibilities must lie in \[0, inf\]"):
        CategoricalMixture(2, 2).start(x, -torch.ones(50, 2))
    for call in ("em_step", "log_prob", "log_joint"):
        with pytest.raises(RuntimeError, match="call fit first"):
            getattr(CategoricalMixture(2, 2), call)(x)


def test_the_shared_part_alone_is_no_model() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Mixture(2)  # type: ignore[abstract]
