"""The one place where argument errors are made: ``argument must …, got …: hint``.

Call these once, at the public door of a function or a constructor.
"""

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from types import EllipsisType
from typing import TypeVar

import torch
from torch import Tensor

Dimension = int | str | EllipsisType
_T = TypeVar("_T")


def argument_error(
    name: str, expected: str, got: object, hint: str = "", kind: type[Exception] = ValueError
) -> Exception:
    """An exception in the house format, for the cases that no check below covers.

    >>> print(argument_error("x", "have at least 2 rows", 1, "a covariance needs two"))
    x must have at least 2 rows, got 1: a covariance needs two
    """
    return kind(f"{name} must {expected}, got {got}" + (f": {hint}" if hint else ""))


def check_data(
    name: str,
    x: object,
    shape: Sequence[Dimension],
    kind: str = "float",
    *,
    like: Tensor | None = None,
    low: float = -math.inf,
    high: float = math.inf,
    hint: str = "",
) -> Tensor:
    """The one look at a tensor that a user hands in, at the door of a public method.

    On the CPU it looks at the values too: finite, and in [low, high]. On an accelerator values are
    never read, since that would stall its queue.

    Args:
        name: the argument as the caller wrote it.
        x: what came; an empty tensor is an error.
        shape: the pattern, see `check_shape`.
        kind: `"float"`; `"integer"`; `"binary"` for floating-point numbers that are 0 or 1, which
            only the first example is looked at for: grey images are grey from the first on.
        like: a weight of the model: `x` must be on its device, and floats must have its type.
        low: smallest value allowed.
        high: largest value allowed.
        hint: what to do about a wrong shape or value.

    Returns:
        `x`; integers of any width as int64.

    >>> check_data("y", torch.tensor([2, 1], dtype=torch.uint8), ("B",), "integer", low=0, high=9)
    tensor([2, 1])
    >>> check_data("y", torch.tensor([2, 12]), ("B",), "integer", low=0, high=9)
    Traceback (most recent call last):
    ValueError: y must lie in [0, 9], got values from 2 to 12
    """
    x = check_shape(name, x, shape, hint=hint)
    if x.numel() == 0:
        raise argument_error(name, "hold at least one example", f"shape {tuple(x.shape)}")
    if kind == "integer":
        if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
            advice = f"convert it with {name}.long()"
            raise argument_error(name, "be an integer tensor", x.dtype, advice, TypeError)
        x = x.long()
    elif not x.is_floating_point():
        advice = f"convert it with {name}.float()"
        raise argument_error(name, "be a floating-point tensor", x.dtype, advice, TypeError)
    elif like is not None and like.is_floating_point() and x.dtype != like.dtype:
        expected = f"have the model's type {like.dtype}"
        raise argument_error(name, expected, x.dtype, "convert it with x.to(…)", TypeError)
    if like is not None and x.device != like.device:
        advice = f"move it with {name}.to({str(like.device)!r})"
        raise argument_error(
            name, f"be on {like.device}, the device of the model", x.device, advice
        )
    if x.device.type != "cpu":
        return x
    smallest, largest = (end.item() for end in x.detach().aminmax())  # both NaN where one value is
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        got = f"{x.isnan().sum()} NaN and {x.isinf().sum()} infinite among {x.numel()} values"
        raise argument_error(name, "be finite", got, "look at the step before")
    got = f"values from {smallest:.6g} to {largest:.6g}"
    if smallest < low or largest > high:
        raise argument_error(name, f"lie in [{low:g}, {high:g}]", got, hint)
    if kind == "binary" and not torch.equal(x[0], x[0].square()):  # only 0 and 1 are their squares
        raise argument_error(name, "hold only 0 and 1", got, "draw binary values from it")
    return x


def check_shape(name: str, x: object, shape: Sequence[Dimension], *, hint: str = "") -> Tensor:
    """Return `x` if it is a tensor whose shape matches the pattern `shape`.

    In the pattern an int is that size; a str is any size, and the same str twice is the same size
    twice; ``...`` in the first place is any leading dimensions.

    >>> check_shape("x", torch.zeros(2, 8, 8), ("B", 64), hint="flatten images with x.flatten(1)")
    Traceback (most recent call last):
    ValueError: x must have shape (B, 64), got (2, 8, 8): flatten images with x.flatten(1)
    """
    if not isinstance(x, Tensor):
        advice = "convert it with torch.as_tensor"
        raise argument_error(name, "be a torch.Tensor", type(x).__name__, advice, TypeError)
    pattern, got = tuple(shape), tuple(x.shape)
    if pattern and pattern[0] is ...:
        pattern = pattern[1:]
        got = got[max(len(got) - len(pattern), 0) :]
    sizes: dict[str, int] = {}
    matches = len(pattern) == len(got) and all(
        (sizes.setdefault(entry, size) if isinstance(entry, str) else entry) == size
        for entry, size in zip(pattern, got)
    )
    if not matches:
        entries = ["..." if entry is ... else str(entry) for entry in shape]
        expected = f"({', '.join(entries)}{',' if len(entries) == 1 else ''})"
        raise argument_error(name, f"have shape {expected}", tuple(x.shape), hint)
    return x


def check_counts(minimum: int = 1, **counts: int) -> None:
    """Raise unless each value is an integer of at least `minimum`.

    >>> check_counts(latent=2, classes=0)
    Traceback (most recent call last):
    ValueError: classes must be an integer of at least 1, got 0
    """
    for name, value in counts.items():
        expected = f"be an integer of at least {minimum}"
        _check_number(name, value, expected, "", numbers.Integral)
        if value < minimum:
            raise argument_error(name, expected, value)


def check_between(
    name: str, value: float, low: float, high: float = math.inf, *, ends: str = "[]", hint: str = ""
) -> None:
    """Raise unless `value` is a finite number between `low` and `high`.

    The `ends` are those of the interval: `"[]"` allows both, `"[)"` the lower one only, `"(]"` the
    upper one, `"()"` none.

    >>> check_between("dropout", 1.0, 0, 1, ends="[)")
    Traceback (most recent call last):
    ValueError: dropout must lie in [0, 1), got 1.0
    >>> check_between("std", 0.0, 0, ends="()")
    Traceback (most recent call last):
    ValueError: std must be a positive number, got 0.0
    """
    if high < math.inf:
        expected = f"lie in {ends[0]}{low:g}, {high:g}{ends[1]}"
    elif ends[0] == "[":
        expected = f"be a number of at least {low:g}"
    else:
        expected = f"be a number above {low:g}" if low else "be a positive number"
    _check_number(name, value, expected, hint, numbers.Real)
    above = low <= value if ends[0] == "[" else low < value
    below = value <= high if ends[1] == "]" else value < high
    if not (above and below and value < math.inf):
        raise argument_error(name, expected, value, hint)


def _check_number(name: str, value: object, expected: str, hint: str, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        got = f"{value!r} of type {type(value).__name__}"
        raise argument_error(name, expected, got, hint, TypeError)


def check_option(name: str, value: _T, options: Iterable[_T]) -> _T:
    """Return `value` if it is one of the `options`; otherwise the error lists them.

    >>> check_option("name", "minst", ["digits", "mnist"])
    Traceback (most recent call last):
    ValueError: name must be one of 'digits', 'mnist', got 'minst': did you mean 'mnist'?
    """
    known = list(options)
    if value in known:
        return value
    names = [option for option in known if isinstance(option, str)]
    close = difflib.get_close_matches(value, names, n=1) if isinstance(value, str) else []
    expected = f"be one of {', '.join(repr(option) for option in known)}"
    hint = f"did you mean {close[0]!r}?" if close else ""
    raise argument_error(name, expected, repr(value), hint)
