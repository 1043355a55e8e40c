"""Writing a text with a pen: writers who differ, and points along their strokes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from helpers.checks import check_between
from helpers.data.strokes.glyphs import LETTERS, glyph

Array = NDArray[np.float64]

VOWELS = "aeiou"
STEP = 0.22  # x-heights between two points of an average writer
JITTER = 0.012  # x-heights: how far a point lies off the line, a standard deviation


@dataclass(frozen=True)
class Writer:
    """A hand: what stays the same within a word and differs from word to word.

    Attributes:
        slant: how far the top of an x leans to the right, in x-heights.
        slope: rise of the base line for each unit to the right.
        size: x-height in units of the average one.
        width: width of the letters, 1 as in the font.
        gap: space between two letters in x-heights.
        step: distance between two points along a stroke in x-heights: fast pens have long ones.
    """

    slant: float = 0.0
    slope: float = 0.0
    size: float = 1.0
    width: float = 1.0
    gap: float = 0.32
    step: float = STEP

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Writer":
        """A writer at random."""
        return cls(
            slant=rng.normal(0.12, 0.12),
            slope=rng.normal(0.0, 0.03),
            size=rng.uniform(0.9, 1.1),
            width=rng.uniform(0.85, 1.15),
            gap=rng.uniform(0.25, 0.4),
            step=STEP * rng.uniform(0.9, 1.1),
        )


def made_up_words(n: int, rng: np.random.Generator) -> list[str]:
    """Different words of 3 to 5 letters in which consonants and vowels take turns.

    >>> made_up_words(3, np.random.default_rng(0))
    ['nejac', 'uru', 'zori']
    """
    check_between("n", n, 1, 6000)  # of three letters there are 2,730
    consonants = [letter for letter in LETTERS if letter not in VOWELS]
    words: dict[str, None] = {}
    while len(words) < n:
        length, first = rng.integers(3, 6), rng.integers(2)
        kinds = [(VOWELS, consonants)[(first + i) % 2] for i in range(length)]
        words["".join(kind[rng.integers(len(kind))] for kind in kinds)] = None
    return list(words)


def write(
    text: str, writer: Writer | None = None, *, rng: np.random.Generator | None = None
) -> Array:
    """A word as a pen sequence, written by a writer.

    Args:
        text: letters a … z, at least one.
        writer: the hand; without one, an average one.
        rng: draws what a hand cannot keep steady, the places of letters and points.

    Returns:
        (T, 3), rows dx, dy and 1 where the pen lifts, in x-heights.
    """
    hand = writer or Writer()
    pen, drawn = 0.0, []
    for letter in text:
        strokes = glyph(letter)
        drop = rng.normal(0, 0.03) if rng else 0.0
        drawn += [stroke * (hand.width, 1) + (pen, drop) for stroke in strokes]
        stretch = rng.uniform(0.85, 1.15) if rng else 1.0
        pen += hand.width * max(stroke[:, 0].max() for stroke in strokes) + hand.gap * stretch
    shape = np.array([[1.0, hand.slope], [hand.slant, 1.0]]) * hand.size
    points = [resample(stroke @ shape, hand.step) for stroke in drawn]
    if rng:
        points = [p + rng.normal(0, JITTER, p.shape) for p in points]
    return to_offsets(points)


def resample(stroke: Array, step: float) -> Array:
    """Points at equal distances along a stroke, about `step` apart, both ends kept.

    >>> resample(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), 0.5)[:, 0]
    array([0. , 0. , 0. , 0.5, 1. ])
    """
    along = np.append(0, np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1)))
    wanted = np.linspace(0, along[-1], max(2, round(along[-1] / step) + 1))
    return np.stack([np.interp(wanted, along, stroke[:, i]) for i in (0, 1)], 1)


def to_offsets(strokes: Sequence[Array]) -> Array:
    """Strokes as points (P, 2) each → one sequence (T, 3) of offsets and lifts."""
    points = np.concatenate(strokes)
    lifts = np.concatenate([np.arange(1, len(s) + 1) == len(s) for s in strokes])
    return np.column_stack([np.diff(points, axis=0, prepend=0), lifts])
