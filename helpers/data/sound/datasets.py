"""Short sounds with labels.

=================  ===========================  ==================  ===============================
name               items                        splits              source and licence
=================  ===========================  ==================  ===============================
``vowels``         1,250 vowels of made-up      1,000 / 125 / 125   synthesised here
                   voices, 0.16 to 0.3 s
``strings``        625 plucked strings, five    500 / 60 / 65       synthesised here
                   notes, 0.3 s
``spoken_digits``  3,000 digits, said by six    2,400 / 300 / 300   Jakobovski et al., CC BY-SA
                   people, cut after 0.64 s                         4.0; downloaded once (16 MB)
a folder's path    your own WAV files           about 8 : 1 : 1     yours
=================  ===========================  ==================  ===============================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from helpers.checks import argument_error
from helpers.data.download import fetch
from helpers.data.sound import spoken_digits
from helpers.data.sound.spoken_digits import Items
from helpers.data.sound.synthesis import FORMANTS, SAMPLE_RATE, plucked_string, vowel
from helpers.data.sound.wav import read_wav
from helpers.data.splits import Part, Splits
from helpers.random import seeded
from helpers.signal import check_waveform

SIZES = {
    "vowels": {"train": 1000, "validation": 125, "test": 125},
    "strings": {"train": 500, "validation": 60, "test": 65},
}
#: The notes of the strings and their pitches in Hz.
NOTES = {"A2": 110.0, "C3": 130.8, "D3": 146.8, "E3": 164.8, "G3": 196.0}
ROOM = {"vowels": 2560, "strings": 2560, "spoken_digits": 5120}  # samples for each item
BREATH = 0.01  # standard deviation of the noise in a voice
LOUDEST = 0.9  # largest magnitude of a recording


@dataclass(frozen=True, eq=False)
class Sounds(Part):
    """Samples x (N, T) float32 in [-1, 1], 0 behind the `lengths` (N,); classes y (N,) int64."""

    lengths: Tensor
    y: Tensor


@dataclass(frozen=True, eq=False)
class SoundSplits(Splits[Sounds]):
    """The three splits, the names of the classes, and the sample rate in Hz."""

    classes: tuple[str, ...]
    sample_rate: int


def load(name: str | Path = "vowels", *, sample_rate: int = SAMPLE_RATE) -> SoundSplits:
    """The data set called `name`, the same at each call.

    Args:
        name: as above; in a folder of your own WAV files the folder of each file is its class.
        sample_rate: to which your own sounds are converted, in Hz.

    Returns:
        Three splits; recordings are scaled to a largest magnitude of 0.9.

    Taught in: applications/speech
    """
    if name not in ROOM:
        if not Path(name).is_dir():
            expected = f"be one of {', '.join(ROOM)}, or a folder of WAV files"
            raise argument_error("name", expected, repr(str(name)))
        return _own(Path(name), sample_rate)
    name = str(name)
    if name == "spoken_digits":
        url, sha256, digest = spoken_digits.URL, spoken_digits.CONTENT, spoken_digits.content_digest
        path = fetch(spoken_digits.FILE, url=url, sha256=sha256, digest=digest)
        items = spoken_digits.read_spoken_digits(path)
        items = {split: ([_scaled(x) for x in waves], y) for split, (waves, y) in items.items()}
        classes = tuple("0123456789")
    else:
        rng = np.random.default_rng(1983)
        make, classes = (_voice, tuple(FORMANTS)) if name == "vowels" else (_string, tuple(NOTES))
        items = {}
        for split, size in SIZES[name].items():
            y = [i % len(classes) for i in range(size)]
            items[split] = [make(classes[label], rng) for label in y], y
    parts = {split: pack(waves, y, room=ROOM[name]) for split, (waves, y) in items.items()}
    return SoundSplits(**parts, classes=classes, sample_rate=SAMPLE_RATE, name=name)


def _own(folder: Path, sample_rate: int) -> SoundSplits:
    """A folder's WAV files: of each class a tenth, at least one, for validation and for test."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".wav":
            files.setdefault(path.parent.name, []).append(path)
    counts = {name: len(paths) for name, paths in files.items()}
    if min(counts.values(), default=0) < 3:
        raise argument_error(str(folder), "hold at least 3 WAV files of each class", counts)
    items: dict[str, Items] = {split: ([], []) for split in ("train", "validation", "test")}
    classes, order = sorted(files), seeded(1983)
    for y, name in enumerate(classes):
        tenth = max(1, counts[name] // 10)
        for place, i in enumerate(torch.randperm(counts[name], generator=order).tolist()):
            split = "validation" if place < tenth else "test" if place < 2 * tenth else "train"
            path = files[name][i]
            wave = check_waveform(str(path), read_wav(path, sample_rate=sample_rate))
            items[split][0].append(_scaled(wave))
            items[split][1].append(y)
    room = max(len(wave) for waves, _ in items.values() for wave in waves)
    parts = {split: pack(waves, y, room) for split, (waves, y) in items.items()}
    return SoundSplits(**parts, classes=tuple(classes), sample_rate=sample_rate, name=folder.name)


def _scaled(x: Tensor) -> Tensor:
    return LOUDEST * x / x.abs().max()


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


def pack(waves: Sequence[Tensor], y: Sequence[int], room: int | None = None) -> Sounds:
    """Sounds (T,) of classes `y` as one tensor, with zeros behind the ends, cut at `room`."""
    if not waves or len(y) != len(waves):
        got = f"{len(waves)} and {len(y)}"
        raise argument_error("waves and y", "hold at least one sound and a class for each", got)
    cut = [check_waveform(f"waves[{i}]", wave)[:room] for i, wave in enumerate(waves)]
    x = pad_sequence([wave.float() for wave in cut], batch_first=True)
    x = F.pad(x, (0, (room or x.shape[1]) - x.shape[1]))
    return Sounds(x, torch.tensor([len(wave) for wave in cut]), torch.tensor(list(y)))
