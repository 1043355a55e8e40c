"""TeX to tokens, and what the tokens are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

RELATIONS = {
    **{"=": "=", "<": "<", ">": ">", r"\le": "<=", r"\leq": "<=", r"\ge": ">=", r"\geq": ">="},
    **{r"\ne": "!=", r"\neq": "!=", r"\in": "in", r"\approx": "~", r"\propto": "~", r"\sim": "~"},
    **dict.fromkeys((r"\to", r"\leftarrow", r"\longrightarrow", r"\Longrightarrow"), "->"),
}
FUNCTIONS = {
    **{rf"\{n}": n for n in ("log", "exp", "tanh", "sin", "cos", "cosh", "sinh", "det")},
    r"\ln": "log",
}
FOLDS = {r"\sum": "sum", r"\prod": "prod", r"\max": "max", r"\min": "min"}
ACCENTS = {r"\hat": "hat", r"\widehat": "hat", r"\tilde": "tilde", r"\bar": "bar"}
ACCENTS |= {r"\widetilde": "tilde", r"\overline": "bar"}
FONTS = {r"\mathrm", r"\text", r"\operatorname", r"\mathbb", r"\mathbf", r"\mathcal"}
_LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma "
    "tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell infty"
)
GREEK = frozenset(_LETTERS.split())
OPEN = {"(": ")", "[": "]", r"\{": r"\}", "{": "}", r"\lvert": r"\rvert", r"\lVert": r"\rVert"}
OPEN |= {r"\lfloor": r"\rfloor", r"\begin": r"\end"}
SEPARATORS = {",", ";", r"\mid", r"\|", r"\Vert"}
ENDS = {*RELATIONS, *SEPARATORS, *OPEN.values(), "+", "-", ":", "&", r"\\", r"\pm", "."}
ENDS -= {r"\|", r"\Vert"}

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+\.\d+|\d+|\S", re.DOTALL)
_SIZE = re.compile(r"\\(left|right|[bB]igg?)([lr]?)$")
_SKIPPED = {r"\,", r"\;", r"\:", r"\!", r"\ ", "~", r"\displaystyle", r"\limits", r"\nolimits"}
_LAYOUT = {"aligned", "gathered", "align", "split", "align*", "gather*", "equation*"}


@dataclass(frozen=True)
class Token:
    """A token and its place in the TeX."""

    text: str
    begin: int
    end: int


def tokenise(tex: str) -> list[Token]:
    """The tokens without space, sizes of brackets and layout; bars get their direction."""
    found: list[Token] = []
    direction = ""
    for match in _TOKEN.finditer(tex):
        text, size = match.group(), _SIZE.match(match.group())
        if size:
            direction = {"left": "l", "right": "r"}.get(size.group(1), size.group(2))
        elif text not in _SKIPPED:
            if text in ("|", r"\|", r"\Vert") and direction:
                text = rf"\{direction}{'vert' if text == '|' else 'Vert'}"
            if not (text == "." and direction):  # \right. closes nothing
                found.append(Token(text, match.start(), match.end()))
            direction = ""
    return _without_layout(found)


def _without_layout(tokens: list[Token]) -> list[Token]:
    kept, place = [], 0
    while place < len(tokens):
        if tokens[place].text in (r"\begin", r"\end"):
            close = next(i for i in range(place, len(tokens)) if tokens[i].text == "}")
            name = "".join(t.text for t in tokens[place + 2 : close])
            if name not in _LAYOUT:
                kept.append(replace(tokens[place], end=tokens[close].end))
                kept += [Token(name, tokens[place + 2].begin, tokens[close].begin)]
            place = close + 1
        else:
            kept.append(tokens[place])
            place += 1
    return kept


def split(tokens: Sequence[Token], at: Callable[[int], bool]) -> list[list[Token]]:
    """Cut a list of tokens outside all brackets where `at(position)` says so."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text in OPEN) - (token.text in OPEN.values())
        if depth == 0 and at(place):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def group_end(tokens: Sequence[Token], place: int) -> int:
    """The position after the group in braces (or the single token) that starts at a position."""
    depth = 0
    for position in range(place, len(tokens)):
        depth += (tokens[position].text == "{") - (tokens[position].text == "}")
        if depth == 0:
            return position + 1
    return len(tokens)


def text_of(tokens: Sequence[Token]) -> str:
    """Tokens as a part of a name: no braces, fonts and backslashes; accents come after."""
    found, place = "", 0
    while place < len(tokens):
        text = tokens[place].text
        if text in ACCENTS:
            end = group_end(tokens, place + 1)
            found += f"{text_of(tokens[place + 1 : end])}_{ACCENTS[text]}"
            place = end
            continue
        found += (
            "" if text in FONTS or text in "{}" else {r"\mid": "|"}.get(text, text.lstrip("\\"))
        )
        place += 1
    return found
