"""Texts: data sets, characters and pieces as codes, rows and windows of long sequences."""

from helpers.data.text import number_words
from helpers.data.text.byte_pairs import BytePairs
from helpers.data.text.datasets import TextSplits, decode_bytes, load, split
from helpers.data.text.rows import pad, with_end, without_end
from helpers.data.text.streams import Streams
