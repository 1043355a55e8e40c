"""Byte-pair tokens: nothing is lost, the merges are those of a count by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.text import BytePairs

TEXT = "the cat sat on the mat\nthe hat of the cat is on the mat, die Mäuse — 猫 — auch\n" * 3
TOKENS = BytePairs.learn(TEXT, vocabulary=320)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert TOKENS.decode(TOKENS.encode(text)) == text


@given(st.text(alphabet="aab \n", max_size=40), st.integers(256, 270))
def test_texts_of_two_letters_come_back_with_their_own_merges(text: str, size: int) -> None:
    if text:
        tokens = BytePairs.learn(text, vocabulary=size)
        assert len(tokens) <= size
        assert tokens.decode(tokens.encode(text)) == text
        assert len(tokens.encode(text)) <= len(text)


def test_the_first_merge_is_the_most_frequent_pair() -> None:
    """Counted by hand: in 'banana bandana' an occurs 5 times, na 3 times, ba 2 times."""
    tokens = BytePairs.learn("banana bandana", vocabulary=257)
    assert tokens.merges == [(ord("a"), ord("n"))]
    assert tokens.encode("banana") == [ord("b"), 256, 256, ord("a")]


def test_each_merge_is_the_most_frequent_pair_of_its_time() -> None:
    """A second, slower count: text rewritten after every merge, words kept apart by a mark."""
    text = "low lower lowest newer newest wider widest low low"
    words: list[list[str]] = [list(w) for w in text.replace(" ", "\0 ").split("\0")]
    found = BytePairs.learn(text, vocabulary=266)
    for left, right in found.merges:
        counts: dict[tuple[str, str], int] = {}
        for word in words:
            for pair in pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        pair = (found.piece(left).decode(), found.piece(right).decode())
        assert counts[pair] == max(counts.values()) >= 2
        for number, word in enumerate(words):
            joined, place = [], 0
            while place < len(word):
                both = tuple(word[place : place + 2]) == pair
                joined.append("".join(pair) if both else word[place])
                place += 2 if both else 1
            words[number] = joined
    encoded = [found.piece(token).decode() for token in found.encode(text)]
    assert encoded == [piece for word in words for piece in word]


def test_more_merges_mean_fewer_tokens() -> None:
    lengths = [
        len(BytePairs.learn(TEXT, vocabulary=size).encode(TEXT)) for size in (256, 270, 290, 320)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == len(TEXT.encode())
    assert lengths[-1] < lengths[0] / 2


def test_learning_ends_when_no_pair_occurs_twice() -> None:
    assert len(BytePairs.learn("abcdef", vocabulary=400)) == 256
    assert len(BytePairs.learn("a", vocabulary=300)) == 256


def test_words_keep_the_space_before_them() -> None:
    pieces = [TOKENS.piece(token) for token in range(256, len(TOKENS))]
    assert b" the" in pieces
    assert not any(piece.strip() and piece[-1:] in b" \n" for piece in pieces)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert TOKENS.decode([0xE2, 0x82]) == "\ufffd"
    assert TOKENS.decode([]) == ""
    assert TOKENS.encode("") == []


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: TOKENS.encode(b"the"), TypeError, "text must be a string, got bytes: decode"),  # type: ignore[arg-type]
        (lambda: TOKENS.encode("a\ud800"), ValueError, "text must be writable as UTF-8"),
        (lambda: BytePairs.learn("abc", vocabulary=255), ValueError, "vocabulary must be an int"),
        (lambda: TOKENS.decode([len(TOKENS)]), ValueError, "token must lie in 0 … "),
        (
            lambda: BytePairs([(97, 98), (257, 97)]),
            ValueError,
            "merges must be pairs of tokens bel",
        ),
        (lambda: BytePairs([(97, 98), (97, 98)]), ValueError, "merges must be .* each once, at 1"),
    ],
)
def test_bad_input_is_refused(
    call: Callable[[], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call()
