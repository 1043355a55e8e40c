"""The value of a syntax tree: numbers, numpy arrays and torch tensors, called functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch

from tools.tex import tree
from tools.tex.tree import Node, TexError

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    **{"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le},
    **{">": operator.gt, ">=": operator.ge, "in": lambda a, b: a in b},
}


class _Row:
    """A transposed vector: times a vector it is a number, after a vector a matrix."""

    def __init__(self, entries: Any) -> None:
        self.entries = entries


def value(node: Node, bound: Mapping[str, Any]) -> Any:
    """The value of a tree, where `bound` gives the symbols."""
    match node:
        case tree.Number():
            return node.value
        case tree.Name():
            return _look_up(node.key, bound)
        case tree.Sub():
            return _indexed(node, bound)
        case tree.Power():
            return _power_of(node, bound)
        case tree.Transpose():
            return _on_bracket(node.base, bound, _transposed)
        case tree.Call():
            return _called(node, bound)
        case tree.Sum():
            terms = (value(t, bound) if sign > 0 else -value(t, bound) for sign, t, _ in node.terms)
            return reduce(operator.add, terms)
        case tree.Product():
            return _multiplied(node, bound)
        case tree.Fraction():
            return value(node.numerator, bound) / value(node.denominator, bound)
        case tree.Apply():
            return apply(node.function, value(node.argument, bound))
        case tree.Fold():
            return _folded(node, bound)
        case tree.Relation():
            return _holds(node, bound)
        case tree.Items():
            values = tuple(value(v, bound) for v in node.values)
            return _joined(values) if node.joined else values
        case tree.Rows():
            return _cases(node, bound) if node.cases else _matrix(node, bound)
    raise TexError(f"cannot evaluate {type(node).__name__}")


def apply(function: str, x: Any) -> Any:
    """A function of the language on a number, an array or a tensor."""
    if function in BUILTINS:
        return BUILTINS[function](x)
    if function == "norm":
        x = _array(x)
        return (abs(x) ** 2).sum() ** 0.5
    if function == "det":
        return torch.linalg.det(x) if isinstance(x, torch.Tensor) else np.linalg.det(x)
    if isinstance(x, list | tuple):
        x = np.asarray(x)
    if function == "abs":
        return abs(x)
    library: Any = torch if isinstance(x, torch.Tensor) else np
    return getattr(library, function)(x)


def _trace(x: Any) -> Any:
    return torch.trace(x) if isinstance(x, torch.Tensor) else np.trace(x)


def _extreme(number: Callable[..., Any], tensor: Callable[..., Any]) -> Callable[..., Any]:
    def best(*values: Any) -> Any:
        if any(isinstance(v, torch.Tensor) for v in values):
            return reduce(tensor, (torch.as_tensor(v) for v in values))
        return reduce(number, values)

    return best


#: Upright names with a meaning of their own, unless a test binds them.
BUILTINS: dict[str, Callable[..., Any]] = {
    "max": _extreme(np.maximum, torch.maximum),
    "min": _extreme(np.minimum, torch.minimum),
    "sign": lambda x: apply("sgn", x) if isinstance(x, torch.Tensor) else np.sign(x),
    "round": lambda x: torch.round(x) if isinstance(x, torch.Tensor) else np.round(x),
    "diag": lambda x: torch.diag(x) if isinstance(x, torch.Tensor) else np.diag(x),
    "tr": _trace,
}


def _look_up(key: str, bound: Mapping[str, Any]) -> Any:
    if key in bound:
        return bound[key]
    if key in BUILTINS:
        return BUILTINS[key]
    constants = {"e": math.e, "pi": math.pi, "infty": math.inf}
    if key in constants:
        return constants[key]
    raise TexError(f"{key} is not bound")


def _indexed(node: tree.Sub, bound: Mapping[str, Any]) -> Any:
    """The value bound to the whole name, else the entry: lists and arrays count from one."""
    if node.key and node.key in bound:
        return bound[node.key]
    if node.indices is None:
        raise TexError(f"{node.key} is not bound")
    try:
        base = value(node.base, bound)
        places = [value(index, bound) for index in node.indices]
    except TexError as error:
        raise TexError(f"neither {node.key} nor its parts are bound ({error})") from None
    if not places:
        return base
    places = [int(p) if isinstance(p, float | np.number | torch.Tensor) else p for p in places]
    try:
        if isinstance(base, Mapping):
            return base[places[0] if len(places) == 1 else tuple(places)]
        if callable(base):
            return base(*places)
        for place in places:
            if place < 1:
                raise IndexError(f"{place} lies below 1; give a dict or a function")
            base = base[place - 1]
    except (IndexError, KeyError, TypeError) as error:
        raise TexError(f"{node.key} has no entry {places}: {error!r}") from error
    return base


def _power_of(node: tree.Power, bound: Mapping[str, Any]) -> Any:
    if node.key and node.key in bound:
        return bound[node.key]
    if node.exponent is None:
        raise TexError(f"{node.key} is not bound")
    exponent = value(node.exponent, bound)
    return _on_bracket(node.base, bound, lambda base: _power(base, exponent))


def _on_bracket(base: Node, bound: Mapping[str, Any], change: Callable[[Any], Any]) -> Any:
    """What an exponent does to f(x) as a whole, but in a (x + y)² to the bracket alone."""
    if isinstance(base, tree.Call) and len(base.arguments) == 1:
        factor = value(base.function, bound)
        if not callable(factor):
            return _times(factor, change(value(base.arguments[0], bound)))
    return change(value(base, bound))


def _transposed(x: Any) -> Any:
    entries = _array(x)
    return _Row(entries) if _dimensions(entries) == 1 else entries.T


def _power(base: Any, exponent: Any) -> Any:
    """A power; of a matrix it is a product, an inverse, or the root of a symmetric one."""
    base = _array(base)
    if _dimensions(base) != 2:
        if isinstance(exponent, torch.Tensor) and not isinstance(base, torch.Tensor):
            base = torch.as_tensor(base, dtype=exponent.dtype)
        return base**exponent
    library: Any = torch.linalg if isinstance(base, torch.Tensor) else np.linalg
    if float(exponent).is_integer():
        return library.matrix_power(base, int(exponent))
    levels, vectors = library.eigh(base)
    return (vectors * levels**exponent) @ vectors.T


def _called(node: tree.Call, bound: Mapping[str, Any]) -> Any:
    """A call if the symbol is a function; a power of a call for σ²(x); else a product."""
    function = node.function
    power: Node | None = None
    if isinstance(function, tree.Power) and function.key not in bound and function.exponent:
        base = value(function.base, bound)
        if callable(base) and not isinstance(base, torch.Tensor):
            power, function = function.exponent, function.base
    found = value(function, bound)
    arguments = [value(argument, bound) for argument in node.arguments]
    if callable(found):
        result = found(*arguments)
        return result if power is None else _power(result, value(power, bound))
    if len(arguments) > 1:
        raise TexError(
            f"{getattr(function, 'key', 'it')} is called with several values: bind a function"
        )
    return _times(found, arguments[0])


def _multiplied(node: tree.Product, bound: Mapping[str, Any]) -> Any:
    result = value(node.factors[0][1], bound)
    for operation, factor in node.factors[1:]:
        other = value(factor, bound)
        if operation == "/":
            result = result / other
        elif operation == "o":
            result = result * other
        else:
            result = _times(result, other)
    return result


def _times(a: Any, b: Any) -> Any:
    """Side by side: a matrix times a matrix or a vector, rows and columns, else each entry."""
    if isinstance(a, _Row):
        if isinstance(b, _Row):
            raise TexError("two rows have no product")
        if _dimensions(b) == 0:
            return _Row(a.entries * b)
        product = a.entries @ _array(b)
        return _Row(product) if _dimensions(b) == 2 else product
    if isinstance(b, _Row):
        return _Row(a * b.entries) if _dimensions(a) == 0 else _array(a)[:, None] * b.entries
    a, b = _array(a), _array(b)
    return a @ b if _dimensions(a) == 2 and _dimensions(b) in (1, 2) else a * b


def _array(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, list | tuple) else x


def _dimensions(x: Any) -> int:
    return len(getattr(x, "shape", ()))


def _folded(node: tree.Fold, bound: Mapping[str, Any]) -> Any:
    """A sum, a product or an extreme over all values of the indices."""
    results = [value(node.body, inner) for inner in _environments(node, bound)]
    if node.kind == "sum":
        return reduce(operator.add, results) if results else 0
    if node.kind == "prod":
        return reduce(_times, results) if results else 1
    if not results:
        raise TexError(f"the {node.kind} is over nothing")
    return BUILTINS[node.kind](*results)


def _environments(node: tree.Fold, bound: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    environments: list[dict[str, Any]] = [dict(bound)]
    for variable in node.variables:
        values = list(_range(node, variable, bound))
        environments = [{**outer, variable: v} for outer in environments for v in values]
    for inner in environments:
        if node.condition is None or np.all(np.asarray(value(node.condition, inner))):
            yield inner


def _range(node: tree.Fold, variable: str, bound: Mapping[str, Any]) -> Iterable[Any]:
    """From its bounds; else what the index is bound to; else as long as what it indexes."""
    if node.low is not None and node.high is not None:
        low, high = int(value(node.low, bound)), int(value(node.high, bound))
        if isinstance(node.high, tree.Number) and not isinstance(node.low, tree.Number):
            return range(low, high - 1, -1)  # printed downwards: from T to 1
        return range(low, high + 1)
    given = bound.get(variable)
    if isinstance(given, Iterable) and not isinstance(given, str):
        return given
    if node.high is not None:
        return range(1, int(value(node.high, bound)) + 1)
    for part in tree.walk(node.body):
        if isinstance(part, tree.Sub) and part.indices:
            for axis, index in enumerate(part.indices):
                if index == tree.Name(variable):
                    length = _length(part, axis, bound)
                    if length is not None:
                        return range(1, length + 1)
    raise TexError(f"the {node.kind} needs the values of {variable}: bind it to a range or a list")


def _length(part: tree.Sub, axis: int, bound: Mapping[str, Any]) -> int | None:
    if part.key in bound:
        return None
    try:
        base = value(part.base, bound)
    except TexError:
        return None
    if isinstance(base, torch.Tensor | np.ndarray) and base.ndim > axis:
        return int(base.shape[axis])
    if isinstance(base, Sequence):
        return len(base) if axis == 0 else len(base[0])
    return None


def _holds(node: tree.Relation, bound: Mapping[str, Any]) -> Any:
    sides = [value(side, bound) for side in node.sides]
    found: Any = True
    for left, relation, right in zip(sides, node.relations, sides[1:], strict=False):
        if relation not in _COMPARE:
            raise TexError(f"cannot decide the relation {relation}")
        found = found & _COMPARE[relation](left, right)
    return int(found) if isinstance(found, bool) else found


def _joined(values: Sequence[Any]) -> Any:
    if any(isinstance(v, torch.Tensor) for v in values):
        return torch.cat([torch.atleast_1d(torch.as_tensor(v)) for v in values], dim=-1)
    return np.concatenate([np.atleast_1d(v) for v in values], axis=-1)


def _matrix(node: tree.Rows, bound: Mapping[str, Any]) -> Any:
    rows = [[value(v, bound) for v in row if v is not None] for row in node.rows]
    if any(isinstance(v, torch.Tensor) for row in rows for v in row):
        rows = [torch.stack([torch.as_tensor(v) for v in row]) for row in rows]  # type: ignore
        return torch.stack(rows).squeeze(-1) if len(rows[0]) == 1 else torch.stack(rows)  # type: ignore
    return np.array([row[0] for row in rows] if len(rows[0]) == 1 else rows)


def _cases(node: tree.Rows, bound: Mapping[str, Any]) -> Any:
    for row in node.rows:
        if len(row) != 2:
            raise TexError("a case needs a value and a condition")
        if row[1] is None or value(row[1], bound):
            assert row[0] is not None
            return value(row[0], bound)
    raise TexError("no case holds")
