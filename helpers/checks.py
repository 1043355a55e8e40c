"""The one place where argument errors are made.

Every message is one sentence: ``argument must …, got …: hint``. Call these once, at the public
door of a function or a constructor, and test them with ``pytest.raises(match=…)``.
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
T = TypeVar("T")


def argument_error(
    name: str, expected: str, got: object, hint: str = "", kind: type[Exception] = ValueError
) -> Exception:
    """An exception in the house format, for the cases that no check below covers.

    Args:
        name: the argument as the caller wrote it.
        expected: what it must do or be, starting with a verb: ``"have at least 2 rows"``.
        got: what arrived, printed with ``str``.
        hint: what to do about it, in a few words.
        kind: the exception's class, ``ValueError`` or ``TypeError``.

    Returns:
        The exception; the caller raises it.

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

    It looks at the type, the shape, whether there is an example at all, the device, and on the CPU
    at the values: finite, and in [low, high]. On an accelerator values are never read, since that
    would stall its queue.

    Args:
        name: the argument as the caller wrote it.
        x: what came.
        shape: the pattern, see `check_shape`.
        kind: `"float"` for floating-point numbers, `"binary"` for those that are 0 or 1,
            `"integer"` for whole ones (not booleans).
        like: a weight or buffer of the model: `x` must be on its device, and floating-point
            numbers must have its type.
        low: smallest value allowed.
        high: largest value allowed.
        hint: what to do about a wrong shape or value.

    Returns:
        `x`; integers of any width as int64.

    Raises:
        TypeError: no tensor, or numbers of another kind.
        ValueError: shape, device or values.

    >>> check_data("y", torch.tensor([2, 1], dtype=torch.uint8), ("B",), "integer", low=0, high=9)
    tensor([2, 1])
    >>> check_data("y", torch.tensor([2, 12]), ("B",), "integer", low=0, high=9)
    Traceback (most recent call last):
    ValueError: y must lie in [0, 9], got values from 2 to 12
    """
    if not isinstance(x, Tensor):
        hint = "convert it with torch.as_tensor"
        raise argument_error(name, "be a torch.Tensor", type(x).__name__, hint, TypeError)
    check_shape(name, x, shape, hint=hint)
    if x.numel() == 0:
        raise argument_error(name, "hold at least one example", f"shape {tuple(x.shape)}")
    if kind == "integer":
        check_integer(name, x)
        x = x.long()
    else:
        check_floating(name, x)
        if like is not None and like.is_floating_point() and x.dtype != like.dtype:
            expected = f"have the model's type {like.dtype}"
            raise argument_error(name, expected, x.dtype, "convert it with x.to(…)", TypeError)
    if like is not None:
        check_same_device(name, x, "the model", like.device)
    if x.device.type == "cpu":
        if kind == "float":
            check_finite(name, x)
        if kind == "binary" and not torch.equal(x, x.square()):  # only 0 and 1 are their squares
            got = f"values from {x.min().item():.6g} to {x.max().item():.6g}"
            raise argument_error(name, "hold only 0 and 1", got, "draw binary values from it")
        if low > -math.inf or high < math.inf:
            check_range(name, x, low, high, hint=hint)
    return x


def check_counts(minimum: int = 1, **counts: int) -> None:
    """Raise unless each value is an integer of at least `minimum`.

    >>> check_counts(latent=2, classes=0)
    Traceback (most recent call last):
    ValueError: classes must be an integer of at least 1, got 0
    """
    for name, value in counts.items():
        check_at_least(name, value, minimum)


def check_between(name: str, value: float, low: float, high: float, *, ends: str = "[]") -> None:
    """Raise unless `value` is a number between `low` and `high`.

    Args:
        name: the argument as the caller wrote it.
        value: what came.
        low: lower end.
        high: upper end.
        ends: `"[]"` allows both, `"[)"` the lower one only, `"(]"` the upper one, `"()"` none.

    >>> check_between("dropout", 1.0, 0, 1, ends="[)")
    Traceback (most recent call last):
    ValueError: dropout must lie in [0, 1), got 1.0
    """
    expected = f"lie in {ends[0]}{low:g}, {high:g}{ends[1]}"
    _check_number(name, value, expected, "", numbers.Real)
    above = low <= value if ends[0] == "[" else low < value
    below = value <= high if ends[1] == "]" else value < high
    if not (above and below):
        raise argument_error(name, expected, value)


def check_tensor(name: str, x: object, *, hint: str = "convert it with torch.as_tensor") -> None:
    """Raise TypeError unless `x` is a tensor.

    >>> check_tensor("x", [1.0, 2.0])
    Traceback (most recent call last):
    TypeError: x must be a torch.Tensor, got list: convert it with torch.as_tensor
    """
    if not isinstance(x, Tensor):
        raise argument_error(name, "be a torch.Tensor", type(x).__name__, hint, TypeError)


def check_shape(name: str, x: Tensor, shape: Sequence[Dimension], *, hint: str = "") -> None:
    """Raise ValueError unless the shape of `x` matches the pattern `shape`.

    Args:
        name: the argument as the caller wrote it.
        x: the tensor to look at.
        shape: one entry for each dimension: an int is that size; a str is any size, and the same
            str twice is the same size twice; ``...`` in the first place is any leading dimensions.
        hint: what to do about it.

    Raises:
        TypeError: `x` is no tensor.
        ValueError: the shape differs.

    >>> check_shape("x", torch.zeros(5, 64), ("B", 64))
    >>> check_shape("z", torch.zeros(7, 5, 2), (..., 2))
    >>> check_shape("x", torch.zeros(2, 8, 8), ("B", 64), hint="flatten images with x.flatten(1)")
    Traceback (most recent call last):
    ValueError: x must have shape (B, 64), got (2, 8, 8): flatten images with x.flatten(1)
    """
    check_tensor(name, x)
    pattern, got = tuple(shape), tuple(x.shape)
    if pattern == got:
        return
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


def check_floating(name: str, x: Tensor) -> None:
    """Raise TypeError unless `x` is a tensor of floating-point numbers.

    >>> check_floating("x", torch.arange(3))
    Traceback (most recent call last):
    TypeError: x must be a floating-point tensor, got torch.int64: convert it with x.float()
    """
    check_tensor(name, x)
    if not x.is_floating_point():
        hint = f"convert it with {name}.float()"
        raise argument_error(name, "be a floating-point tensor", x.dtype, hint, TypeError)


def check_integer(name: str, x: Tensor) -> None:
    """Raise TypeError unless `x` is a tensor of integers (booleans are none).

    >>> check_integer("y", torch.tensor([0.5]))
    Traceback (most recent call last):
    TypeError: y must be an integer tensor, got torch.float32: convert it with y.long()
    """
    check_tensor(name, x)
    if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
        hint = f"convert it with {name}.long()"
        raise argument_error(name, "be an integer tensor", x.dtype, hint, TypeError)


def check_finite(name: str, x: Tensor) -> None:
    """Raise ValueError if `x` holds a NaN or an infinity.

    >>> check_finite("x", torch.tensor([1.0, float("nan"), float("inf")]))
    Traceback (most recent call last):
    ValueError: x must be finite, got 1 NaN and 1 infinite among 3 values: look at the step before
    """
    check_tensor(name, x)
    if not torch.isfinite(x).all():
        nans, infinite = int(x.isnan().sum()), int(x.isinf().sum())
        got = f"{nans} NaN and {infinite} infinite among {x.numel()} values"
        raise argument_error(name, "be finite", got, "look at the step before")


def check_range(name: str, x: Tensor, low: float, high: float, *, hint: str = "") -> None:
    """Raise ValueError unless all values of `x` lie in the closed interval [low, high].

    >>> check_range("x", torch.tensor([0, 255]), 0, 1, hint="divide pixels by 255")
    Traceback (most recent call last):
    ValueError: x must lie in [0, 1], got values from 0 to 255: divide pixels by 255
    """
    check_tensor(name, x)
    if x.numel() == 0:
        return
    smallest, largest = x.min().item(), x.max().item()  # a NaN anywhere makes both NaN
    if not (low <= smallest and largest <= high):
        got = "NaN" if smallest != smallest else f"values from {smallest:.6g} to {largest:.6g}"
        raise argument_error(name, f"lie in [{low:g}, {high:g}]", got, hint)


def check_nonempty(name: str, x: Tensor) -> None:
    """Raise ValueError if `x` has no elements.

    >>> check_nonempty("x", torch.zeros(0, 3))
    Traceback (most recent call last):
    ValueError: x must hold at least one example, got shape (0, 3)
    """
    check_tensor(name, x)
    if x.numel() == 0:
        raise argument_error(name, "hold at least one example", f"shape {tuple(x.shape)}")


def check_positive(name: str, value: float, *, hint: str = "") -> None:
    """Raise unless `value` is a finite number above zero.

    >>> check_positive("std", 0.0)
    Traceback (most recent call last):
    ValueError: std must be a positive number, got 0.0
    """
    _check_number(name, value, "be a positive number", hint, numbers.Real)
    if not 0 < value < math.inf:
        raise argument_error(name, "be a positive number", value, hint)


def check_at_least(name: str, value: float, minimum: float, *, hint: str = "") -> None:
    """Raise unless `value` is a finite number of at least `minimum`.

    The type of `minimum` says what is wanted: with an int `value` must be an integer (a count:
    ``check_at_least("epochs", epochs, 1)``), with a float any real number
    (``check_at_least("beta", beta, 0.0)``).

    >>> check_at_least("num_samples", -1, 1)
    Traceback (most recent call last):
    ValueError: num_samples must be an integer of at least 1, got -1
    >>> check_at_least("num_samples", 2.5, 1)
    Traceback (most recent call last):
    TypeError: num_samples must be an integer of at least 1, got 2.5 of type float
    """
    count = isinstance(minimum, int)
    expected = f"be {'an integer' if count else 'a number'} of at least {minimum:g}"
    _check_number(name, value, expected, hint, numbers.Integral if count else numbers.Real)
    if not minimum <= value < math.inf:
        raise argument_error(name, expected, value, hint)


def _check_number(name: str, value: object, expected: str, hint: str, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        got = f"{value!r} of type {type(value).__name__}"
        raise argument_error(name, expected, got, hint, TypeError)


def check_option(name: str, value: T, options: Iterable[T]) -> T:
    """Return `value` if it is one of the `options`; otherwise the error lists them.

    >>> check_option("name", "mnist", ["digits", "mnist"])
    'mnist'
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


def check_same_device(
    name: str, x: Tensor | torch.Generator, other_name: str, device: torch.device | str
) -> None:
    """Raise ValueError unless `x` (a tensor or a generator) lives on `device`.

    Args:
        name: the argument as the caller wrote it.
        x: the tensor or generator to look at.
        other_name: what the device belongs to, ``"the model"`` for instance.
        device: where `x` must be; without an index, a CUDA device means the current one.

    Raises:
        ValueError: `x` lives elsewhere.

    >>> check_same_device("x", torch.zeros(2), "the model", "meta")
    Traceback (most recent call last):
    ValueError: x must be on meta, the device of the model, got cpu: move it with x.to('meta')
    """
    if x.device == device:
        return
    wanted = torch.device(device)
    if not _same_device(wanted, x.device):
        hint = f"move it with {name}.to({str(wanted)!r})"
        if isinstance(x, torch.Generator):
            hint = f"make it with torch.Generator({str(wanted)!r})"
        raise argument_error(name, f"be on {wanted}, the device of {other_name}", x.device, hint)


def _same_device(a: torch.device, b: torch.device) -> bool:
    if a.type != "cuda" or b.type != "cuda":
        return a.type == b.type
    indices: list[int | None] = [a.index, b.index]  # torch's stubs forget the None
    first, second = (torch.cuda.current_device() if i is None else i for i in indices)
    return first == second
