"""Handwriting as sequences of pen steps: offsets, and where the pen leaves the paper.

============  =========================  =====================  ================================
name          items                      splits                 source and licence
============  =========================  =====================  ================================
``glyphs``    4,800 made-up words of 3   4,000 / 400 / 400,     made here from the middle lines
              to 5 letters, each by a    no word in two splits  of a font that ships with
              writer of its own                                 matplotlib
``omniglot``  2,720 characters of five   16 / 2 / 2 of the 20   Lake, Salakhutdinov and
              alphabets, drawn online    drawers of each        Tenenbaum 2015, MIT; downloaded
              by people                  character              once (2.7 MB)
============  =========================  =====================  ================================
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from helpers.checks import argument_error, check_counts, check_data, check_option
from helpers.data.download import fetch
from helpers.data.splits import Part, Splits
from helpers.data.strokes import omniglot
from helpers.data.strokes.glyphs import LETTERS
from helpers.data.strokes.writers import Writer, made_up_words, write

Array = NDArray[np.float64]

SIZES = {"train": 4000, "validation": 400, "test": 400}


@dataclass(frozen=True, eq=False)
class Strokes(Part):
    """Pen steps x (N, T, 3), 0 behind the `lengths` (N,), and the texts that they write.

    A step is the offset from the one before, to the right and up, then 1 if the pen lifts after it.
    """

    lengths: Tensor
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StrokeSplits(Splits[Strokes]):
    """The three splits of a data set, the letters of its texts, and the unit of its offsets."""

    alphabet: str
    unit: str


def load(name: str = "glyphs", *, download: bool = True) -> StrokeSplits:
    """The data set called `name`, the same at each call.

    Args:
        name: ``"glyphs"`` (made here) or ``"omniglot"``.
        download: False forbids the network, so that a missing file is an error.

    Returns:
        Three splits. Glyphs: offsets in x-heights, texts are the words. Omniglot: offsets in sides
        of the canvas, texts are ``"Greek/character01"``, `alphabet` is empty.

    Taught in: applications/handwriting
    """
    check_option("name", name, ["glyphs", "omniglot"])
    if name == "omniglot":
        path = fetch(omniglot.FILE, url=omniglot.URL, sha256=omniglot.SHA256, download=download)
        read = {split: pack(*items) for split, items in omniglot.read_omniglot(path).items()}
        return StrokeSplits(**read, alphabet="", unit="side of the canvas", name=name)
    rng = np.random.default_rng(2013)
    words = made_up_words(sum(SIZES.values()), rng)
    parts = {}
    for split, size in SIZES.items():
        texts, words = words[:size], words[size:]
        parts[split] = pack([write(text, Writer.draw(rng), rng=rng) for text in texts], texts)
    return StrokeSplits(**parts, alphabet=LETTERS, unit="x-height", name=name)


def pack(sequences: Sequence[Array | Tensor], texts: Sequence[str]) -> Strokes:
    """Pen sequences (T, 3) of different lengths as one tensor, with zeros behind the ends."""
    if not sequences or len(texts) != len(sequences):
        expected = "hold at least one sequence and a text for each"
        got = f"{len(sequences)} and {len(texts)}"
        raise argument_error("sequences and texts", expected, got)
    items = [
        check_data(f"sequences[{i}]", torch.as_tensor(sequence), ("T", 3)).float()
        for i, sequence in enumerate(sequences)
    ]
    lengths = torch.tensor([len(item) for item in items])
    return Strokes(pad_sequence(items, batch_first=True), lengths, tuple(texts))


def encode(texts: Sequence[str], alphabet: str) -> Tensor:
    """Places in the alphabet of the letters of each text: (N, U) int64, −1 behind its end.

    >>> encode(["cab", "a"], "abc")
    tensor([[ 2,  0,  1],
            [ 0, -1, -1]])
    """
    if not texts or not all(texts):
        raise argument_error("texts", "be one or more, of at least one letter", list(texts))
    unknown = sorted(set("".join(texts)) - set(alphabet))
    if unknown:
        raise argument_error("texts", f"use the letters {alphabet!r} only", repr(unknown[0]))
    codes = [torch.tensor([alphabet.index(letter) for letter in text]) for text in texts]
    return pad_sequence(codes, batch_first=True, padding_value=-1)


class Buckets:
    """Batches of sequences of similar length, cut to the longest of each batch.

    Each pass visits every sequence once, the batches in a new order, and yields
    ``(x, lengths, *tensors)``; which sequences share a batch changes a little from pass to pass.
    Further tensors of N rows, codes of the texts for instance, come along uncut.

    >>> data = pack([np.ones((n, 3)) for n in (9, 2, 8, 3)], list("abcd"))
    >>> sorted(x.shape[1] for x, lengths in Buckets(data, batch_size=2))
    [3, 9]

    Taught in: applications/handwriting
    """

    def __init__(
        self,
        strokes: Strokes,
        *tensors: Tensor,
        batch_size: int,
        rng: torch.Generator | None = None,
    ) -> None:
        check_counts(batch_size=batch_size)
        rows = [len(tensor) for tensor in tensors]
        if any(n != len(strokes) for n in rows):
            raise argument_error("tensors", f"have {len(strokes)} rows each", rows)
        self.tensors = (strokes.x, strokes.lengths, *tensors)
        self.batch_size, self.rng = batch_size, rng

    def __len__(self) -> int:
        """The number of batches in one pass."""
        return -(-len(self.tensors[0]) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """One pass."""
        lengths = self.tensors[1]
        blur = 0.1 * lengths.float().mean().item() * torch.rand(len(lengths), generator=self.rng)
        rows = torch.split((lengths + blur).argsort(), self.batch_size)
        for batch in torch.randperm(len(rows), generator=self.rng).tolist():
            x, *rest = (tensor[rows[batch]] for tensor in self.tensors)
            yield (x[:, : int(rest[0].max())], *rest)
