"""The text that ships with Python: splits, codes, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.text import TextSplits, decode_bytes, load, split

TOY = TextSplits("a", "a", "a", "toy")


def test_pydoc_splits_whole_topics_nine_to_one() -> None:
    from pydoc_data.topics import topics

    text = load("pydoc")
    order = sorted(topics)
    cut = round(0.9 * len(order))
    assert text.train == "\n".join(topics[t] for t in order[:cut])
    assert text.validation == "\n".join(topics[t] for t in order[cut:])
    assert set(text.train) | set(text.validation) == set(text.alphabet)
    assert list(text.alphabet) == sorted(set(text.alphabet))
    assert len(text.train) > 200_000


@given(st.text(alphabet="abc\n é", max_size=30))
def test_decoding_undoes_encoding(text: str) -> None:
    splits = TextSplits("", "", "".join(sorted("abc\n é")), "toy")
    codes = splits.encode(text)
    assert codes.dtype == torch.int64
    assert codes.shape == (len(text),)
    assert splits.decode(codes) == text


def test_no_part_is_ever_empty() -> None:
    text = split(["x", "y"], "toy", train=0.99)
    assert (text.train, text.validation, text.test, text.alphabet) == ("x", "y", "", "xy")
    text = split("abcd", "toy", train=0.5, test=0.49)
    assert (text.train, text.validation, text.test) == ("ab", "c", "d")


@given(
    st.lists(st.text(alphabet="abc", min_size=1, max_size=4), min_size=3, max_size=40),
    st.floats(0.1, 0.6),
    st.floats(0.0, 0.3),
)
def test_words_are_never_cut(words: list[str], train: float, test: float) -> None:
    text = split(words, "words", train=train, test=test)
    parts = [part.split("\n") if part else [] for part in (text.train, text.validation, text.test)]
    assert [word for part in parts for word in part] == words
    assert len(parts[2]) == int(test * len(words) + 1e-9)
    rows = text.rows(text.train)
    assert [text.decode(row) for row in rows] == parts[0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ones_own_file_is_split_by_lines(end: str, tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    lines = [f"line {k}, ünd" for k in range(10)]
    path.write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode())
    for name in (path, str(path)):
        text = load(name)
        assert text.name == "own"
        assert text.train.split("\n") == lines[:9]
        assert text.validation == lines[9]
    path.write_text("one line only", encoding="utf-8")
    assert load(path).train + load(path).validation == "one line only"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: load("pydocs"), ValueError, "name must be one of 'pydoc', .* did you mean 'pydoc"),
        (lambda: load(Path("no/such/file.txt")), FileNotFoundError, "file.txt"),
        (lambda: split("ab", "toy", train=1), ValueError, r"train must lie in \(0, 1\), got 1"),
        (lambda: split("ab", "toy", test=0.5), ValueError, r"test must lie in \[0, 0.1\), got 0.5"),
        (lambda: split(["a"], "toy"), ValueError, "pieces must be at least 2, got 1"),
        (
            lambda: TextSplits(["to", "be"], "a", "abeot", "toy"),  # type: ignore[arg-type]
            TypeError,
            "train must be a string, got list: split a list of words or lines with split",
        ),
        (lambda: TOY.encode("az"), ValueError, "text must use the alphabet only, got 'z'"),
        (lambda: TOY.decode(torch.tensor([1])), ValueError, r"codes must lie in \[-1, 0\]"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call()


def test_a_python_without_its_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(RuntimeError, match=r"comes without pydoc_data\.topics"):
        load("pydoc")


def test_shakespeare_is_split_nine_to_one() -> None:
    if not os.environ.get("DGM_DATA"):
        pytest.skip("DGM_DATA is not set")
    text = load("shakespeare")
    assert (len(text.train), len(text.validation), len(text.alphabet)) == (1_003_854, 111_540, 65)


def test_characters_are_split_in_order() -> None:
    text = split("abcdefghij", "toy", train=0.75)
    assert (text.train, text.validation, text.alphabet) == ("abcdefg", "hij", "abcdefghij")


@given(st.text(max_size=30))
def test_bytes_of_utf8_come_back(text: str) -> None:
    assert decode_bytes(text.encode("utf-8")) == text


def test_mixed_encodings_are_found_and_placed() -> None:
    data = "Grüße, ".encode() + "Grüße".encode("latin-1")
    with pytest.raises(
        ValueError,
        match=r"data must be UTF-8 throughout, got byte 0xfc at place 11 after 'Grüße, Gr'",
    ):
        decode_bytes(data)
    with pytest.raises(ValueError, match="got byte 0xff at place 0 after ''"):
        decode_bytes("text".encode("utf-16"))
    with pytest.raises(ValueError, match="find out the encoding of that part and decode it apart"):
        decode_bytes(b"caf\xc3")  # cut within a character
