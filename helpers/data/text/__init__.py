"""Texts: data sets, characters and pieces as codes, windows of a long sequence."""

from helpers.data.text.byte_pairs import BytePairs
from helpers.data.text.datasets import (
    TextSplits,
    decode_bytes,
    load,
    split_characters,
    split_topics,
)
from helpers.data.text.streams import Streams

__all__ = [
    "BytePairs",
    "Streams",
    "TextSplits",
    "decode_bytes",
    "load",
    "split_characters",
    "split_topics",
]
