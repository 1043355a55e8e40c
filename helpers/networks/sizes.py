r"""Checks of the sizes that networks are built with."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.checks import argument_error, check_at_least

Shape = int | Sequence[int]


def event_shape(name: str, value: Shape) -> tuple[int, ...]:
    r"""The shape as a tuple of positive sizes."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    if not sizes:
        raise argument_error(name, "have at least one size", value)
    for size in sizes:
        check_at_least(name, size, 1)
    return sizes


def image_shape(value: Sequence[int]) -> tuple[int, ...]:
    r"""The shape (C, H, W) as a tuple."""
    image = event_shape("image", value)
    if len(image) != 3:
        raise argument_error("image", "be a shape (C, H, W)", value)
    return image


def layer_widths(name: str, values: Sequence[int], minimum: int = 0) -> tuple[int, ...]:
    r"""The widths of layers as a tuple of positive integers."""
    if isinstance(values, int):
        raise argument_error(
            name, "be a sequence of widths", values, f"write [{values}]", TypeError
        )
    if len(values) < minimum:
        raise argument_error(name, f"have at least {minimum} entry", values)
    for value in values:
        check_at_least(name, value, 1)
    return tuple(values)


def check_probability(name: str, value: float) -> None:
    r"""Raise unless `value` is a number in [0, 1).

    >>> check_probability("dropout", 1.5)
    Traceback (most recent call last):
    ValueError: dropout must lie in [0, 1), got 1.5
    """
    check_at_least(name, value, 0.0)
    if value >= 1:
        raise argument_error(name, "lie in [0, 1)", value)
