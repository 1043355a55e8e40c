"""A display as statements, a statement as sides, a side as a function of its symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.tex import tree
from tools.tex.evaluate import BUILTINS, value
from tools.tex.parser import Parser
from tools.tex.tokens import RELATIONS, Token, group_end, split, tokenise
from tools.tex.tree import Node, TexError


@dataclass(frozen=True)
class Side:
    """One side of a statement as a function of its symbols."""

    label: str
    tex: str
    tree: Node

    @property
    def names(self) -> list[str]:
        """What must be bound, or may be: the symbols without indices of sums."""
        return names(self.tree)

    def __call__(self, bound: dict[str, Any]) -> Any:
        """The value; the error names the equation, the side and what it needs."""
        try:
            return value(self.tree, bound)
        except TexError as error:
            text = " ".join(self.tex.split())
            needs = ", ".join(self.names) or "nothing"
            message = f"{self.label}: {error}; the side '{text}' needs {needs}"
            raise TexError(message) from error


@dataclass(frozen=True)
class Statement:
    """The sides of a statement, each read only when it is asked for."""

    label: str
    tex: str
    sides: tuple[tuple[Token, ...], ...]

    def side(self, position: int) -> Side:
        """One side; raises `TexError` if it cannot be read or is not there."""
        try:
            tokens = self.sides[position]
        except IndexError:
            message = f"{self.label}: there is no side {position}, there are {len(self.sides)}"
            raise TexError(message) from None
        return Side(self.label, self._text(tokens), Parser(self.label, tokens).whole())

    def _text(self, tokens: Sequence[Token]) -> str:
        return self.tex[tokens[0].begin : tokens[-1].end]


def read(tex: str, label: str = "formula") -> list[Statement]:
    r"""The statements of a display.

    Example:
        >>> first, second = read(r"y = 2 x^2, \qquad z = \log y")
        >>> float(first.side(-1)({"x": 3.0}))
        18.0
    """
    tokens = tokenise(tex)

    def between(place: int) -> bool:
        if tokens[place].text == "&":
            return place > 0 and tokens[place - 1].text == ","
        if tokens[place].text == r"\\":  # a line that begins with a sign goes on with the last
            line = [token.text for token in tokens[place + 1 : place + 3] if token.text != "&"]
            return line[:1] not in (["+"], ["-"])
        return tokens[place].text in (",", ":", r"\quad", r"\qquad")

    found = []
    for part in split(tokens, between):
        part = _without_words(part)
        matrix = r"\begin" in {token.text for token in part}
        plain = [token for token in part if matrix or token.text not in ("&", r"\\")]
        if plain:
            relations = {place for place, token in enumerate(plain) if token.text in RELATIONS}
            sides = split(plain, relations.__contains__)
            found.append(Statement(label, tex, tuple(tuple(side) for side in sides if side)))
    return found


def _without_words(part: list[Token]) -> list[Token]:
    """A statement without punctuation and words at its ends: "for", "bits per second"."""
    ends = (".", ",", ";", "&")
    while part:
        last = max((i for i, token in enumerate(part) if token.text == r"\text"), default=0)
        words = last > 0 and group_end(part, last + 1) == len(part)
        if part[-1].text in ends:
            part = part[:-1]
        elif words and part[last - 1].text not in ("_", "^", "{", "=", "&", *RELATIONS):
            part = part[:last]
        elif part[0].text in ends:
            part = part[1:]
        elif part[0].text == r"\text":
            rest = part[group_end(part, 1) :]
            if rest and rest[0].text in RELATIONS:
                break
            part = rest
        else:
            break
    return part


def names(node: Node) -> list[str]:
    """The free symbols of a tree, sorted."""
    return sorted(_free(node, frozenset()) - {"e", "pi", "infty", "cdot"})


def _free(node: Node, bound: frozenset[str]) -> set[str]:
    if isinstance(node, tree.Name):
        return set() if node.key in bound or node.key in BUILTINS else {node.key}
    if isinstance(node, tree.Sub) and node.indices is None:
        return {node.key}
    if isinstance(node, tree.Power) and node.exponent is None:
        return {node.key}
    if isinstance(node, tree.Fold):
        ends = (_free(n, bound) for n in (node.low, node.high) if n is not None)
        inner = bound | set(node.variables)
        inside = (_free(n, inner) for n in (node.condition, node.body) if n is not None)
        return set().union(*ends, *inside)
    return set().union(*(_free(child, bound) for child in tree.children(node)))
