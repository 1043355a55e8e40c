"""Text as sequences of character codes.

``pydoc`` is the reference text that ships with Python itself (``pydoc_data.topics``, what
``help("LOOPING")`` prints; PSF licence), about 465,000 characters in Python 3.11. It differs from
one version of Python to the next, so figures measured on it are not comparable across versions.

``shakespeare`` is the usual file of 1,115,394 characters from his plays (public domain).
"""

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from helpers.checks import argument_error, check_between, check_data, check_option
from helpers.data.download import fetch
from helpers.data.text.rows import PADDING, pad

SHAKESPEARE: dict[str, Any] = {
    "filename": "tinyshakespeare.txt",
    "url": "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    "sha256": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
}


@dataclass(frozen=True)
class TextSplits:
    """Training, validation and perhaps test text over one alphabet, all characters sorted.

    The code of a character is its place in the alphabet.

    >>> text = TextSplits("abba", "bab", "ab", "toy")
    >>> text.encode(text.train), text.decode(torch.tensor([1, 0]))
    (tensor([0, 1, 1, 0]), 'ba')
    """

    train: str
    validation: str
    alphabet: str
    name: str
    test: str = ""

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            part = getattr(self, name)
            if not isinstance(part, str):
                hint = "split a list of words or lines with split"
                raise argument_error(name, "be a string", type(part).__name__, hint, TypeError)

    def encode(self, text: str) -> Tensor:
        """The codes of the characters of `text`: (T,) int64."""
        codes = {character: code for code, character in enumerate(self.alphabet)}
        unknown = sorted(set(text) - codes.keys())
        if unknown:
            hint = "replace it first"
            raise argument_error("text", "use the alphabet only", repr(unknown[0]), hint)
        return torch.tensor([codes[character] for character in text], dtype=torch.int64)

    def rows(self, text: str) -> Tensor:
        """The lines of `text` as separate sequences, −1 behind their ends: (B, T) int64."""
        return pad([self.encode(line).tolist() for line in text.split("\n") if line])

    def decode(self, codes: Tensor) -> str:
        """The text of codes of any shape, read in order; −1 is nothing."""
        if codes.numel() > 0:
            check_data("codes", codes, (...,), "integer", low=PADDING, high=len(self.alphabet) - 1)
        return "".join(self.alphabet[code] for code in codes.flatten().tolist() if code >= 0)


def load(name: str | os.PathLike[str] = "pydoc") -> TextSplits:
    """The text called `name`, or that of a file of one's own in UTF-8.

    The first 90 % are for training and the rest for validation: of pydoc's topics in sorted order,
    of Shakespeare's characters, of a file's lines.

    Taught in: background/classical_models, models/rnn, applications/text
    """
    if name == "shakespeare":
        return split(fetch(**SHAKESPEARE).read_text(encoding="ascii"), name)
    if name != "pydoc":
        path = Path(name)
        if not isinstance(name, os.PathLike) and not path.is_file():
            check_option("name", name, ["pydoc", "shakespeare", "<path of a text file>"])
        text = decode_bytes(path.read_bytes()).removeprefix("\ufeff").replace("\r\n", "\n")
        lines = text.split("\n")
        return split(lines if len(lines) > 1 else text, path.stem)
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ImportError as error:
        message = "this Python comes without pydoc_data.topics: install its standard library fully"
        raise RuntimeError(message) from error
    return split([topics[topic] for topic in sorted(topics)], name)


def split(
    pieces: str | Sequence[str], name: str, *, train: float = 0.9, test: float = 0.0
) -> TextSplits:
    r"""The first pieces for training, the last for the test, and those between for validation.

    A string may be cut anywhere. Words, lines or whole texts are never cut and are joined by
    newlines. The order is kept: shuffle a sorted list before. `train` and `test` are shares.

    >>> split(["to", "be", "or", "not"], "toy", train=0.5, test=0.25)
    TextSplits(train='to\nbe', validation='or', alphabet='\nbenort', name='toy', test='not')
    """
    check_between("train", train, 0, 1, ends="()")
    check_between("test", test, 0, 1 - train, ends="[)")
    n, joint = len(pieces), "" if isinstance(pieces, str) else "\n"
    if n < 2:
        raise argument_error("pieces", "be at least 2", n)
    first = min(max(int(train * n + 1e-9), 1), n - 1)
    last = max(n - int(test * n + 1e-9), first + 1)
    parts = [joint.join(part) for part in (pieces[:first], pieces[first:last], pieces[last:])]
    alphabet = "".join(sorted(set("".join(parts))))
    return TextSplits(parts[0], parts[1], alphabet, name, parts[2])


def decode_bytes(data: bytes) -> str:
    r"""The text of bytes that are UTF-8 throughout; the error says where they are not.

    >>> decode_bytes(b"caf\xc3\xa9, caf\xe9")
    Traceback (most recent call last):
    ValueError: data must be UTF-8 throughout, got byte 0xe9 at place 10 after 'café, caf': find ...

    Taught in: applications/text
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")[-20:]
        got = f"byte {data[error.start]:#04x} at place {error.start} after {before!r}"
        hint = "find out the encoding of that part and decode it apart"
        raise argument_error("data", "be UTF-8 throughout", got, hint) from None
