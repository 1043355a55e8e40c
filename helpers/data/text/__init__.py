"""Texts: data sets, characters and pieces as codes, rows and windows of long sequences."""

from helpers.data.text import number_words as number_words
from helpers.data.text.byte_pairs import BytePairs as BytePairs
from helpers.data.text.datasets import TextSplits as TextSplits
from helpers.data.text.datasets import decode_bytes as decode_bytes
from helpers.data.text.datasets import load as load
from helpers.data.text.datasets import split as split
from helpers.data.text.rows import pad as pad
from helpers.data.text.rows import with_end as with_end
from helpers.data.text.rows import without_end as without_end
from helpers.data.text.streams import Streams as Streams
