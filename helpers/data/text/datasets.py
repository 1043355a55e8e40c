r"""Text as sequences of character codes.

``pydoc`` is the reference text that ships with Python itself (``pydoc_data.topics``, what
``help("LOOPING")`` prints; PSF licence), about 465,000 characters in Python 3.11. It differs from
one version of Python to the next, so figures measured on it are not comparable across versions.

``shakespeare`` is the usual file of 1,115,394 characters from his plays (public domain).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from helpers.checks import argument_error, check_integer, check_option, check_range
from helpers.data.download import fetch

SHAKESPEARE: dict[str, Any] = {
    "filename": "tinyshakespeare.txt",
    "url": "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    "sha256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
}


@dataclass(frozen=True)
class TextSplits:
    r"""Training and validation text over one alphabet.

    Attributes:
        train: the training text.
        validation: the held-out text; its topics are not in `train`.
        alphabet: all characters of both, sorted; the code of a character is its place in it.
        name: of the text.

    >>> text = TextSplits("abba", "bab", "ab", "toy")
    >>> text.encode(text.train), text.decode(torch.tensor([1, 0]))
    (tensor([0, 1, 1, 0]), 'ba')
    """

    train: str
    validation: str
    alphabet: str
    name: str

    def encode(self, text: str) -> Tensor:
        r"""The codes of the characters of `text`: (T,) int64.

        Raises:
            ValueError: a character is not in the alphabet.
        """
        codes = {character: code for code, character in enumerate(self.alphabet)}
        unknown = sorted(set(text) - codes.keys())
        if unknown:
            hint = "replace it first"
            raise argument_error("text", "use the alphabet only", repr(unknown[0]), hint)
        return torch.tensor([codes[character] for character in text], dtype=torch.int64)

    def decode(self, codes: Tensor) -> str:
        r"""The text of codes of any shape, read in order."""
        check_integer("codes", codes)
        check_range("codes", codes, 0, len(self.alphabet) - 1)
        return "".join(self.alphabet[code] for code in codes.flatten().tolist())


def load(name: str = "pydoc") -> TextSplits:
    r"""The text called `name`.

    Args:
        name: ``"pydoc"``, or ``"shakespeare"``, which is downloaded once (1.1 MB).

    Returns:
        For pydoc the first 90 % of the topics, in sorted order, as training text, and the rest for
        validation; for Shakespeare the first 90 % of the characters and the rest.

    Raises:
        ValueError: the name is unknown.
        RuntimeError: this Python comes without the text.
        DownloadError: Shakespeare is not there and could not be fetched.

    >>> text = load("pydoc")
    >>> len(text.train) > 5 * len(text.validation) > 0
    True

    Taught in: background/classical_models
    """
    check_option("name", name, ["pydoc", "shakespeare"])
    if name == "shakespeare":
        return split_characters(fetch(**SHAKESPEARE).read_text(encoding="ascii"), name)
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ImportError as error:
        message = "this Python comes without pydoc_data.topics: install its standard library fully"
        raise RuntimeError(message) from error
    return split_topics(topics, name)


def decode_bytes(data: bytes) -> str:
    r"""The text of bytes that are UTF-8 throughout.

    A file put together from parts in different encodings would otherwise turn into wrong letters
    without a word, or fail far from its cause.

    Raises:
        TypeError: `data` is no bytes.
        ValueError: a byte that UTF-8 cannot have there; the message says where.

    >>> decode_bytes(b"caf\xc3\xa9")
    'café'
    >>> decode_bytes(b"caf\xc3\xa9, caf\xe9")
    Traceback (most recent call last):
    ValueError: data must be UTF-8 throughout, got byte 0xe9 at place 10 after 'café, caf': find ...

    Taught in: applications/text.
    """
    if not isinstance(data, bytes):
        raise argument_error("data", "be bytes", type(data).__name__, "text is decoded", TypeError)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")[-20:]
        got = f"byte {data[error.start]:#04x} at place {error.start} after {before!r}"
        hint = "find out the encoding of that part and decode it apart"
        raise argument_error("data", "be UTF-8 throughout", got, hint) from None


def split_characters(text: str, name: str, *, share: float = 0.9) -> TextSplits:
    r"""The first `share` of the characters against the rest.

    >>> split_characters("to be or not", "toy", share=0.5).validation
    'or not'
    """
    if not 0.0 < share < 1.0:
        raise argument_error("share", "lie strictly between 0 and 1", share)
    if len(text) < 2:
        raise argument_error("text", "hold at least 2 characters", len(text))
    cut = min(max(int(share * len(text)), 1), len(text) - 1)
    return TextSplits(text[:cut], text[cut:], "".join(sorted(set(text))), name)


def split_topics(topics: Mapping[str, str], name: str, *, share: float = 0.9) -> TextSplits:
    r"""The first `share` of the topics, in sorted order, against the rest.

    >>> split_topics({"b": "two", "a": "one"}, "toy", share=0.5).train
    'one'
    """
    if not 0.0 < share < 1.0:
        raise argument_error("share", "lie strictly between 0 and 1", share)
    if len(topics) < 2:
        raise argument_error("topics", "hold at least 2 topics", len(topics))
    order = sorted(topics)
    cut = min(max(round(share * len(order)), 1), len(order) - 1)
    train, validation = ("\n".join(topics[t] for t in part) for part in (order[:cut], order[cut:]))
    return TextSplits(train, validation, "".join(sorted({*train, *validation})), name)
