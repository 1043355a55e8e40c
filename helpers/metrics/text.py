"""What samples of text are like: how varied, how repetitive, how much copied, how like references.

A sequence is a string or a sequence of tokens or words; its n-grams are its runs of n neighbours.

Taught in: applications/text
"""

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from helpers.checks import argument_error, check_counts

Sequences = Iterable[Sequence[Hashable]]


class Shares(NamedTuple):
    """Where n-grams were seen before; the three shares sum to 1."""

    train: float  # in the training text, whether or not in the test text too
    test: float  # in the test text only
    new: float  # in neither


def ngrams(sequence: Sequence[Hashable], n: int) -> Iterator[tuple[Hashable, ...]]:
    """All runs of n neighbours, in order; none where the sequence is shorter."""
    return (tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1))


def distinct(samples: Sequences, n: int) -> float:
    """Distinct-n: different n-grams of all samples together, over their number.

    It falls with the samples' size: compare only sets of the same size.

    Reference: Li et al. 2015, arXiv 1510.03055.

    >>> distinct(["abab", "ab"], 2)  # ab, ba, ab, ab
    0.5
    """
    found = list(itertools.chain(*_grams(samples, n)))
    return len(set(found)) / len(found)


def repeated(samples: Sequences, n: int) -> float:
    """Share of n-grams that occurred earlier *in the same sample*: text that goes in circles.

    >>> repeated(["ababab", "ab"], 2)  # ba and twice ab, of six
    0.5
    """
    found = _grams(samples, n)
    return 1 - sum(len(set(grams)) for grams in found) / sum(map(len, found))


def shares(
    samples: Sequences, train: Sequence[Hashable], test: Sequence[Hashable], n: int
) -> Shares:
    """Which n-grams of samples are in the training text, only in the test text, or in neither.

    >>> shares(["abcd"], train="abx", test="ab bc", n=2)  # ab, bc, cd
    Shares(train=0.333..., test=0.333..., new=0.333...)
    """
    in_train, in_test = set(ngrams(train, n)), set(ngrams(test, n))
    counts = [0, 0, 0]
    for gram in itertools.chain(*_grams(samples, n)):
        counts[0 if gram in in_train else 1 if gram in in_test else 2] += 1
    return Shares(*(count / sum(counts) for count in counts))


def longest_copy(sample: str, text: str) -> str:
    """The longest run of characters of a sample that stands somewhere in a text, the first such.

    >>> longest_copy("a black cat", "the cat is black as coal")
    ' black '
    """
    best = ""
    for start in range(len(sample)):
        while start + len(best) < len(sample) and sample[start : start + len(best) + 1] in text:
            best = sample[start : start + len(best) + 1]
    return best


def bleu(
    answers: Sequence[Sequence[Hashable]], references: Sequence[Sequences], n: int = 4
) -> float:
    """How many n-grams of answers, up to size `n`, stand in references too: in [0, 1].

    The score of a whole corpus, without smoothing: 0 if no n-gram of some size is found.

    Args:
        answers: each a sequence of words or tokens.
        references: the right answers to each.
        n: largest size of n-grams.

    Reference: Papineni et al. 2002, "BLEU", section 2.3.

    >>> round(bleu(["the cat sat".split()], [["the cat sat down".split()]], n=2), 4)  # exp(1 - 4/3)
    0.7165
    """
    check_counts(n=n)
    if len(answers) != len(references) or not all(references):
        got = f"{len(references)} for {len(answers)} answers"
        raise argument_error("references", "hold at least one for each answer", got)
    found, tried, longest, wanted = [0] * n, [0] * n, 0, 0
    for answer, right in zip(answers, map(list, references), strict=True):
        longest += len(answer)
        wanted += min((abs(len(r) - len(answer)), len(r)) for r in right)[1]
        for size in range(1, n + 1):
            own = Counter(ngrams(answer, size))
            most: Counter[tuple[Hashable, ...]] = Counter()
            for reference in right:
                most |= Counter(ngrams(reference, size))
            found[size - 1] += (own & most).total()
            tried[size - 1] += own.total()
    if not all(found):
        return 0.0
    precision = math.prod(f / t for f, t in zip(found, tried, strict=True))
    return min(1.0, math.exp(1 - wanted / longest)) * precision ** (1 / n)


def _grams(samples: Sequences, n: int) -> list[list[tuple[Hashable, ...]]]:
    """The n-grams of each sample, of which there must be one."""
    check_counts(n=n)
    found = [list(ngrams(sample, n)) for sample in samples]
    if not any(found):
        raise argument_error("samples", f"hold at least one run of {n} symbols", "none")
    return found
