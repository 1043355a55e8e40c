r"""Short sounds with labels, sampled at 8 kHz.

=================  ===========================  ==================  ===============================
name               items                        splits              source and licence
=================  ===========================  ==================  ===============================
``vowels``         1,250 vowels of made-up      1,000 / 125 / 125   synthesised here
                   voices, 0.16 to 0.3 s
``strings``        625 plucked strings, five    500 / 60 / 65       synthesised here
                   notes, 0.3 s
``spoken_digits``  3,000 digits, said by six    2,400 / 300 / 300   Jakobovski et al., CC BY-SA
                   people, cut after 0.64 s                         4.0; downloaded once (16 MB)
=================  ===========================  ==================  ===============================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error, check_option
from helpers.data.download import fetch
from helpers.data.sound import spoken_digits
from helpers.data.sound.synthesis import FORMANTS, plucked_string, vowel
from helpers.random import seeded
from helpers.signal.waveform import check_waveform

SAMPLE_RATE = 8000  # Hz
SIZES = {
    "vowels": {"train": 1000, "validation": 125, "test": 125},
    "strings": {"train": 500, "validation": 60, "test": 65},
}
#: The notes of the strings and their pitches in Hz.
NOTES = {"A2": 110.0, "C3": 130.8, "D3": 146.8, "E3": 164.8, "G3": 196.0}
VOWEL_SECONDS, STRING_SECONDS, DIGIT_SECONDS = 0.32, 0.32, 0.64  # room for each item
BREATH = 0.01  # standard deviation of the noise in a voice


@dataclass(frozen=True, eq=False)
class Sounds:
    r"""One part of a data set.

    Attributes:
        x: (N, T) float32 samples in [-1, 1]; behind the end of a sound they are 0.
        lengths: (N,) int64, the samples of each sound.
        y: (N,) int64, the class of each sound.
    """

    x: Tensor
    lengths: Tensor
    y: Tensor

    def __len__(self) -> int:
        """The number of sounds."""
        return len(self.x)


@dataclass(frozen=True, eq=False)
class SoundSplits:
    """The three splits, the names of the classes, and the sample rate in Hz."""

    train: Sounds
    validation: Sounds
    test: Sounds
    classes: tuple[str, ...]
    sample_rate: int
    name: str


def load(
    name: str = "vowels", *, folder: str | Path | None = None, download: bool = True
) -> SoundSplits:
    r"""The data set called `name`, the same at each call.

    Args:
        name: ``"vowels"`` or ``"strings"`` (made here), or ``"spoken_digits"``.
        folder: where a downloaded file is kept; by default ``DGM_DATA``, else
            ``~/.cache/deep-generative-models``.
        download: False forbids the network, so that a missing file is an error.

    Returns:
        Three splits on the CPU. The spoken digits are scaled to a largest magnitude of 0.9, and
        those of the test split are the official ones.

    Raises:
        ValueError: the name is unknown.
        DownloadError: the file is missing and could not be fetched, or is not the expected one.

    >>> data = load("vowels")
    >>> data.train.x.shape, data.classes, data.sample_rate
    (torch.Size([1000, 2560]), ('a', 'e', 'i', 'o', 'u'), 8000)

    Taught in: applications/speech.
    """
    check_option("name", name, ["vowels", "strings", "spoken_digits"])
    if name == "spoken_digits":
        path = fetch(
            spoken_digits.FILE,
            url=spoken_digits.URL,
            content_check=spoken_digits.check_content,
            folder=folder,
            download=download,
        )
        room = round(DIGIT_SECONDS * SAMPLE_RATE)
        parts = {
            split: pack([0.9 * x / x.abs().max() for x in waves], y, room=room)
            for split, (waves, y) in spoken_digits.read_spoken_digits(path).items()
        }
        classes = tuple(str(digit) for digit in range(10))
        return SoundSplits(**parts, classes=classes, sample_rate=SAMPLE_RATE, name=name)
    rng = np.random.default_rng(1983)
    make, classes = (_voice, tuple(FORMANTS)) if name == "vowels" else (_string, tuple(NOTES))
    seconds = VOWEL_SECONDS if name == "vowels" else STRING_SECONDS
    parts = {}
    for split, size in SIZES[name].items():
        y = [i % len(classes) for i in range(size)]
        waves = [make(classes[label], rng) for label in y]
        parts[split] = pack(waves, y, room=round(seconds * SAMPLE_RATE))
    return SoundSplits(**parts, classes=classes, sample_rate=SAMPLE_RATE, name=name)


def _voice(name: str, rng: np.random.Generator) -> Tensor:
    """A vowel by a voice of its own: pitch and mouth go together, as in people, but loosely."""
    mouth = rng.uniform(0.88, 1.18)
    pitch = 150.0 * mouth**2 * np.exp(0.2 * rng.standard_normal())
    x = vowel(name, seconds=rng.uniform(0.16, 0.3), pitch=float(pitch), mouth=float(mouth))
    noise = BREATH * torch.as_tensor(rng.standard_normal(len(x)), dtype=x.dtype)
    return (rng.uniform(0.6, 1.0) * x + noise).clamp(-1, 1).float()


def _string(note: str, rng: np.random.Generator) -> Tensor:
    """A pluck; the strings are not perfectly in tune."""
    pitch = NOTES[note] * np.exp(0.01 * rng.standard_normal())
    draws = seeded(int(rng.integers(2**31)))
    return plucked_string(seconds=0.3, pitch=float(pitch), rng=draws).float()


def pack(waves: Sequence[Tensor], y: Sequence[int], *, room: int) -> Sounds:
    r"""Sounds of different lengths as one tensor (N, room): cut behind it, zeros behind the end.

    Raises:
        ValueError: no sounds, another number of labels, stereo, clipped or silent sound.

    >>> pack([torch.ones(3), torch.ones(9)], [0, 1], room=5).lengths
    tensor([3, 5])
    """
    if not waves:
        raise argument_error("waves", "hold at least one sound", "none")
    if len(y) != len(waves):
        raise argument_error("y", f"hold {len(waves)} labels", len(y))
    x = torch.zeros(len(waves), room, dtype=torch.float32)
    for i, wave in enumerate(waves):
        check_waveform(f"waves[{i}]", wave)
        x[i, : len(wave)] = wave[:room]
    lengths = torch.tensor([min(len(wave), room) for wave in waves])
    return Sounds(x, lengths, torch.tensor(list(y)))
