"""Tokens to a syntax tree, by recursive descent."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from tools.tex import tree
from tools.tex.evaluate import BUILTINS
from tools.tex.tokens import (
    ACCENTS,
    ENDS,
    FOLDS,
    FONTS,
    FUNCTIONS,
    GREEK,
    OPEN,
    RELATIONS,
    SEPARATORS,
    Token,
    group_end,
    split,
    text_of,
)
from tools.tex.tree import Node, TexError

T = TypeVar("T")


class Parser:
    """Reads one side; `inside` says what a bar means: it closes a bar, or separates arguments."""

    def __init__(self, label: str, tokens: Sequence[Token]) -> None:
        self.label, self.tokens, self.place = label, list(tokens), 0
        self.inside = [""]

    # ---- tokens

    def peek(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def next(self) -> Token:
        """Take the next token."""
        if self.place >= len(self.tokens):
            raise self.error("ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these."""
        found = self.peek() in texts and self.peek() != ""
        self.place += found
        return found

    def expect(self, text: str) -> None:
        """Take this token or fail."""
        if not self.accept(text):
            raise self.error(f"expected '{text}' but found '{self.peek() or 'the end'}'")

    def error(self, message: str) -> TexError:
        """An error that shows the tokens around the place."""
        near = " ".join(t.text for t in self.tokens[max(0, self.place - 4) : self.place + 4])
        return TexError(f"{self.label}: {message} near '{near}'")

    def begin(self) -> int:
        """Where the next token starts in the TeX."""
        tokens, place = self.tokens, self.place
        return tokens[place].begin if place < len(tokens) else tokens[-1].end if tokens else 0

    def spanned(self, node: Node, begin: int) -> Node:
        """The node with its place: from `begin` to the last token taken."""
        return replace(node, begin=begin, end=self.tokens[self.place - 1].end)

    def within(self, inside: str, read: Callable[[], T]) -> T:
        """Read something with another meaning of bars."""
        self.inside.append(inside)
        try:
            return read()
        finally:
            self.inside.pop()

    # ---- expressions

    def whole(self) -> Node:
        """All tokens as one expression."""
        found = self.sum()
        if self.peek():
            raise self.error(f"cannot read '{self.peek()}'")
        return found

    def sum(self) -> Node:
        """Terms between plus and minus."""
        begin, terms = self.begin(), []
        while True:
            place = self.begin() if self.peek() in ("+", "-") else -1
            sign = -1 if self.peek() == "-" else 1
            self.accept("+", "-")
            terms.append((sign, self.product(), place))
            if self.peek() not in ("+", "-"):
                break
        if len(terms) == 1 and terms[0][2] < 0:
            return terms[0][1]
        return self.spanned(tree.Sum(tuple(terms)), begin)

    def product(self, argument: bool = False) -> Node:
        """Factors side by side; as an argument without brackets it ends at dots and functions."""
        begin, factors = self.begin(), [("*", self.factor())]
        while not self.ended():
            operation = "*"
            if self.peek() in (r"\cdot", r"\times", "*", r"\odot", "/"):
                if argument:
                    break
                operation = {r"\odot": "o", "/": "/"}.get(self.next().text, "*")
            elif argument and self.peek() in FUNCTIONS:
                break
            if operation == "/" and self.peek().isdigit():
                factors.append(("/", self.divisor()))
            else:
                factors.append((operation, self.factor()))
        if len(factors) == 1:
            return factors[0][1]
        return self.spanned(tree.Product(tuple(factors)), begin)

    def differential(self) -> int:
        """How many tokens an upright d with its variable takes here; zero if there is none."""
        texts = [token.text for token in self.tokens[self.place : self.place + 5]]
        for start in (["d"], [r"\mathrm", "d"], [r"\mathrm", "{", "d", "}"]):
            if texts[: len(start)] == start and len(texts) > len(start):
                return len(start) + 1
        return 0

    def integral(self) -> Node:
        """An integral: a function, called ``int`` with its bounds, of what stands before dx."""
        key = "int"
        while self.peek() in ("_", "^"):
            key += self.next().text
            key += text_of(self.raw())
        body = self.within("integral", self.product)
        if not self.differential():
            raise self.error("the integral has no differential")
        self.place += self.differential()
        return tree.Call(tree.Sub(tree.Name("int"), (), key), (body,))

    def divisor(self) -> Node:
        """A number after a slash, with the symbol that stands right after it: r / 2f."""
        begin, factors = self.begin(), [("*", self.factor())]
        if re.fullmatch(r"[a-zA-Z]", self.peek()) or self.peek().lstrip("\\") in GREEK:
            factors.append(("*", self.factor()))
        return self.spanned(tree.Product(tuple(factors)), begin)

    def ended(self) -> bool:
        """Whether the next token ends a product."""
        text = self.peek()
        if text in ("|", r"\|", r"\Vert"):
            return self.inside[-1] in ("call", text) and (text != "|" or self.inside[-1] == "|")
        if self.inside[-1] == "integral" and self.differential():
            return True
        return text == "" or text in ENDS

    def factor(self) -> Node:
        """An atom with its indices, exponents, primes and the bracket of a call."""
        begin = self.begin()
        found = self.atom()
        return self.suffixes(found, begin)

    def suffixes(self, found: Node, begin: int) -> Node:
        """What follows an atom."""
        while self.peek() in ("_", "^", "'") or (self.peek() in ("(", "[") and _callable(found)):
            text = self.peek()
            if text == "'":
                self.next()
                found = tree.Name(f"{_key(found)}'")
            elif text == "_":
                found = self.subscript(found)
            elif text == "^":
                found = self.superscript(found)
            else:
                close = OPEN[self.next().text]
                found = tree.Call(found, self.within("call", partial(self.items, close)))
                found = self.spanned(found, begin)
                continue
            found = self.spanned(found, begin)
        return found

    def items(self, close: str) -> tuple[Node, ...]:
        """Values up to a closing bracket."""
        found = [self.relation()]
        while self.accept(*SEPARATORS):
            found.append(self.relation())
        self.expect(close)
        return tuple(found)

    def relation(self) -> Node:
        """A sum, or a condition."""
        begin, sides, relations = self.begin(), [self.sum()], []
        while self.peek() in RELATIONS:
            relations.append(RELATIONS[self.next().text])
            sides.append(self.sum())
        if not relations:
            return sides[0]
        return self.spanned(tree.Relation(tuple(sides), tuple(relations)), begin)

    def raw(self) -> list[Token]:
        """The tokens of a group; a number without braces is its first digit."""
        if self.peek() != "{":
            token = self.next()
            if token.text.isdigit() and len(token.text) > 1:
                middle = token.begin + 1
                rest = Token(token.text[1:], middle, token.end)
                self.tokens[self.place - 1 : self.place] = [
                    Token(token.text[0], token.begin, middle),
                    rest,
                ]
                return [self.tokens[self.place - 1]]
            if token.text in FONTS or token.text in ACCENTS:
                return [token, *self.raw()]
            if token.text in (r"\frac", r"\tfrac"):
                return [token, *self.braced(), *self.braced()]
            return [token]
        return self.braced()[1:-1]

    def braced(self) -> list[Token]:
        """The tokens of a group with its braces."""
        if self.peek() != "{":
            return self.raw()
        start, self.place = self.place, group_end(self.tokens, self.place)
        return self.tokens[start : self.place]

    def group(self) -> Node:
        """A group as an expression."""
        tokens = self.raw()
        if not tokens:
            return tree.Number(0)
        found = Parser(self.label, tokens).whole()
        return replace(found, begin=tokens[0].begin, end=tokens[-1].end)

    def subscript(self, base: Node) -> Node:
        """An index, or a part of the name."""
        self.expect("_")
        tokens = self.raw()
        key = f"{_key(base)}_{text_of(tokens)}" if _key(base) else ""
        return tree.Sub(base, _indices(self.label, tokens), key)

    def superscript(self, base: Node) -> Node:
        """An exponent, a transposition, or a part of the name."""
        self.expect("^")
        tokens = self.raw()
        texts = [token.text for token in tokens]
        key = f"{_key(base)}^{text_of(tokens)}" if _key(base) else ""
        if texts == [r"\top"]:
            return tree.Transpose(base)
        if texts and texts[0] == "(" and texts[-1] == ")" and key:
            return tree.Sub(base, _indices(self.label, tokens[1:-1]), key)
        if texts in (["*"], ["+"], [r"\star"], ["-"]):
            return tree.Power(base, None, key)
        exponent = Parser(self.label, tokens).whole()
        span = {"begin": tokens[0].begin, "end": tokens[-1].end}
        return tree.Power(base, replace(exponent, **span), key)

    # ---- atoms

    def atom(self) -> Node:
        """A number, a symbol, a bracket, a fraction, a function with its argument."""
        begin = self.begin()
        token = self.next()
        text = token.text
        if re.fullmatch(r"\d+(\.\d+)?", text):
            number = float(text) if "." in text else int(text)
            return self.spanned(tree.Number(number), begin)
        if text in (r"\frac", r"\tfrac", r"\dfrac"):
            return self.fraction(begin)
        if text == r"\sqrt":
            return self.spanned(tree.Apply("sqrt", self.group()), begin)
        if text == r"\underbrace":
            found = self.group()
            if self.accept("_"):
                self.raw()
            return found
        if text in FOLDS and (text in (r"\sum", r"\prod") or self.peek() == "_"):
            return self.spanned(self.fold(FOLDS[text]), begin)
        if text == r"\int":
            return self.spanned(self.integral(), begin)
        if text in FUNCTIONS:
            return self.spanned(self.function(FUNCTIONS[text]), begin)
        if text == r"\begin":
            return self.spanned(self.rows(self.next().text), begin)
        bracket = self.bracket(text)
        return self.spanned(self.symbol(text) if bracket is None else bracket, begin)

    def fraction(self, begin: int) -> Node:
        """A fraction; of two partial derivatives it is one symbol, ``dJ/dh_0``."""
        start = self.place
        above, below = self.raw(), self.raw()
        if above and below and above[0].text == below[0].text == r"\partial":
            if len(above) == 1:
                raise self.error("cannot read the derivative of a bracket")
            key = f"d{text_of(above[1:])}/d{text_of(below[1:])}"
            return self.spanned(tree.Name(key), begin)
        self.place = start
        return self.spanned(tree.Fraction(self.group(), self.group()), begin)

    def bracket(self, text: str) -> Node | None:
        """What an opening bracket or bar encloses."""
        if text in ("|", r"\lvert", r"\|", r"\Vert", r"\lVert", r"\lfloor"):
            close = OPEN.get(text, text)
            inner = self.within(close, self.sum)
            self.expect(close)
            kind = {r"\lfloor": "floor", "|": "abs", r"\lvert": "abs"}.get(text, "norm")
            return tree.Apply(kind, inner)
        if text == "{":
            inner = self.within("", self.sum)
            self.expect("}")
            return inner
        if text in ("(", "[", r"\{"):
            values = self.within("", lambda: self.items(OPEN[text]))
            if len(values) == 1:
                return values[0]
            return tree.Items(values, text == "[")
        return None

    def symbol(self, text: str) -> Node:
        """A letter, an accented or upright name, a gradient."""
        if text in ACCENTS:
            inner = Parser(self.label, self.raw()).whole()
            if not _key(inner):
                raise self.error(f"cannot read {text} of an expression")
            return tree.Name(f"{_key(inner)}_{ACCENTS[text]}")
        if text in FONTS:
            name = text_of(self.raw())
            if text == r"\mathbb" and name == "1":
                return tree.Number(1)
            if text == r"\mathrm" and name == "i":
                return tree.Number(1j)
            if text == r"\mathcal":
                return tree.Name(f"{name}_cal")
            if (name == "E" and text == r"\mathbb") or name in ("Var", "Cov"):
                return self.operator(name)
            if name in BUILTINS and not self.ended() and self.peek() not in ("(", "[", "_", "^"):
                return tree.Call(tree.Name(name), (self.product(argument=True),))
            return tree.Name(name)
        if text == r"\nabla":
            return self.gradient()
        if re.fullmatch(r"[a-zA-Z]", text) or text[1:] in GREEK or text in FOLDS:
            return tree.Name(text.lstrip("\\"))
        raise self.error(f"cannot read '{text}'")

    def gradient(self) -> Node:
        """A gradient of a symbol or of its logarithm, as one symbol: ``nabla_theta_log_p``."""
        key = f"nabla_{text_of(self.raw())}" if self.accept("_") else "nabla"
        key += "_log" if self.accept(r"\log") else ""
        inner = self.atom()
        if not isinstance(inner, tree.Name):
            raise self.error("cannot read the gradient of an expression")
        return tree.Name(f"{key}_{inner.key}")

    def operator(self, name: str) -> Node:
        """An expectation or a variance: a function, whatever its index says, of what follows."""
        key = name
        if self.accept("_"):
            key = f"{name}_{text_of(self.raw())}"
        function = tree.Sub(tree.Name(name), (), key)
        if self.peek() in ("[", "("):
            return function
        return tree.Call(function, (self.product(argument=True),))

    def function(self, name: str) -> Node:
        """A function of a bracket, or of the product that follows."""
        power = None
        if name == "log" and self.accept("_"):
            name = f"log{text_of(self.raw())}"
        if self.accept("^"):
            power = self.group()
        if self.peek() in ("(", "["):
            argument = self.atom()
        elif self.peek() == "-":
            argument = self.sum()
        else:
            argument = self.product(argument=True)
        found = tree.Apply(name, argument)
        return found if power is None else tree.Power(found, power)

    def fold(self, kind: str) -> Node:
        """A sum over an index: its bounds or its condition, and the product that follows."""
        low = high = condition = None
        variables: tuple[str, ...] = ()
        while self.peek() in ("_", "^"):
            if self.next().text == "^":
                high = self.group()
                continue
            inner = Parser(self.label, self.raw())
            variables = inner.variables()
            if inner.accept("="):
                low = replace(inner.sum(), begin=inner.tokens[inner.place - 1].begin)
            elif inner.peek() in RELATIONS or inner.accept(":"):
                if inner.peek() in RELATIONS:
                    inner.place = 0
                condition = inner.relation()
            if inner.peek():
                raise self.error(f"cannot read what is under the {kind}")
        if not variables:
            raise self.error(f"the {kind} has no index")
        body = self.product()
        return tree.Fold(kind, variables, low, high, condition, body)

    def variables(self) -> tuple[str, ...]:
        """The names of indices, side by side or with commas."""
        found = []
        while self.peek() and self.peek() not in RELATIONS and self.peek() != ":":
            symbol = self.symbol(self.next().text)
            name = _key(symbol)
            while self.accept("'"):
                name += "'"
            found.append(name)
            self.accept(",")
        return tuple(found)

    def rows(self, name: str) -> Node:
        """A matrix, or cases."""
        if name not in ("pmatrix", "bmatrix", "cases"):
            raise self.error(f"cannot read the environment '{name}'")
        rows: list[list[Node | None]] = [[]]
        while not self.accept(r"\end"):
            if self.accept(r"\\"):
                rows.append([])
            elif self.accept("&"):
                continue
            elif name == "cases" and self.peek() == r"\text" and rows[-1]:
                words = text_of(self.raw())
                if not words.startswith(("otherwise", "if")):
                    raise self.error("cannot read the words of a case")
                if words.startswith("otherwise"):
                    rows[-1].append(None)
            else:
                rows[-1].append(self.relation())
                self.accept(",", ".")
        self.next()
        return tree.Rows(tuple(tuple(row) for row in rows if row), name == "cases")


def _callable(node: Node) -> bool:
    """Whether a bracket after this may be that of a call."""
    if isinstance(node, tree.Power):
        return node.key != "" or _callable(node.base)
    return isinstance(node, tree.Name | tree.Sub)


def _key(node: Node) -> str:
    """The name that a node is bound by as a whole, if it has one."""
    return node.key if isinstance(node, tree.Name | tree.Sub | tree.Power) else ""


def _indices(label: str, tokens: Sequence[Token]) -> tuple[Node, ...] | None:
    """The expressions of a subscript; None if it is only a part of the name."""
    texts = {token.text for token in tokens}
    try:
        parts = split(tokens, lambda place: tokens[place].text == ",")
        if len(parts) > 1 or texts & {"+", "-", "/"}:
            return tuple(Parser(label, part).whole() for part in parts)
        parser, found = Parser(label, tokens), []
        while parser.peek():
            found.append(parser.factor())
        if any(isinstance(node, tree.Number) for node in found[:-1]):
            return (Parser(label, tokens).whole(),)
        return tuple(found)
    except TexError:
        return None
