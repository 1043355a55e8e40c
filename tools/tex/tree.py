"""The syntax tree of a formula, and the error of everything that reads or evaluates one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields


class TexError(ValueError):
    """A formula cannot be read or evaluated; the message names the equation and the place."""


@dataclass(frozen=True)
class Node:
    """A part of a formula: `begin` and `end` are its place in the TeX."""

    begin: int = field(default=0, kw_only=True, compare=False)
    end: int = field(default=0, kw_only=True, compare=False)


@dataclass(frozen=True)
class Number(Node):
    """A number as it is printed."""

    value: float | complex


@dataclass(frozen=True)
class Name(Node):
    """A symbol; `key` is what it is bound by: ``mu``, ``x_hat``, ``KL``."""

    key: str


@dataclass(frozen=True)
class Sub(Node):
    """A symbol with an index: bound as a whole by `key`, else `base` at the `indices`, if any."""

    base: Node
    indices: tuple[Node, ...] | None
    key: str


@dataclass(frozen=True)
class Power(Node):
    """A power; bound as a whole by `key` if that is not empty. No exponent: only the key counts."""

    base: Node
    exponent: Node | None
    key: str = ""


@dataclass(frozen=True)
class Transpose(Node):
    """A transposed matrix, or a row."""

    base: Node


@dataclass(frozen=True)
class Call(Node):
    """A symbol before a bracket: a call if the symbol is a function, else a product."""

    function: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Sum(Node):
    """Terms with their signs, and the place of each sign (-1 for none)."""

    terms: tuple[tuple[int, Node, int], ...]


@dataclass(frozen=True)
class Product(Node):
    """Factors, each after ``*``, ``/`` or ``o`` (entry by entry)."""

    factors: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Fraction(Node):
    """A numerator above a denominator."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True)
class Apply(Node):
    """A function of the language itself: log, sqrt, abs, norm, floor, det …"""

    function: str
    argument: Node


@dataclass(frozen=True)
class Fold(Node):
    """A sum, product, maximum or minimum over indices, their bounds and a condition."""

    kind: str
    variables: tuple[str, ...]
    low: Node | None
    high: Node | None
    condition: Node | None
    body: Node


@dataclass(frozen=True)
class Relation(Node):
    """Sides and the relations between them: one where they hold, zero elsewhere."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True)
class Items(Node):
    """Several values in brackets: joined to one vector if the brackets are square."""

    values: tuple[Node, ...]
    joined: bool


@dataclass(frozen=True)
class Rows(Node):
    """A matrix by rows; for cases each row is a value and its condition (None: otherwise)."""

    rows: tuple[tuple[Node | None, ...], ...]
    cases: bool


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node."""
    for part in fields(node):
        yield from _nodes(getattr(node, part.name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes below it."""
    yield node
    for child in children(node):
        yield from walk(child)
