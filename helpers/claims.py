"""Sentences with the comparison that makes them true: the claims of a chapter, checked where made.

A cell of a chapter ends in ``claims(claim(...), ...)``. It shows each sentence with its two numbers
and whether it holds with what this run has found; nothing is raised, so that a changed parameter
may refute a sentence without stopping the chapter. The build of the book refuses false claims.
"""

import html
import operator
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from helpers.checks import argument_error, check_option

#: How the build reads claims from the output of a cell.
MIME = "application/vnd.book.claims+json"

_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Claim:
    """One sentence, its comparison, and of how many of five other seeds it is asserted."""

    name: str
    sentence: str
    left: float
    relation: str
    right: float
    within: float
    seeds: int | None

    @property
    def holds(self) -> bool:
        """Whether the comparison is true."""
        if self.relation == "≈":
            return abs(self.left - self.right) <= self.within
        return _RELATIONS[self.relation](self.left, self.right)

    @property
    def text(self) -> str:
        """The sentence with the numbers of this run in the places of ``{left}`` and ``{right}``."""
        return self.sentence.format(left=self.left, right=self.right)

    @property
    def comparison(self) -> str:
        """The comparison, such as ``1.83 < 2.03``, with digits that tell the two apart."""
        for digits in range(4, 9):
            left, right = f"{self.left:,.{digits}g}", f"{self.right:,.{digits}g}"
            if left != right or self.relation in ("==", "≈"):
                break
        error = f" ± {self.within:.4g}" if self.relation == "≈" else ""
        return f"{left} {self.relation} {right}{error}"


class Claims(tuple[Claim, ...]):
    """The claims of one cell; the last line of a cell shows them."""

    def __repr__(self) -> str:
        return "\n".join(
            f"{'✓' if claim.holds else '✗ does not hold here:'} {claim.text} ({claim.comparison})"
            for claim in self
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in repr(self).split("\n"))
        rows = [
            asdict(claim)
            | {"text": claim.text, "comparison": claim.comparison, "holds": claim.holds}
            for claim in self
        ]
        page = f'<ul style="list-style:none;padding-left:0">{items}</ul>'
        return {"text/plain": repr(self), "text/html": page, MIME: rows}


def claim(
    name: str,
    sentence: str,
    left: float,
    relation: str,
    right: float,
    *,
    within: float = 0.0,
    seeds: int | None = None,
) -> Claim:
    """A sentence that is true if ``left relation right``.

    Args:
        name: short and unique in its chapter; `#claim-<name>` leads to it.
        sentence: plain text; ``{left:.1f}`` and ``{right:.1f}`` become the numbers.
        left: a number or a tensor of one number.
        relation: ``<``, ``<=``, ``>``, ``>=``, ``==``, or ``≈`` for a distance of at most `within`.
        right: like `left`.
        within: of ``≈`` only.
        seeds: for a claim that depends on training or on draws, of how many of the seeds 1 to 5 it
            must hold; None for one that holds always, however short the run.

    >>> claims(claim("bits", "A nat is {left:.2f} bits.", 1.442695, ">", 1))
    ✓ A nat is 1.44 bits. (1.443 > 1)
    """
    check_option("relation", relation, (*_RELATIONS, "≈"))
    if (relation == "≈") != (within > 0):
        raise argument_error("within", "be positive with ≈, and only there", within)
    if seeds not in (None, 1, 2, 3, 4, 5):
        raise argument_error("seeds", "be None or 1 to 5", seeds)
    return Claim(name, sentence, float(left), relation, float(right), within, seeds)


def claims(*made: Claim) -> Claims:
    """Show claims, the last line of a cell.

    Raises:
        AssertionError: in the book's test run, where the environment has ``BOOK_CLAIMS=strict``,
            for a false claim that should hold always.
    """
    for one in made:
        if not one.holds and one.seeds is None and os.environ.get("BOOK_CLAIMS") == "strict":
            raise AssertionError(f"claim {one.name!r} is false: {one.text} ({one.comparison})")
    return Claims(made)
