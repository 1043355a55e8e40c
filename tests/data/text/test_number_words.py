"""Numbers in words: what is written is read back, by rules that know nothing of the writer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from helpers.data.text.number_words import LARGEST, STYLES, load, read, spell
from helpers.random import seeded


def some_numbers(seed: int) -> list[int]:
    drawn = [
        number
        for digits in range(1, 7)
        for number in torch.randint(10**digits, (60,), generator=seeded(seed + digits)).tolist()
    ]
    return [*range(130), 1000, 1100, 1999, 2000, 9900, 10_000, 100_000, LARGEST, *drawn]


@pytest.mark.parametrize("style", STYLES)
def test_reading_undoes_writing(style: str, seed: int) -> None:
    for number in some_numbers(seed):
        assert read(spell(number, style)) == number


def test_phrases_known_from_english() -> None:
    known = {
        (0, "british"): "zero",
        (100, "british"): "one hundred",
        (21, "american"): "twenty-one",
        (1001, "british"): "one thousand and one",
        (1001, "american"): "one thousand one",
        (1100, "british"): "one thousand one hundred",
        (1100, "hundreds"): "eleven hundred",
        (2012, "hundreds"): "two thousand and twelve",
        (9999, "hundreds"): "ninety-nine hundred and ninety-nine",
        (999_999, "american"): "nine hundred ninety-nine thousand nine hundred ninety-nine",
        (700_020, "british"): "seven hundred thousand and twenty",
        (120, "digits"): "one two zero",
    }
    for (number, style), phrase in known.items():
        assert spell(number, style) == phrase


def test_a_number_is_in_one_part_only(seed: int) -> None:
    pairs = load(900, 150, seed=seed)
    assert (len(pairs.train), len(pairs.test)) == (900, 150)
    seen, held = ({digits for _, digits in part} for part in (pairs.train, pairs.test))
    assert not seen & held
    assert len(held) == 150
    assert min(map(int, held)) >= 100
    for phrase, digits in [*pairs.train, *pairs.test]:
        assert str(read(phrase)) == digits


def test_the_counts_of_digits_are_equally_frequent(seed: int) -> None:
    pairs = load(3000, 400, seed=seed)
    for part, counts in ((pairs.train, range(1, 7)), (pairs.test, range(3, 7))):
        share = 1 / len(counts)
        error = (share * (1 - share) / len(part)) ** 0.5
        for count in counts:
            found = sum(len(digits) == count for _, digits in part) / len(part)
            assert abs(found - share) < 5 * error + 0.01  # no number is held twice
    styles = load(200, 50, styles=["digits"], seed=seed)
    assert all(len(phrase.split()) == len(digits) for phrase, digits in styles.train)


def test_the_same_seed_gives_the_same_pairs(seed: int) -> None:
    assert load(20, 5, seed=seed) == load(20, 5, seed=seed)
    assert load(20, 5, seed=seed) != load(20, 5, seed=seed + 1)
    assert len(load(10, 2000, seed=seed).test) == 2000  # three-digit numbers do not run out


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: spell(-1), ValueError, "number must lie in .* got -1"),
        (lambda: spell(1_000_000), ValueError, "number must lie in .* got 1000000"),
        (lambda: spell(1, "britsh"), ValueError, "style must be one of .* did you mean 'british'"),
        (lambda: read("one million"), ValueError, "phrase must consist of number words, got 'mill"),
        (lambda: read(" and "), ValueError, "phrase must consist of number words, got none"),
        (lambda: load(1, 2001), ValueError, r"test must lie in \[1, 2000\], got 2001"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call()
