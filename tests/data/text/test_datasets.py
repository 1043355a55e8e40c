"""The text that ships with Python: splits, codes, errors."""

from __future__ import annotations

import os
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.text import TextSplits, decode_bytes, load, split_characters, split_topics


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


def test_no_split_is_ever_empty() -> None:
    text = split_topics({"a": "x", "b": "y"}, "toy", share=0.99)
    assert (text.train, text.validation, text.alphabet) == ("x", "y", "xy")


def test_bad_arguments_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match="name must be one of 'pydoc', 'shakespeare', got 'pydocs': did you"
    ):
        load("pydocs")
    with pytest.raises(ValueError, match="text must use the alphabet only, got 'z': replace it"):
        TextSplits("a", "a", "a", "toy").encode("az")
    with pytest.raises(ValueError, match=r"codes must lie in \[0, 0\]"):
        TextSplits("a", "a", "a", "toy").decode(torch.tensor([1]))
    with pytest.raises(ValueError, match="share must lie strictly between 0 and 1, got 1"):
        split_topics({"a": "x", "b": "y"}, "toy", share=1)
    with pytest.raises(ValueError, match="topics must hold at least 2 topics, got 1"):
        split_topics({"a": "x"}, "toy")
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(RuntimeError, match=r"comes without pydoc_data\.topics"):
        load("pydoc")


def test_shakespeare_is_split_nine_to_one() -> None:
    if not os.environ.get("DGM_DATA"):
        pytest.skip("DGM_DATA is not set")
    text = load("shakespeare")
    assert (len(text.train), len(text.validation), len(text.alphabet)) == (1_003_854, 111_540, 65)


def test_characters_are_split_in_order() -> None:
    text = split_characters("abcdefghij", "toy", share=0.75)
    assert (text.train, text.validation, text.alphabet) == ("abcdefg", "hij", "abcdefghij")
    with pytest.raises(ValueError, match="share must lie strictly between 0 and 1, got 0"):
        split_characters("ab", "toy", share=0)
    with pytest.raises(ValueError, match="text must hold at least 2 characters, got 1"):
        split_characters("a", "toy")


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
    with pytest.raises(TypeError, match="data must be bytes, got str: text is decoded"):
        decode_bytes("text")  # type: ignore[arg-type]
