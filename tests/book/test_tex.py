r"""Formulas that are read from TeX and evaluated, against the same formulas in Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.printed import display, tex
from tools.tex import TexError, read

U = np.array([0.3, -1.2, 2.0])
V = np.array([1.5, 0.4, -0.7])
M = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 3.0]])


def compute(formula: str, **bound: Any) -> Any:
    """The last side of the first statement."""
    return read(formula)[0].side(-1)(bound)


@pytest.mark.parametrize(
    ("formula", "bound", "expected"),
    [
        (r"y = 2 x^2 - \tfrac12 x", {"x": 3.0}, 16.5),
        (r"-x^2", {"x": 3.0}, -9.0),
        (r"a - b - c", {"a": 1.0, "b": 2.0, "c": 3.0}, -4.0),
        (r"a / b - c", {"a": 1.0, "b": 2.0, "c": 3.0}, -2.5),
        (r"r / 2f", {"r": 8.0, "f": 2.0}, 2.0),
        (r"\frac1N \sum_n x_n", {"N": 3, "x": [1.0, 2.0, 6.0]}, 3.0),
        (r"\frac{a}{b} c", {"a": 1.0, "b": 2.0, "c": 3.0}, 1.5),
        (r"\frac{a}{b\,c}", {"a": 1.0, "b": 2.0, "c": 4.0}, 0.125),
        (r"\sqrt{1 - e^{-K}}", {"K": 2.0}, math.sqrt(1 - math.exp(-2))),
        (r"\sqrt\kappa", {"kappa": 9.0}, 3.0),
        (r"x^12", {"x": 3.0}, 6.0),
        (r"2^{10}", {}, 1024),
        (r"\log 2\pi", {}, math.log(2 * math.pi)),
        (r"\log(1 + a) b", {"a": 1.0, "b": 3.0}, 3 * math.log(2)),
        (r"\log \frac1k \sum_{i=1}^k w_i", {"k": 2, "w": [1.0, 3.0]}, math.log(2)),
        (r"\log a \log b", {"a": 2.0, "b": 3.0}, math.log(2) * math.log(3)),
        (r"\log a + b", {"a": 2.0, "b": 3.0}, math.log(2) + 3),
        (r"\log_{10} a", {"a": 1000.0}, 3.0),
        (r"\log -a", {"a": -1.0}, 0.0),
        (r"\cos^2 a", {"a": 0.4}, math.cos(0.4) ** 2),
        (r"v \cosh r - u \sinh r", {"v": 2.0, "u": 1.0, "r": 0.3}, 1.786156),
        (r"\exp\!\Big({-a}\Big)", {"a": 2.0}, math.exp(-2)),
        (r"\lfloor r / 2 \rfloor", {"r": 7.0}, 3.0),
        (r"|a| - \lvert b \rvert", {"a": -2.0, "b": -3.0}, -1.0),
        (r"\big| a - |b| \big|", {"a": 1.0, "b": -3.0}, 2.0),
        (r"c \, \|x\|^2", {"c": 2.0, "x": [3.0, 4.0]}, 50.0),
        (r"\lVert x \rVert", {"x": [3.0, 4.0]}, 5.0),
        (r"\max(0, a)", {"a": -2.0}, 0.0),
        (r"\min\Big(1, \frac{a}{2}\Big)", {"a": 1.0}, 0.5),
        (r"\max_j x_j", {"x": [1.0, 5.0, 2.0]}, 5.0),
        (r"\max_{j < 3} x_j", {"j": [1, 2, 3], "x": [1.0, 2.0, 9.0]}, 2.0),
        (r"\operatorname{tr} (A)", {"A": M}, 6.0),
        (r"\mathrm{sign}(a) \max(|a| - b, 0)", {"a": -3.0, "b": 1.0}, -2.0),
        (r"\hat\mu + \bar x + \tilde y_1", {"mu_hat": 1.0, "x_bar": 2.0, "y_tilde": [3.0]}, 6.0),
        (r"\overline{\mathrm{nll}} + \mathrm{KL}", {"nll_bar": 1.0, "KL": 2.0}, 3.0),
        (r"\alpha_{\min} + \beta_1", {"alpha_min": 1.0, "beta_1": 2.0}, 3.0),
        (r"p_\text{data} (3)", {"p_data": 2.0}, 6.0),
        (r"\theta_{t-1}", {"theta_t-1": 4.0}, 4.0),
        (r"\theta_{t-1}", {"theta": [4.0, 5.0], "t": 2}, 4.0),
        (r"x_0", {"x": {0: 4.0}}, 4.0),
        (r"s_{ki}", {"s": {(1, 2): 7.0}, "k": 1, "i": 2}, 7.0),
        (r"s_{k,i}", {"s": M, "k": 1, "i": 2}, 0.5),
        (r"A_{z_1 z_2}", {"A": M, "z": [3, 1]}, 0.1),
        (r"A_{z_{t-1} z_t}", {"A": M, "z": [3, 1], "t": 2}, 0.1),
        (r"\ell_{d, x_d}", {"ell": lambda d, v: 10 * d + v, "d": 2, "x": [0, 5]}, 25),
        (r"x^{(i+1)}", {"x": [1.0, 2.0], "i": 1}, 2.0),
        (r"x^{(i+1)}", {"x^(i+1)": 3.0}, 3.0),
        (r"D^* + M^{+}", {"D^*": 1.0, "M^+": 2.0}, 3.0),
        (r"F_p^{-1}(u)", {"F_p^-1": math.sqrt, "u": 4.0}, 2.0),
        (r"b' + y''", {"b'": 1.0, "y''": 2.0}, 3.0),
        (r"p(x_1, \dots, x_T)", {"p": lambda *a: sum(a), "x": [1, 2, 4, 8], "T": 3}, 7),
        (r"p(0 \mid x_{t-m}, \ldots, x_{t-1})", {"p": max, "x": [1, 2, 4], "t": 3, "m": 2}, 2),
        (r"-\frac{a}{2} \pm \sqrt{b}", {"a": 2.0, "b": 9.0, "pm": -1}, -4.0),
        (r"\arg\max_v f(v)", {"v": [1, 5, 3], "f": lambda v: v % 4}, 3),
        (
            r"\min \{ k : u < \sum_{j \le k} p_j \}",
            {"k": [1, 2, 3], "j": [1, 2, 3], "u": 0.6} | {"p": [0.5, 0.3, 0.2]},
            2,
        ),
        (r"\sum_i -\log x_i", {"x": [1.0, math.e]}, -1.0),
        (r"p(\cdot \mid x)", {"p": lambda a, b: b if a is ... else 0, "x": 3}, 3),
        (r"f(a, b)", {"f": max, "a": 1.0, "b": 2.0}, 2.0),
        (r"f(a + b)^2", {"f": 2.0, "a": 1.0, "b": 2.0}, 18.0),
        (r"f(a + b)^2", {"f": math.sqrt, "a": 7.0, "b": 2.0}, 9.0),
        (r"\sigma_j^2 (a)^3", {"sigma": [3.0], "j": 1, "a": 2.0}, 72.0),
        (r"f(a + b)", {"f": 2.0, "a": 1.0, "b": 2.0}, 6.0),
        (r"\sigma^2(a)", {"sigma": math.exp, "a": 1.0}, math.exp(2)),
        (r"\sigma_j^2 (a)", {"sigma": [3.0], "j": 1, "a": 2.0}, 18.0),
        (r"p(x \mid z)\, p(z)", {"p": lambda *a: len(a), "x": 0, "z": 0}, 2),
        (r"\mathrm{KL}(p \,\|\, q) + 1", {"KL": lambda a, b: a - b, "p": 3, "q": 1}, 3),
        (r"\chi^2(p \Vert q)", {"chi^2": lambda a, b: a - b, "p": 3, "q": 1}, 2),
        (r"p_\theta(x_1)", {"p_theta": math.sqrt, "x": [9.0]}, 3.0),
        (r"\nabla J(\theta_t)", {"nabla_J": math.sqrt, "theta_t": 9.0}, 3.0),
        (r"\nabla_\theta \log p_\theta (x)", {"nabla_theta_log_p_theta": math.sqrt, "x": 4.0}, 2.0),
        (r"\frac{d}{2N} \text{ nats},", {"d": 4.0, "N": 2}, 1.0),
        (r"\text{and with momentum}\quad \text{so } a^2", {"a": 3.0}, 9.0),
        (r"\operatorname{tr} A + 1", {"A": M}, 7.0),
        (r"\nabla_\theta E", {"nabla_theta_E": 2.0}, 2.0),
        (r"\frac{\partial J}{\partial h_0}", {"dJ/dh_0": 2.0}, 2.0),
        (r"\mathbb{E}_{x \sim p}\big[x^2\big]", {"E": np.mean, "x": U}, (U**2).mean()),
        (r"2 \mathbb E_q \log w", {"E": np.mean, "w": V**2}, 2 * np.log(V**2).mean()),
        (r"\operatorname{Var}_x(x)", {"Var": np.var, "x": U}, U.var()),
        (r"\int_0^1 2 u\,\mathrm du", {"int": lambda v: v.mean(), "u": np.array([0.0, 1.0])}, 1.0),
        (r"\int p \, \mathrm{d}x + 1", {"int": sum, "p": [1, 2]}, 4),
        (r"\mathbb 1[a = 2] + [a < b]", {"a": 2, "b": 2}, 1),
        (r"\underbrace{a + b}_{\mathrm{KL} \ge 0} c", {"a": 1, "b": 2, "c": 3}, 9),
        (r"\mathcal N(x; m)", {"N_cal": lambda a, b: a - b, "x": 3, "m": 1}, 2),
    ],
)
def test_numbers_are_pythons(formula: str, bound: dict[str, Any], expected: float) -> None:
    assert compute(formula, **bound) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("formula", "bound", "expected"),
    [
        (r"\sum_{k=0}^{K-1} a_k", {"K": 2, "a": {0: 1.0, 1: 5.0}}, 6.0),
        (r"\sum_{j=L+1}^{D} a_j", {"L": 2, "D": 2, "a": [1.0, 5.0]}, 0),
        (r"\sum_{j=k}^3 a_j", {"k": 2, "a": [1.0, 5.0, 7.0]}, 12.0),
        (r"\sum_{i \ne j} a_i", {"i": [1, 2, 3], "j": 2, "a": [1.0, 5.0, 7.0]}, 8.0),
        (r"\sum_{j \le k} a_j", {"j": [1, 2, 3], "k": 2, "a": [1.0, 5.0, 7.0]}, 6.0),
        (r"\sum_{i,j} u_i v_j", {"u": U, "v": V}, U.sum() * V.sum()),
        (r"\sum_{ij} m_{ij}", {"m": M}, M.sum()),
        (r"\sum_{y'} p(y')", {"y'": [1, 4], "p": math.sqrt}, 3.0),
        (r"\sum_i \sum_{j=1}^i a_j", {"i": [1, 2], "a": [1.0, 5.0]}, 7.0),
        (r"\sum_{w : f(w) = 2} w", {"w": [1, 2, 3], "f": lambda w: w % 3}, 2),
        (r"\prod_{d=1}^D a_d + 1", {"D": 2, "a": [3.0, 5.0]}, 16.0),
        (r"\prod_{i=1}^2 a_i \prod_{i=1}^2 b_i", {"a": [3.0, 5.0], "b": [2.0, 7.0]}, 210.0),
        (r"-\sum_k p_k \log q_k", {"p": [1.0, 2.0], "q": [math.e, 1.0]}, -1.0),
    ],
)
def test_sums_are_loops(formula: str, bound: dict[str, Any], expected: float) -> None:
    assert compute(formula, **bound) == pytest.approx(expected)


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_matrices_multiply_and_vectors_go_entry_by_entry(convert: Any) -> None:
    bound = {"u": convert(U), "v": convert(V), "M": convert(M), "c": 2.0}
    for formula, expected in (
        (r"u v", U * V),
        (r"u \odot v^2", U * V**2),
        (r"u^\top v", U @ V),
        (r"u^\top M v", U @ M @ V),
        (r"c (u - v)(u - v)^\top", 2 * np.outer(U - V, U - V)),
        (r"u (u - v)^\top M", np.outer(U, U - V) @ M),
        (r"M M^\top + c M", M @ M.T + 2 * M),
        (r"M^{-1} u", np.linalg.solve(M, U)),
        (r"M^2", M @ M),
        (r"M^{1/2} M^{1/2}", M),
        (r"\mathrm{diag}(u)\, M", np.diag(U) @ M),
        (r"\operatorname{diag} u^2", np.diag(U**2)),
        (r"\log \det M", np.log(np.linalg.det(M))),
        (r"[u; v]", np.concatenate([U, V])),
        (r"\begin{pmatrix} c & 1 \\ 0 & -c \end{pmatrix}", np.array([[2.0, 1.0], [0.0, -2.0]])),
    ):
        found = compute(formula, **bound)
        np.testing.assert_allclose(np.asarray(found), expected, atol=1e-12, err_msg=formula)


def test_matrices_of_a_product_keep_their_printed_order() -> None:
    A = [None, M, M + np.diag(U)]
    found = compute(r"\prod_{t=T}^{1} A_t", T=2, A=A[1:])
    np.testing.assert_allclose(found, A[2] @ A[1])  # type: ignore[operator]


def test_the_imaginary_unit_is_upright() -> None:
    assert compute(r"e^{-2\pi \mathrm{i} k / 4}", k=1) == pytest.approx(-1j)


def test_cases_choose_by_their_condition() -> None:
    formula = r"y = \begin{cases} 2 x & x > 1, \\ -x & \text{otherwise} \end{cases}"
    assert compute(formula, x=3.0) == 6.0
    assert compute(formula, x=0.5) == -0.5


def test_statements_and_sides_are_counted_in_reading_order() -> None:
    found = read(
        r"\begin{aligned} a &= b = 2 c, & d &= f(a, b), \\ L &\le 3 \quad (h \le 2), \qquad"
        r" \text{and} \quad x \leftarrow x - 1 . \end{aligned}"
    )
    assert [len(statement.sides) for statement in found] == [3, 2, 2, 1, 2]
    assert found[0].side(1).tex == "b"
    assert found[0].side(-1)({"c": 2}) == 4
    assert found[4].side(1)({"x": 3}) == 2


def test_a_line_that_begins_with_a_sign_goes_on_with_the_last() -> None:
    first, second = read(
        r"\begin{aligned} a &= 2 b \\ &- (c + 1), \\ d &= -b \\ + c . \end{aligned}"
    )
    assert first.side(-1)({"b": 5, "c": 3}) == 6
    assert second.side(-1)({"b": 5, "c": 3}) == -2


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (r"p = \prod_t x_1 \dots", r"formula: cannot read '\\dots' near "),
        (r"a = \frac{b}", "ends too early"),
        (r"a = (b + c", r"expected '\)' but found 'the end'"),
        (r"a = f(1, \dots, n)", "cannot read dots between expressions"),
        (r"a = \sum x", "the sum has no index"),
        (r"a = \begin{array} b \end{array}", "environment 'array'"),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_place(formula: str, message: str) -> None:
    with pytest.raises(TexError, match=message):
        read(formula)[0].side(-1)


@pytest.mark.parametrize(
    ("formula", "bound", "message"),
    [
        ("x + y", {"x": 1}, r"formula: y is not bound; the side 'x \+ y' needs x, y$"),
        ("x_{t-1}", {}, r"neither x_t-1 nor its parts are bound \(x is not bound\)"),
        ("x_0", {"x": [1.0]}, "give a dict or a function"),
        ("x_3", {"x": [1.0]}, r"x_3 has no entry \[3\]"),
        (r"\sum_y p(y)", {"p": abs}, "needs the values of y: bind it to a range or a list"),
        (r"f(x_1, \dots, y_2)", {"f": max, "x": [1], "y": [1]}, "what stands between x_1 and y_2"),
        ("f(a, b)", {"f": 1, "a": 1, "b": 2}, "f is called with several values: bind a function"),
        ("D^*", {"D": 2}, r"D\^\* is not bound"),
        (r"[a \approx b]", {"a": 2, "b": 1}, "cannot decide"),
    ],
)
def test_what_is_not_bound_is_named(formula: str, bound: dict[str, Any], message: str) -> None:
    with pytest.raises(TexError, match=message):
        compute(formula, **bound)


def test_the_printed_formula_of_a_page() -> None:
    printed = tex("eq-vae-kl")
    assert printed.names == ["L", "mu", "sigma"]
    expected = 0.5 * (1 + 0.25 - 1 - math.log(0.25)) + 0.5 * (4 - 1 - math.log(4))
    assert printed(L=2, mu=[1.0, 0.0], sigma=[0.5, 2.0]) == pytest.approx(expected)
    assert printed({"L": 2}, mu=[1.0, 0.0], sigma=[0.5, 2.0]) == pytest.approx(expected)
    with pytest.raises(TexError, match=r"eq-vae-kl: .*sigma.* needs L, mu, sigma"):
        printed(L=2, mu=[1.0, 0.0])
    with pytest.raises(TexError, match="eq-vae-kl: there is no statement 1, there are 1"):
        tex("eq-vae-kl", statement=1)
    with pytest.raises(TexError, match="eq-vae-kl: there is no side 2, there are 2"):
        tex("eq-vae-kl", side=2)
    with pytest.raises(TexError, match="eq-vae-none: no page has an equation"):
        display("eq-vae-none")
