"""Byte-pair tokens: a vocabulary learnt by merging the most frequent pair again and again."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from helpers.checks import argument_error, check_counts

BYTES = 256
Pair = tuple[int, int]


class BytePairs:
    """A tokeniser over the bytes of UTF-8, so that every text can be encoded and comes back.

    Tokens 0 to 255 are the bytes. Merge number m makes token 256 + m out of two earlier tokens.
    Encoding applies the merges in the order in which they were learnt, each within a word: a run
    without white space together with the white space in front.

    Reference: Sennrich et al. 2015, arXiv 1508.07909, for characters; here on bytes.

    >>> tokens = BytePairs.learn("low lower lowest", vocabulary=259)
    >>> [tokens.piece(token) for token in range(256, 259)]
    [b'lo', b'low', b' low']
    >>> tokens.encode("low lows"), tokens.decode(tokens.encode("low lows"))
    ([257, 258, 115], 'low lows')

    Taught in: applications/text
    """

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges: list[Pair] = []
        self._rank: dict[Pair, int] = {}
        self._pieces: list[bytes] = [bytes([value]) for value in range(BYTES)]
        for number, (left, right) in enumerate(merges):
            if max(left, right) >= BYTES + number or (left, right) in self._rank:
                expected = f"be pairs of tokens below {BYTES + number}, each once, at {number}"
                raise argument_error("merges", expected, (left, right))
            self._rank[left, right] = number
            self.merges.append((left, right))
            self._pieces.append(self._pieces[left] + self._pieces[right])
        self._known: dict[bytes, list[int]] = {}

    def __len__(self) -> int:
        """V, the number of tokens."""
        return BYTES + len(self.merges)

    @classmethod
    def learn(cls, text: str, *, vocabulary: int) -> "BytePairs":
        """Merge the most frequent pair until there are so many tokens, or no pair occurs twice.

        Of pairs that are equally frequent the one with the smaller tokens is merged.
        """
        check_counts(BYTES, vocabulary=vocabulary)
        counted = Counter(_words(text))
        words, counts = [list(word) for word in counted], list(counted.values())
        pairs: Counter[Pair] = Counter()
        where: defaultdict[Pair, set[int]] = defaultdict(set)  # words that hold or held a pair
        for number, word in enumerate(words):
            for pair in pairwise(word):
                pairs[pair] += counts[number]
                where[pair].add(number)
        merges: list[Pair] = []
        while BYTES + len(merges) < vocabulary and pairs:
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            if pairs[best] < 2:
                break
            token = BYTES + len(merges)
            merges.append(best)
            for number in where.pop(best):  # only these words change
                for pair in pairwise(words[number]):
                    pairs[pair] -= counts[number]
                words[number] = _merge(words[number], best, token)
                for pair in pairwise(words[number]):
                    pairs[pair] += counts[number]
                    where[pair].add(number)
            del pairs[best]
        return cls(merges)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        tokens: list[int] = []
        for word in _words(text):
            if word not in self._known:
                self._known[word] = self._encode_word(list(word))
            tokens += self._known[word]
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens. Bytes that are no UTF-8, as a model may draw them, become U+FFFD."""
        return b"".join(self.piece(token) for token in tokens).decode("utf-8", errors="replace")

    def piece(self, token: int) -> bytes:
        """The bytes of one token."""
        if not 0 <= token < len(self):
            raise argument_error("token", f"lie in 0 … {len(self) - 1}", token)
        return self._pieces[token]

    def _encode_word(self, word: list[int]) -> list[int]:
        while len(word) > 1:
            rank, pair = min(
                (self._rank.get(pair, len(self.merges)), pair) for pair in pairwise(word)
            )
            if rank == len(self.merges):
                break
            word = _merge(word, pair, BYTES + rank)
        return word


def _words(text: object) -> list[bytes]:
    """Cut before each run of white space that is followed by something; nothing is lost."""
    if not isinstance(text, str):
        hint = "decode bytes first, with the encoding that they are in"
        raise argument_error("text", "be a string", type(text).__name__, hint, TypeError)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        found = repr(text[error.start])
        hint = "half of a surrogate pair is no character"
        raise argument_error("text", "be writable as UTF-8", found, hint) from None
    return [word for word in re.split(rb"(?<=[^ \t\n\r])(?=[ \t\n\r])", data) if word]


def _merge(word: list[int], pair: Pair, token: int) -> list[int]:
    """Replace each occurrence of the pair, from the left."""
    merged: list[int] = []
    place = 0
    while place < len(word):
        if place + 1 < len(word) and (word[place], word[place + 1]) == pair:
            merged.append(token)
            place += 2
        else:
            merged.append(word[place])
            place += 1
    return merged
