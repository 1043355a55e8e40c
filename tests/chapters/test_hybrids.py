"""Cells of the chapter on hybrids against quadrature, enumeration and the models of the book."""

from __future__ import annotations

import io
import math
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from scipy import integrate
from scipy.stats import norm

from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex

PAGE = "models/hybrids"


def quiet(ids: list[str], **names: object) -> dict[str, object]:
    with redirect_stdout(io.StringIO()):
        return run_cells(PAGE, ids, **names)


@pytest.fixture(scope="module")
def surgery() -> dict[str, object]:
    return quiet(["imports", "surgery-encoders", "surgery-split"], seed=0, device="cpu")


@pytest.mark.equation("eq-hybrids-aggregate")
def test_the_aggregate_is_the_density_of_drawn_codes(surgery: dict[str, object], seed: int) -> None:
    """Draws: first an example, then its code; their share in each of eight cells."""
    line = surgery["line"].numpy()  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    edges = np.array([-1.7, -0.9, -0.4, 0.0, 0.4, 0.9, 1.7])
    n = 40_000
    for name, (mu, std) in surgery["encoders"].items():  # type: ignore[attr-defined]
        which = rng.integers(5, size=n)
        codes = np.array(mu)[which] + np.array(std)[which] * rng.standard_normal(n)
        density = surgery["aggregates"][name][1].exp().numpy()  # type: ignore[index]
        printed = tex("eq-hybrids-aggregate")(
            E=lambda values: values.mean(1),
            p=None,
            q=lambda z, x, mu=mu, std=std: norm.pdf(z[:, None], np.array(mu)[x], np.array(std)[x]),
            x=range(5),
            z=line,
        )
        assert np.allclose(printed, density, atol=1e-12)
        mass = integrate.cumulative_trapezoid(density, line, initial=0)
        at = np.interp(edges, line, mass)
        expected = np.diff(np.concatenate([[0], at, [1]]))
        found = np.bincount(np.digitize(codes, edges), minlength=8) / n
        assert (np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / n) + 1e-9).all()


@pytest.mark.equation("eq-hybrids-surgery")
def test_the_kl_splits_into_information_and_mismatch(surgery: dict[str, object]) -> None:
    """The closed form for normal densities, and scipy's quadrature of both parts."""
    for mu, std in surgery["encoders"].values():  # type: ignore[attr-defined]
        mean = np.mean([0.5 * (m * m + s * s - 1) - math.log(s) for m, s in zip(mu, std)])

        def density(z: float, mu: list[float] = mu, std: list[float] = std) -> float:
            return float(np.mean(norm.pdf(z, mu, std)))

        # I(x; z) as a difference of entropies: h(z) − h(z|x)
        points = sorted({m + k * s for m, s in zip(mu, std) for k in (-3, 0, 3)})
        entropy = integrate.quad(
            lambda z: -density(z) * math.log(density(z) + 1e-300), -9, 9, points=points, limit=400
        )[0]
        given = np.mean([0.5 * math.log(2 * math.pi * math.e * s * s) for s in std])
        second = np.mean([m * m + s * s for m, s in zip(mu, std)])
        mismatch = -entropy + 0.5 * math.log(2 * math.pi) + 0.5 * second
        assert mean == pytest.approx(entropy - given + mismatch, abs=1e-7)
        kl = surgery["kl"]
        name = next(k for k, v in surgery["encoders"].items() if v == (mu, std))  # type: ignore[attr-defined]
        parts, whole = surgery["aggregates"][name]  # type: ignore[index]
        prior = surgery["prior"]
        assert kl(parts, prior).mean().item() == pytest.approx(mean, abs=1e-6)  # type: ignore[operator]
        assert kl(whole, prior).item() == pytest.approx(mismatch, abs=1e-6)  # type: ignore[operator]
        names = {
            "E_x": torch.mean,
            "KL": lambda a, b, kl=kl: kl(a, b),
            "q": lambda *given, parts=parts, whole=whole: {("z", "x"): parts, ("z",): whole}[given],
            "p": lambda _, prior=prior: prior,
            "I": lambda *pair, known=entropy - given: {("x", "z"): known}[pair],
            "x": "x",
            "z": "z",
        }
        for side in (0, 1):
            both = tex("eq-hybrids-surgery", side=side)(names)
            assert both.item() == pytest.approx(mean, abs=1e-6)
        information = tex("eq-hybrids-surgery", statement=1)(names)
        assert information.item() == pytest.approx(entropy - given, abs=1e-6)


@pytest.mark.equation("eq-hybrids-ratio")
def test_the_discriminator_of_codes_learns_the_log_ratio(surgery: dict[str, object]) -> None:
    """Scipy's densities against the logit that the chapter's cell learns from draws alone."""
    z = np.linspace(-2.0, 2.0, 81)
    q = norm.pdf(z[:, None], [-1.5, -0.75, 0.0, 0.75, 1.5], 0.2).mean(1)
    expected = norm.logpdf(z) - np.log(q)
    printed = tex("eq-hybrids-ratio")(p=norm.pdf, q=lambda _: q, z=z)
    assert np.allclose(printed, expected)
    torch.set_default_dtype(torch.float32)  # as in a notebook
    try:
        found = run_cells(PAGE, ["ratio-critic", "ratio-train", "ratio"], **{**surgery, "seed": 3})
    finally:
        torch.set_default_dtype(torch.float64)
    with torch.no_grad():
        learned = found["critic"](torch.tensor(z).float()[:, None])[:, 0].numpy()
    assert np.sqrt(np.mean((learned - expected) ** 2)) < 0.1
    assert np.std(expected) > 0.3
    exact = np.interp(z, found["line"].numpy(), found["exact"].numpy())
    assert np.allclose(exact, expected, atol=1e-4)


@pytest.mark.equation("eq-hybrids-blur")
def test_squared_error_is_distance_to_the_mean_plus_variance(seed: int) -> None:
    """A finite distribution, enumerated; the minimiser found by gradient descent."""
    g = seeded(seed)
    x = torch.randn(5, 7, generator=g, dtype=torch.float64)
    p = torch.rand(5, generator=g, dtype=torch.float64)
    p = p / p.sum()
    mean = (p[:, None] * x).sum(0)
    covariance = (p[:, None, None] * (x - mean)[:, :, None] * (x - mean)[:, None, :]).sum(0)
    c = torch.randn(7, generator=g, dtype=torch.float64)
    error = sum(p[i] * sum((x[i, d] - c[d]) ** 2 for d in range(7)) for i in range(5))
    assert torch.allclose(error, (mean - c).square().sum() + covariance.trace())
    left, right = tex("eq-hybrids-blur", side=0), tex("eq-hybrids-blur", side=1)
    one = [left(E=lambda value: value, c=c, x=x[i]) for i in range(5)]
    torch.testing.assert_close(p @ torch.stack(one), error)
    printed = right(E=lambda _: mean, Cov=lambda _: covariance, c=c, x="x")
    torch.testing.assert_close(printed, error)
    best = torch.zeros(7, dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        (slope,) = torch.autograd.grad((p * (x - best).square().sum(1)).sum(), best)
        best = (best - 0.2 * slope).detach().requires_grad_()
    assert torch.allclose(best, mean, atol=1e-9)


def test_the_written_out_losses_are_checked_on_the_page() -> None:
    """The cells assert the agreement themselves; a changed sign must break them."""
    names = quiet(["imports"], seed=0, device="cpu")
    quiet(["aae-step", "aae-parts", "aae-twins", "aae-agrees"], **{**names, "seed": 0})
    found = quiet(["vaegan-losses", "vaegan-small", "vaegan-agrees"], **{**names, "seed": 0})

    def wrong(*arguments: object) -> dict[str, torch.Tensor]:
        losses = dict(found["vaegan_losses"](*arguments))  # type: ignore[operator]
        losses["decoder"] = -losses["decoder"]
        return losses

    with pytest.raises(AssertionError):
        quiet(["vaegan-small", "vaegan-agrees"], **{**names, "seed": 0, "vaegan_losses": wrong})


def test_e8s_value_is_blind_to_whose_code_it_is() -> None:
    names = quiet(["imports"], seed=0, device="cpu")
    (_, own, right), (_, other, wrong) = run_cells(PAGE, ["e8-networks", "e8"], **names)["rows"]
    assert own.item() == pytest.approx(other.item(), abs=1e-9)
    assert right.item() == pytest.approx(0, abs=1e-9)
    assert wrong.item() > 5
