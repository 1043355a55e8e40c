"""The stroke mixture against quadrature, torch.distributions and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, MultivariateNormal

from helpers.distributions import StrokeMixture
from helpers.random import seeded
from tests.printed import tex
from tests.statistics import assert_mean_close

K = 4


def mixture(seed: int, device: torch.device | str = "cpu", batch: int = 3) -> StrokeMixture:
    draws = torch.randn(batch, 6 * K + 1, generator=seeded(seed)).to(device)
    return StrokeMixture(0.7 * draws)


def reference(p: StrokeMixture) -> MixtureSameFamily:
    """The same mixture from torch, with its covariance matrices written out."""
    x, y = p.std.unbind(-1)
    off = p.rho * x * y
    covariance = torch.stack([torch.stack([x**2, off], -1), torch.stack([off, y**2], -1)], -2)
    return MixtureSameFamily(Categorical(p.weights), MultivariateNormal(p.mu, covariance))


def steps(n: int, seed: int, device: torch.device | str = "cpu") -> Tensor:
    g = seeded(seed)
    offsets = 2 * torch.randn(n, 2, generator=g)
    return torch.cat([offsets, torch.randint(2, (n, 1), generator=g)], 1).to(device)


@pytest.mark.equation("eq-handwriting-mixture")
def test_the_density_is_torchs(device: torch.device, seed: int) -> None:
    """torch.distributions: MixtureSameFamily of MultivariateNormal, and Bernoulli."""
    p, x = mixture(seed, device), steps(3, seed + 1, device)
    expected = reference(p).log_prob(x[:, :2])
    expected = expected + Bernoulli(logits=p.end_logit).log_prob(x[:, 2])
    torch.testing.assert_close(p.log_prob(x), expected)
    assert p.log_prob(x).shape == (3,)
    b = 1
    covariances = [
        torch.as_tensor(
            tex("eq-handwriting-mixture", statement=1)(
                {"s_k1": p.std[b, k, 0].item(), "s_k2": p.std[b, k, 1].item()},
                rho={k: p.rho[b, k].item()},
                k=k,
            )
        ).to(x)
        for k in range(K)
    ]
    printed = tex("eq-handwriting-mixture")(
        K=K,
        pi=p.weights[b].tolist(),
        mu=list(p.mu[b]),
        Sigma=covariances,
        Delta=x[b, :2],
        q=p.end_logit[b].sigmoid().item(),
        e=x[b, 2].item(),
        N_cal=lambda at, mean, cov: MultivariateNormal(mean, cov).log_prob(at).exp().item(),
    )
    assert math.log(printed) == pytest.approx(expected[b].item())


def test_the_mean_is_torchs(seed: int) -> None:
    p = mixture(seed)
    torch.testing.assert_close(p.mean[:, :2], reference(p).mean)
    torch.testing.assert_close(p.mean[:, 2], Bernoulli(logits=p.end_logit).mean)


@pytest.mark.equation("eq-handwriting-parameters")
def test_the_parameters_are_in_the_documented_order(seed: int) -> None:
    """The blocks of the raw numbers, cut and transformed by hand."""
    raw = torch.randn(2, 6 * K + 1, generator=seeded(seed))
    p, blocks = StrokeMixture(raw), raw[:, :-1].reshape(2, 6, K)
    torch.testing.assert_close(p.weights, blocks[:, 0].exp() / blocks[:, 0].exp().sum(1)[:, None])
    torch.testing.assert_close(p.mu, blocks[:, 1:3].transpose(1, 2))
    torch.testing.assert_close(p.std, blocks[:, 3:5].exp().transpose(1, 2))
    torch.testing.assert_close(p.rho, blocks[:, 5].tanh())
    torch.testing.assert_close(p.end_logit, raw[:, -1])
    pi, mu, s, rho, q = (tex("eq-handwriting-parameters", statement=i) for i in range(5))
    b = 1
    for k in range(1, K + 1):
        row = blocks[b, :, k - 1].tolist()
        assert pi(pi_hat=blocks[b, 0].tolist(), k=k) == pytest.approx(p.weights[b, k - 1].item())
        for i in (0, 1):
            assert mu(mu_hat={k: row[1 + i]}, k=k) == pytest.approx(p.mu[b, k - 1, i].item())
            printed = s({"s_hat_ki": row[3 + i]})
            assert printed == pytest.approx(p.std[b, k - 1, i].item())
        assert rho(rho_hat={k: row[5]}, k=k) == pytest.approx(p.rho[b, k - 1].item())
    assert q(q_hat=raw[b, -1].item()) == pytest.approx(p.end_logit[b].sigmoid().item())


def test_the_density_integrates_to_one(seed: int) -> None:
    """Quadrature over the plane, summed over both values of the lift."""
    raw = 0.7 * torch.randn(1, 6 * K + 1, generator=seeded(seed)).clamp(-1.5, 1.5)
    p = StrokeMixture(raw)
    side = torch.linspace(-30, 30, 1501)
    plane = torch.cartesian_prod(side, side)
    total = sum(
        p.log_prob(torch.cat([plane, torch.full((len(plane), 1), end)], 1)).exp().sum()
        for end in (0.0, 1.0)
    )
    assert float(total * (side[1] - side[0]) ** 2) == pytest.approx(1, abs=1e-6)


def test_gradients_are_those_of_finite_differences(seed: int) -> None:
    raw = torch.randn(3, 6 * K + 1, generator=seeded(seed)).requires_grad_()
    x = steps(3, seed)
    assert torch.autograd.gradcheck(lambda r: StrokeMixture(r, min_std=0.1).log_prob(x), [raw])


@pytest.mark.equation("eq-handwriting-exponent")
@pytest.mark.parametrize("r", [20.0, -20.0])
def test_correlations_near_one_stay_exact(r: float) -> None:
    """A closed form: along the ridge of a degenerate normal log p = −log 2π + log cosh r."""
    raw = torch.tensor([0.0, 0, 0, 0, 0, r, 0])
    p = StrokeMixture(raw)
    u, v, small = 0.7, -0.4, r / 16
    form = tex("eq-handwriting-exponent", side=0)(u=u, v=v, rho=math.tanh(small))
    w = tex("eq-handwriting-exponent", statement=1)(u=u, v=v, r=small)
    assert tex("eq-handwriting-exponent")(u=u, w=w) == pytest.approx(form)
    one = StrokeMixture(torch.tensor([0.0, 0, 0, 0, 0, small, 0]))
    normal = -form / 2 - math.log(2 * math.pi) + math.log(math.cosh(small))
    assert one.log_density(torch.tensor([u, v])).item() == pytest.approx(normal)
    assert math.isclose(
        p.log_density(torch.zeros(2)).item(), abs(r) - math.log(2) - math.log(2 * math.pi)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("min_std", [0.0, 0.1])
def test_no_raw_output_breaks_the_gradient(dtype: torch.dtype, min_std: float, seed: int) -> None:
    """Each raw number alone, all of them, and pairs, at ±100 and ±1000."""
    x = steps(3, seed).to(dtype)
    for size in (100.0, -100.0, 1000.0, -1000.0):
        rows = torch.cat(
            [torch.eye(13), torch.ones(1, 13), torch.eye(13) + torch.eye(13).roll(2, 0)]
        )
        for base in (torch.zeros(13), torch.randn(13, generator=seeded(seed))):
            raw = (base + size * rows).to(dtype)[:, None].requires_grad_()  # (27, 1, 13)
            log_p = StrokeMixture(raw, min_std=min_std).log_prob(x)
            (slope,) = torch.autograd.grad(log_p.sum(), raw)
            assert log_p.isfinite().all()
            assert slope.isfinite().all()


def test_samples_have_the_moments_of_the_mixture(device: torch.device, seed: int) -> None:
    """Closed forms of mean and second moments of a mixture."""
    n, one = 40_000, mixture(seed + 3, device, batch=1)
    raw = 0.7 * torch.randn(1, 6 * K + 1, generator=seeded(seed + 3)).to(device)
    drawn = StrokeMixture(raw.expand(n, -1)).sample(rng=seeded(seed, device))
    law = reference(one)
    assert_mean_close(drawn[:, :2], law.mean[0])
    assert_mean_close(drawn[:, 2], one.end_logit.sigmoid()[0])
    covariance = law.component_distribution.covariance_matrix[0, :, 0, 1]
    product = (one.weights[0] * (covariance + one.mu[0, :, 0] * one.mu[0, :, 1])).sum()
    assert_mean_close(drawn[:, 0] * drawn[:, 1], product)
    assert_mean_close(drawn[:, :2] ** 2, law.variance[0] + law.mean[0] ** 2)


@pytest.mark.equation("eq-handwriting-unit")
def test_a_change_of_unit_is_a_change_of_variables(seed: int) -> None:
    """log p of y = 3x is log p(x) − 2 log 3, with the density of x by torch."""
    p, x = mixture(seed), steps(3, seed)
    y = torch.cat([3 * x[:, :2], x[:, 2:]], 1)
    expected = reference(p).log_prob(x[:, :2]) - 2 * math.log(3)
    printed = tex("eq-handwriting-unit")(
        {"lambda": 3.0}, Delta=y[:, :2], p_tilde=lambda at: reference(p).log_prob(at).exp()
    )
    torch.testing.assert_close(printed, expected)
    expected = expected + Bernoulli(logits=p.end_logit).log_prob(x[:, 2])
    torch.testing.assert_close(p.scaled(3.0).log_prob(y), expected)


@pytest.mark.equation("eq-handwriting-bias")
def test_the_bias_narrows_and_sharpens(seed: int) -> None:
    """The definition: std e^−b, weights in proportion to their power 1 + b; the lift unchanged."""
    p, b = mixture(seed), 0.8
    q = p.biased(b)
    torch.testing.assert_close(q.std, p.std * math.exp(-b))
    narrow, sharp = tex("eq-handwriting-bias"), tex("eq-handwriting-bias", statement=1)
    for k in range(K):
        assert narrow({"s_ki": p.std[1, k, 0].item()}, b=b) == pytest.approx(q.std[1, k, 0].item())
        weight = sharp(pi_hat=p.logits[1].tolist(), b=b, k=k + 1)
        assert weight == pytest.approx(q.weights[1, k].item())
    power = p.weights ** (1 + b)
    torch.testing.assert_close(q.weights, power / power.sum(-1, keepdim=True))
    torch.testing.assert_close(q.end_logit, p.end_logit)
    torch.testing.assert_close(p.biased(0.0).log_prob(steps(3, 0)), p.log_prob(steps(3, 0)))


@pytest.mark.equation("eq-handwriting-blur")
def test_the_floor_is_noise_added_to_the_offset(seed: int) -> None:
    """torch.distributions: MultivariateNormal with m² I added to the written-out covariance."""
    raw, m = torch.randn(3, 6 * K + 1, generator=seeded(seed)), 0.4
    p, x = StrokeMixture(raw), steps(3, seed + 1)
    covariance = reference(p).component_distribution.covariance_matrix + m**2 * torch.eye(2)
    law = MixtureSameFamily(Categorical(p.weights), MultivariateNormal(p.mu, covariance))
    found = StrokeMixture(raw, min_std=m).log_density(x[:, :2])
    torch.testing.assert_close(found, law.log_prob(x[:, :2]))
    printed = tex("eq-handwriting-blur")(
        {"k": range(1, K + 1)},
        Delta=x[1, :2],
        I=torch.eye(2),
        pi=p.weights[1].tolist(),
        mu=list(p.mu[1]),
        Sigma=list(reference(p).component_distribution.covariance_matrix[1]),
        m=m,
        N_cal=lambda at, mean, cov: MultivariateNormal(mean, cov).log_prob(at).exp(),
    )
    torch.testing.assert_close(printed.log(), found[1])


@pytest.mark.equation("eq-handwriting-bound")
@pytest.mark.parametrize("log_std", [-35.0, 0.0, 3.0])
@pytest.mark.parametrize("r", [0.0, 25.0, -25.0])
def test_the_floor_bounds_the_density(log_std: float, r: float) -> None:
    """The closed form −log(2π m²), also where the correlation is one."""
    raw = torch.tensor([0.0, 0, 0, log_std, log_std, r, 0])
    found = StrokeMixture(raw, min_std=0.01).log_density(torch.zeros(2)).item()
    printed = tex("eq-handwriting-bound")(m=0.01)
    assert found <= printed + 1e-9
    if log_std == -35:
        assert found == pytest.approx(printed)
        assert StrokeMixture(raw).log_density(torch.zeros(2)).item() > 60
    elif r:
        assert StrokeMixture(raw).log_density(torch.zeros(2)).item() > 15


def test_the_generator_is_obeyed_and_the_global_one_left_alone(seed: int) -> None:
    p, before = mixture(seed), torch.get_rng_state()
    first, second = (p.sample(rng=seeded(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
