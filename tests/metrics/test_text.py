"""Scores of sampled text against counting by hand and against slow, obvious programs."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from helpers.metrics.text import bleu, distinct, longest_copy, ngrams, repeated, shares
from helpers.random import seeded
from tests.printed import tex


def words(seed: int, n: int, length: int, letters: str = "abc") -> list[str]:
    drawn = torch.randint(len(letters), (n, length), generator=seeded(seed)).tolist()
    return ["".join(letters[i] for i in row) for row in drawn]


def grams(text: str, n: int) -> list[str]:
    return [text[i : i + n] for i in range(len(text)) if len(text[i : i + n]) == n]


def test_ngrams_of_strings_and_tokens() -> None:
    assert ["".join(map(str, gram)) for gram in ngrams("hello", 3)] == ["hel", "ell", "llo"]
    assert list(ngrams([7, 7, 2], 2)) == [(7, 7), (7, 2)]
    assert list(ngrams("ab", 3)) == []


@pytest.mark.equation("eq-text-distinct", frozen="2fff0aac")
def test_distinct_and_repeated_by_a_counter(seed: int) -> None:
    """Counts of every n-gram with a Counter, over random words of three letters."""
    samples = [*words(seed, 4, 9), *words(seed + 1, 2, 5)]
    for n in (1, 2, 3, 4):
        counts = Counter(gram for sample in samples for gram in grams(sample, n))
        assert distinct(samples, n) == pytest.approx(len(counts) / sum(counts.values()))
        again = sum(count - 1 for sample in samples for count in Counter(grams(sample, n)).values())
        assert repeated(samples, n) == pytest.approx(again / sum(counts.values()))


def test_equal_samples_are_not_distinct_but_need_not_repeat() -> None:
    assert distinct(["abcd"] * 5, 2) == pytest.approx(1 / 5)
    assert repeated(["abcd"] * 5, 2) == 0
    assert repeated(["aaaaa"], 1) == pytest.approx(4 / 5)
    assert distinct(["ab", "c"], 2) == 1  # too short a sample has no share


@pytest.mark.equation("eq-text-shares", frozen="ddfa36f2")
def test_shares_by_a_loop_over_all_places(seed: int) -> None:
    """Each n-gram looked for with Python's own substring search."""
    samples = words(seed, 5, 8)
    train, test = words(seed + 1, 1, 30)[0], words(seed + 2, 1, 30)[0]
    for n in (2, 3, 4):
        every = [gram for sample in samples for gram in grams(sample, n)]
        in_train = [gram in train for gram in every]
        in_test = [gram in test and not first for gram, first in zip(every, in_train)]
        found = shares(samples, train, test, n)
        assert found.train == pytest.approx(sum(in_train) / len(every))
        assert found.test == pytest.approx(sum(in_test) / len(every))
        assert sum(found) == pytest.approx(1.0)


def test_tokens_have_shares_too() -> None:
    assert shares([[1, 2, 3]], [1, 2], [2, 3], 2) == (0.5, 0.5, 0.0)


def test_the_longest_copy_by_trying_all_runs(seed: int) -> None:
    text = words(seed, 1, 40)[0]
    for sample in words(seed + 1, 6, 12, "abcd"):
        runs = [sample[i:j] for i in range(12) for j in range(i + 1, 13)]
        longest = max((run for run in runs if run in text), key=len, default="")
        assert longest_copy(sample, text) == longest
    assert longest_copy("xyz", "abc") == ""
    assert longest_copy("abc", "abc") == "abc"


def test_too_short_samples_are_named() -> None:
    for score in (distinct, repeated, lambda samples, n: shares(samples, "ab", "ab", n)):
        with pytest.raises(ValueError, match="samples must hold at least one run of 3 symbols"):
            score(["ab", "c"], 3)


def by_hand(
    answers: list[str], references: list[list[str]], n: int
) -> tuple[list[float], int, int]:
    """Clipped precisions, length of all answers, and of the references nearest in length."""
    precisions = []
    for size in range(1, n + 1):
        found = tried = 0
        for answer, right in zip(answers, references):
            mine = [tuple(g) for g in zip(*(answer.split()[k:] for k in range(size)))]
            rows = [[*zip(*(r.split()[k:] for k in range(size)))] for r in right]
            found += sum(min(mine.count(g), max(row.count(g) for row in rows)) for g in set(mine))
            tried += len(mine)
        precisions.append(found / tried)
    nearest = 0
    for answer, right in zip(answers, references):
        own = len(answer.split())
        sizes = sorted(len(r.split()) for r in right)  # of equally near ones the shorter
        nearest += min(sizes, key=lambda size, own=own: abs(size - own))
    return precisions, sum(len(answer.split()) for answer in answers), nearest


@pytest.mark.equation("eq-text-bleu")
def test_bleu_by_counting_each_n_gram(seed: int) -> None:
    """Clipped precisions and lengths counted with lists, put into the formula of the page."""
    g = seeded(seed)

    def sentence(size: int) -> str:
        return " ".join("abc"[i] for i in torch.randint(3, (size,), generator=g).tolist())

    for short in (-3, 0, 3):  # answers longer than the references, as long, and shorter
        answers = [sentence(12 - short + k) for k in range(3)]
        references = [[sentence(12 + k), sentence(14)] for k in range(3)]
        for n in (1, 2, 3):
            precisions, c, r = by_hand(answers, references, n)
            printed = tex("eq-text-bleu")(n=n, p=precisions, r=r, c=c)
            split = [[text.split() for text in right] for right in references]
            found = bleu([answer.split() for answer in answers], split, n)
            assert found == pytest.approx(float(printed), rel=1e-9)


def test_bleu_of_examples_counted_on_paper() -> None:
    cat = ["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]
    assert bleu([["the"] * 7], [cat], n=1) == pytest.approx(2 / 7)  # "the" is clipped at 2
    # "the cat on the mat": 5 of 5 words; pairs "the cat", "on the", "the mat" and "cat on": 4 of 4;
    # triples "cat on the", "on the mat" of 3; one of two runs of four. Length 5 against 6.
    answer = ["the", "cat", "on", "the", "mat"]
    expected = math.exp(1 - 6 / 5) * (1 * 1 * (2 / 3) * (1 / 2)) ** 0.25
    assert bleu([answer], [cat]) == pytest.approx(expected)
    assert bleu([list(cat[0]), list(cat[1])], [cat, cat]) == 1.0
    assert bleu([["the", "cat"]], [cat]) == 0.0
    assert bleu([list("abcd")], [[list("abc"), list("abcde")]], 1) == 1.0  # the shorter of the two
    with pytest.raises(ValueError, match="references must hold at least one for each answer"):
        bleu([["a"]], [[]])
