"""Numbers written out in English and the same numbers in digits: a translation with exact answers.

Taught in: applications/text
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.checks import argument_error, check_between, check_counts, check_option

TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"]
UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
UNITS += [*TEENS, "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
LARGEST = 999_999

#: with "and"; without; hundreds above ten, as in "twelve hundred"; one digit after the other
STYLES = ("british", "american", "hundreds", "digits")


@dataclass(frozen=True)
class NumberWords:
    """Pairs like ``("forty-two", "42")``; no number of one part occurs in the other."""

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]


def spell(number: int, style: str = "british") -> str:
    """A number in words.

    Args:
        number: 0 … 999,999.
        style: ``"british"`` puts "and" before what is below a hundred, ``"american"`` does not,
            ``"hundreds"`` reads 1,205 as "twelve hundred and five" and 3,012, where that is not
            possible, as the British do, and ``"digits"`` names one digit after the other.

    >>> spell(1205, "hundreds"), spell(1205, "digits")
    ('twelve hundred and five', 'one two zero five')
    """
    check_option("style", style, STYLES)
    check_between("number", number, 0, LARGEST)
    if style == "digits":
        return " ".join(UNITS[int(digit)] for digit in str(number))
    if number == 0:
        return UNITS[0]
    join = " " if style == "american" else " and "
    if style == "hundreds" and 1100 <= number <= 9999 and number // 100 % 10:
        return _hundreds(number, join)
    thousands, rest = divmod(number, 1000)
    words = []
    if thousands:
        words.append(_hundreds(thousands, join) + " thousand")
    if rest:
        words.append(_hundreds(rest, join))
    return (join if rest < 100 else " ").join(words)


def read(phrase: str) -> int:
    """The number that a phrase of any style means: the rules that a network is to find."""
    words = [word for word in phrase.replace("-", " ").split() if word != "and"]
    known = {word: value for value, word in enumerate(UNITS)}
    known |= {word: 10 * value for value, word in enumerate(TENS) if value > 1}
    unknown = [word for word in words if word not in {*known, "hundred", "thousand"}]
    if unknown or not words:
        got = repr(unknown[0]) if unknown else "none"
        raise argument_error("phrase", "consist of number words", got)
    if len(words) > 1 and all(word in UNITS[:10] for word in words):
        return int("".join(str(known[word]) for word in words))
    total = part = 0
    for word in words:
        if word == "thousand":
            total, part = 1000 * part, 0
        elif word == "hundred":
            part *= 100
        else:
            part += known[word]
    return total + part


def load(train: int, test: int, *, styles: Sequence[str] = STYLES, seed: int = 0) -> NumberWords:
    """Pairs at random: a count of digits, then a number of so many digits, then a style.

    The counts 3 … 6 are equally frequent among the numbers of the test part, which all differ, and
    the counts 1 … 6 among those of the training part. So all numbers below a hundred, of which the
    others are made, can occur in training.

    >>> load(2, 1, styles=["british"], seed=4).test
    [('ninety-four thousand eight hundred and seventy-five', '94875')]
    """
    check_counts(train=train, test=test)
    check_between("test", test, 1, 2000)  # most numbers are left for training
    rng = np.random.default_rng(seed)

    def draw(shortest: int) -> tuple[int, str]:
        digits = int(rng.integers(shortest, 7))
        number = int(rng.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits))
        return number, styles[int(rng.integers(len(styles)))]

    held: dict[int, str] = {}
    while len(held) < test:
        number, style = draw(3)
        if number >= 1000 or sum(n < 1000 for n in held) < 450:
            held[number] = style
    seen: list[tuple[int, str]] = []
    while len(seen) < train:
        number, style = draw(1)
        if number not in held:
            seen.append((number, style))
    return NumberWords(*([(spell(n, s), str(n)) for n, s in part] for part in (seen, held.items())))


def _hundreds(number: int, join: str) -> str:
    """1 … 9999 as so many hundreds and the rest."""
    hundreds, rest = divmod(number, 100)
    words = [_below_hundred(hundreds) + " hundred"] if hundreds else []
    return join.join(words + ([_below_hundred(rest)] if rest else []))


def _below_hundred(number: int) -> str:
    if number < 20:
        return UNITS[number]
    tens, units = divmod(number, 10)
    return TENS[tens] + (f"-{UNITS[units]}" if units else "")
