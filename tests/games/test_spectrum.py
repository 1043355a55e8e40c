"""Spectral radii against the formulas at 1e-8, 50-digit eigenvalues, and measured growth."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.games.fields import DiracGAN, bilinear_game
from helpers.games.spectrum import (
    BILINEAR_RADII,
    bilinear_radius,
    dirac_eigenvalues,
    spectral_radius,
    step_matrix,
)
from helpers.games.ways_to_play import (
    Alternating,
    Extragradient,
    Optimistic,
    Proximal,
    Simultaneous,
    play,
)

MAKERS = {
    make.__name__.lower(): make
    for make in (Simultaneous, Alternating, Proximal, Extragradient, Optimistic)
}
ORIGIN = torch.zeros(2, dtype=torch.float64)


def exact_radius(matrix: Tensor) -> float:
    """The spectral radius with 50 digits: double eigenvalues keep all of theirs."""
    with mpmath.workdps(50):
        values = mpmath.eig(mpmath.matrix(matrix.tolist()), left=False, right=False)
        return float(max(abs(value) for value in values))


@pytest.mark.equation("eq-dynamics-radii", frozen="72697fdd")
@pytest.mark.parametrize("method", BILINEAR_RADII)
@pytest.mark.parametrize("h", [0.05, 0.25, 0.5, 0.6, math.sqrt(0.5), 0.95, 1.3, 1.9, 2.5])
def test_formulas_of_the_bilinear_game(method: str, h: float) -> None:
    """50-digit eigenvalues of the step's Jacobian, to 1e-8."""
    matrix = step_matrix(MAKERS[method](h), bilinear_game, ORIGIN)
    assert bilinear_radius(method, h) == pytest.approx(exact_radius(matrix), abs=1e-8)


@pytest.mark.equation("eq-dynamics-radii", frozen="72697fdd")
def test_best_steps_and_limits_of_the_bilinear_game() -> None:
    """The figures of the table: best radii, best steps, thresholds."""
    assert bilinear_radius("extragradient", math.sqrt(0.5)) == pytest.approx(math.sqrt(3) / 2)
    assert bilinear_radius("optimistic", 0.5) == pytest.approx(math.sqrt(0.5), abs=1e-12)
    for method, best, limit in (
        ("extragradient", math.sqrt(0.5), 1.0),
        ("optimistic", 0.5, 1 / math.sqrt(3)),
    ):
        least = bilinear_radius(method, best)
        assert all(bilinear_radius(method, best + d) > least for d in (-0.2, -0.01, 0.01, 0.2))
        assert bilinear_radius(method, limit) == pytest.approx(1, abs=1e-12)
        assert bilinear_radius(method, limit - 1e-6) < 1 < bilinear_radius(method, limit + 1e-6)


@pytest.mark.equation("eq-dynamics-radius", frozen="b6af1b8c")
@pytest.mark.parametrize("method", BILINEAR_RADII)
def test_paths_grow_by_the_radius(method: str) -> None:
    """Growth of real paths over 600 steps."""
    for h in (0.2, 0.4, 0.55):
        path = play(MAKERS[method](h), bilinear_game, torch.tensor([1.0, 0.3]), steps=1000)
        norms = path.norm(dim=1)
        growth = (norms[800:1000].mean() / norms[200:400].mean()).item()
        radius = spectral_radius(MAKERS[method](h), bilinear_game, ORIGIN)
        assert growth ** (1 / 600) == pytest.approx(radius, abs=5e-4)


@pytest.mark.equation("eq-dynamics-conserved", frozen="d90b03f5")
@pytest.mark.parametrize("h", [0.1, 1.0, 1.99])
def test_alternating_play_conserves_a_quadratic_form(h: float) -> None:
    """The form MᵀQM = Q for the step's Jacobian, and the form along a path."""
    m = step_matrix(Alternating(h), bilinear_game, ORIGIN)[:2, :2]
    form = torch.tensor([[1.0, -h / 2], [-h / 2, 1.0]])
    assert torch.allclose(m.T @ form @ m, form, atol=1e-12)
    path = play(Alternating(h), bilinear_game, torch.tensor([1.0, -0.4]), steps=500)
    kept = torch.einsum("ti,ij,tj->t", path, form, path)
    assert torch.allclose(kept, kept[0].expand(501), rtol=1e-10)


@pytest.mark.equation("eq-dynamics-momentum", frozen="98d4e2dc")
@pytest.mark.parametrize("beta", [-0.7, -0.2, 0.3, 0.9])
@pytest.mark.parametrize("h", [0.2, 0.8, 1.5])
def test_momentum_polynomial_vanishes_at_the_eigenvalues(h: float, beta: float) -> None:
    """Characteristic polynomial of the step's Jacobian, coefficient by coefficient."""
    for make, power in ((Alternating, 3), (Simultaneous, 2)):
        matrix = step_matrix(make(h, momentum=beta), bilinear_game, ORIGIN)
        expected = np.polymul(np.poly([1, 1]), np.poly([beta, beta]))
        expected[4 - power] += h**2
        assert np.allclose(np.poly(matrix.numpy()), expected, atol=1e-10)


@pytest.mark.equation("eq-dynamics-dirac-eigenvalues", frozen="b7e16e85")
@pytest.mark.parametrize("gamma", [0.0, 0.4, 1.0, 2.5])
@pytest.mark.parametrize("noise_std", [0.0, 0.9, math.sqrt(2)])
@pytest.mark.parametrize("ratio", [1.0, 0.25, 4.0])
def test_eigenvalues_of_the_dirac_gan(gamma: float, noise_std: float, ratio: float) -> None:
    """Trace and determinant of the field's Jacobian by automatic differentiation, to 1e-8."""
    gan = DiracGAN(gamma=gamma, noise_std=noise_std)
    jacobian = -torch.autograd.functional.jacobian(gan, ORIGIN)
    jacobian = torch.tensor([1.0, ratio])[:, None] * jacobian
    high, low = dirac_eigenvalues(gamma, noise_std, ratio)
    assert high.real >= low.real
    assert abs(high + low - jacobian.trace().item()) < 1e-8
    assert abs(high * low - torch.linalg.det(jacobian).item()) < 1e-8


@pytest.mark.equation("eq-dynamics-dirac-eigenvalues", frozen="b7e16e85")
def test_anchors_of_the_dirac_gan() -> None:
    """±i/2 without friction, radius √(1 + h²/4), critical weight 1 and critical variance 2."""
    assert dirac_eigenvalues() == (0.5j, -0.5j)
    for h in (0.1, 0.7):
        radius = spectral_radius(Simultaneous(h), DiracGAN(), ORIGIN)
        assert radius == pytest.approx(math.sqrt(1 + h**2 / 4), abs=1e-8)
    assert dirac_eigenvalues(gamma=1.0) == (-0.5, -0.5)
    assert abs(dirac_eigenvalues(noise_std=math.sqrt(2))[0] + 0.5) < 1e-7
    assert dirac_eigenvalues(gamma=0.999)[0].imag > 0
    assert dirac_eigenvalues(gamma=1.001)[0].imag == 0
    assert dirac_eigenvalues(gamma=0.5, ratio=4.0) == (-1.0, -1.0)


@pytest.mark.equation("eq-dynamics-threshold", frozen="a4d45dee")
@pytest.mark.parametrize(("d", "ratio"), [(0.05, 1.0), (0.4, 1.0), (0.4, 5.0), (0.9, 0.5)])
def test_largest_stable_step_of_the_damped_game(d: float, ratio: float) -> None:
    """Eigenvalues of the step's Jacobian a millionth below and above the threshold."""
    for share, stable in ((1 - 1e-6, True), (1 + 1e-6, False)):
        rates = share * 4 * d * torch.tensor([1.0, ratio])
        radius = spectral_radius(Simultaneous(rates), DiracGAN(gamma=d), ORIGIN)
        assert (radius < 1) == stable


def test_a_rule_that_looks_back_adds_the_derivatives_it_should() -> None:
    matrix = step_matrix(Optimistic(0.3), bilinear_game, ORIGIN)
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    assert torch.allclose(matrix[:2, :2], torch.eye(2) - 0.6 * turn)
    assert torch.allclose(matrix[:2, 2:], 0.3 * turn)
    assert torch.equal(matrix[2:], torch.eye(4)[:2])


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="method must be one of"):
        bilinear_radius("sequential", 0.1)
    with pytest.raises(ValueError, match="at must have shape"):
        step_matrix(Simultaneous(0.1), bilinear_game, torch.zeros(3, 2))
