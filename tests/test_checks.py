import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import checks


def says(text: str) -> str:
    """A pattern for exactly this message: the text is the product."""
    return f"^{re.escape(text)}$"


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ((5, 64), ("B", 64)),
        ((5, 64), (5, 64)),
        ((0, 3), ("B", 3)),
        ((7, 5, 3), (..., 3)),
        ((3,), (..., 3)),
        ((7, 5, 3), (..., "B", "D")),
        ((7, 5, 3), (...,)),
        ((), (...,)),
        ((), ()),
        ((4, 4), ("N", "N")),
        ((4, 2, 4), ("N", "D", "N")),
    ],
)
def test_shape_accepts(shape, pattern):
    checks.check_shape("x", torch.zeros(shape), pattern)


@pytest.mark.parametrize(
    ("shape", "pattern", "expected"),
    [
        ((2, 8, 8), ("B", 64), "x must have shape (B, 64), got (2, 8, 8)"),
        ((5, 63), ("B", 64), "x must have shape (B, 64), got (5, 63)"),
        ((5,), ("B", 64), "x must have shape (B, 64), got (5,)"),
        ((5, 2), ("B",), "x must have shape (B,), got (5, 2)"),
        ((), ("B",), "x must have shape (B,), got ()"),
        ((7, 5, 2), (..., 3), "x must have shape (..., 3), got (7, 5, 2)"),
        ((3,), (..., "B", 3), "x must have shape (..., B, 3), got (3,)"),
        ((4, 5), ("N", "N"), "x must have shape (N, N), got (4, 5)"),
    ],
)
def test_shape_rejects(shape, pattern, expected):
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_shape("x", torch.zeros(shape), pattern)


def test_shape_gives_the_hint():
    expected = "x must have shape (B, 64), got (2, 8, 8): flatten images with x.flatten(1)"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_shape(
            "x", torch.zeros(2, 8, 8), ("B", 64), hint="flatten images with x.flatten(1)"
        )


@given(st.lists(st.integers(0, 4), max_size=4))
def test_every_shape_matches_itself_and_its_free_form(shape):
    x = torch.zeros(shape)
    checks.check_shape("x", x, shape)
    checks.check_shape("x", x, [f"d{i}" for i in range(len(shape))])
    checks.check_shape("x", x, (..., *shape[1:]))
    with pytest.raises(ValueError, match="x must have shape"):
        checks.check_shape("x", x, [*shape, 1])


@pytest.mark.parametrize("x", [[1.0], np.zeros(2), None, 3])
def test_only_tensors_are_data(x):
    expected = f"x must be a torch.Tensor, got {type(x).__name__}: convert it with torch.as_tensor"
    with pytest.raises(TypeError, match=says(expected)):
        checks.check_shape("x", x, ("B",))
    with pytest.raises(TypeError, match=says(expected)):
        checks.check_data("x", x, ("B",))


def test_floating_and_integer():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert checks.check_data("x", torch.zeros(2, dtype=dtype), (2,)).dtype == dtype
        with pytest.raises(TypeError, match=f"y must be an integer tensor, got {dtype}: convert"):
            checks.check_data("y", torch.zeros(2, dtype=dtype), (2,), "integer")
    for dtype in (torch.uint8, torch.int32, torch.int64):
        y = checks.check_data("y", torch.zeros(2, dtype=dtype), (2,), "integer")
        assert y.dtype == torch.int64
        with pytest.raises(TypeError, match=f"x must be a floating-point tensor, got {dtype}: con"):
            checks.check_data("x", torch.zeros(2, dtype=dtype), (2,))
    for dtype in (torch.bool, torch.complex64):
        for kind in ("integer", "float", "binary"):
            with pytest.raises(TypeError, match=f"got {dtype}"):
                checks.check_data("y", torch.zeros(2, dtype=dtype), (2,), kind)


def test_finite():
    checks.check_data("x", torch.tensor([0.0, -1e300], dtype=torch.float64), (2,))
    expected = "x must be finite, got 1 NaN and 2 infinite among 4 values: look at the step before"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_data("x", torch.tensor([math.nan, math.inf, -math.inf, 0.0]), (4,))


def test_values_on_a_device_are_not_waited_for():
    """A tensor without values stands for them: what can be seen without them is looked at."""
    x = torch.full((3,), torch.nan, device="meta")
    assert checks.check_data("x", x, ("B",), low=0.0) is x
    with pytest.raises(ValueError, match=r"x must have shape \(2,\)"):
        checks.check_data("x", x, (2,))
    with pytest.raises(TypeError, match="x must be an integer tensor"):
        checks.check_data("x", x, ("B",), "integer")


def test_range():
    checks.check_data("x", torch.tensor([0.0, 1.0]), (2,), low=0, high=1)
    checks.check_data("levels", torch.tensor([0, 16]), (2,), "integer", low=0, high=16)
    for values, got in (([0.0, 1.5], "from 0 to 1.5"), ([-0.25, 0.5], "from -0.25 to 0.5")):
        expected = f"x must lie in [0, 1], got values {got}: scale it"
        with pytest.raises(ValueError, match=says(expected)):
            checks.check_data("x", torch.tensor(values), (2,), low=0, high=1, hint="scale it")
    for values in ([0.0, 0.5], [1.0, 2.0]):
        got = f"values from {values[0]:g} to {values[1]:g}"
        expected = f"x must hold only 0 and 1, got {got}: draw binary values from it"
        with pytest.raises(ValueError, match=says(expected)):
            checks.check_data("x", torch.tensor([values]), (1, 2), "binary")


def test_nonempty():
    expected = "x must hold at least one example, got shape (0, 3)"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_data("x", torch.zeros(0, 3), ("B", 3))


def test_positive():
    for value in (1, 0.5, np.float64(2), np.int64(3)):
        checks.check_between("std", value, 0, ends="()")
    for value in (0, 0.0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=says(f"std must be a positive number, got {value}")):
            checks.check_between("std", value, 0, ends="()")
    for value in (True, "1", None, torch.tensor(1.0)):
        with pytest.raises(TypeError, match=r"std must be a positive number, got .* of type"):
            checks.check_between("std", value, 0, ends="()")


def test_at_least():
    for value in (0.0, 0.5, 2, np.float32(1)):
        checks.check_between("beta", value, 0)
    expected = "beta must be a number of at least 0, got -0.1: halve it"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_between("beta", -0.1, 0, hint="halve it")
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match=f"beta must be a number of at least 0, got {value}"):
            checks.check_between("beta", value, 0)


def test_counts():
    for value in (1, 7, np.int64(3)):
        checks.check_counts(k=value)
    with pytest.raises(ValueError, match=says("k must be an integer of at least 1, got 0")):
        checks.check_counts(j=1, k=0)
    for value in (2.0, True, "2", None, torch.tensor(2)):
        with pytest.raises(TypeError, match=r"k must be an integer of at least 1, got .* of type"):
            checks.check_counts(k=value)


def test_option():
    assert checks.check_option("name", "mnist", ("digits", "mnist")) == "mnist"
    assert checks.check_option("k", 3, [1, 3]) == 3
    expected = "name must be one of 'digits', 'mnist', got 'cifar'"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_option("name", "cifar", ("digits", "mnist"))
    expected += "10: did you mean 'mnist'?"
    expected = expected.replace("'cifar'10", "'mnits'")
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_option("name", "mnits", ("digits", "mnist"))
    with pytest.raises(ValueError, match=says("k must be one of 1, 3, got None")):
        checks.check_option("k", None, [1, 3])


def test_same_device():
    x, weight = torch.zeros(2), torch.zeros(2, device="meta")
    assert checks.check_data("x", x, (2,), like=x) is x
    expected = "x must be on meta, the device of the model, got cpu: move it with x.to('meta')"
    with pytest.raises(ValueError, match=says(expected)):
        checks.check_data("x", x, (2,), like=weight)


def test_same_device_on_the_device(device):
    x = torch.zeros(1, device=device)
    assert checks.check_data("x", x, (1,), like=x) is x
