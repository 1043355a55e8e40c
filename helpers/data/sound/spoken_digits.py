r"""The free spoken digit dataset: people who say the digits, recorded at 8 kHz."""

from __future__ import annotations

import hashlib
import io
import wave
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error

FILE = "free-spoken-digit-dataset.zip"
URL = (
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip"
)
#: Of the content: the archive is made on demand, and its own bytes differ from server to server.
CONTENT = "6b1a8e30f4df78a933fe25cf1ca0140c8c6f169c0a83649a15b70a5ae7407014"
SAMPLE_RATE = 8000  # Hz


def recordings(path: str | Path) -> dict[str, bytes]:
    r"""The files ``{digit}_{speaker}_{index}.wav`` of an archive, sorted by their names."""
    with zipfile.ZipFile(path) as archive:
        inside = {
            Path(name).name: name
            for name in archive.namelist()
            if name.endswith(".wav") and Path(name).parent.name == "recordings"
        }
        return {name: archive.read(inside[name]) for name in sorted(inside)}


def content_sha256(path: str | Path) -> str:
    r"""Of the sorted names, each followed by a zero byte and by the bytes of its file."""
    found = hashlib.sha256()
    for name, content in recordings(path).items():
        found.update(name.encode() + b"\0" + content)
    return found.hexdigest()


def check_content(path: Path) -> None:
    r"""Raise unless the archive holds the recordings of the pinned version."""
    got = content_sha256(path)
    if got != CONTENT:
        raise argument_error("recordings", f"have the sha256 {CONTENT}", got)


def read_wav(name: str, content: bytes, *, sample_rate: int = SAMPLE_RATE) -> Tensor:
    r"""The samples of a WAV file of one channel and 16 bits, in [-1, 1).

    Raises:
        ValueError: stereo, another sample width or rate, no samples, or no WAV file at all.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, frames, *_ = file.getparams()
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        raise argument_error(name, "be a WAV file of PCM samples", str(error)) from error
    if channels != 1:
        hint = "stereo: take the mean over the channels"
        raise argument_error(name, "have one channel", channels, hint)
    if width != 2:
        raise argument_error(name, "have samples of 16 bits", f"{8 * width} bits")
    if rate != sample_rate:
        raise argument_error(name, f"have a sample rate of {sample_rate} Hz", f"{rate} Hz")
    if not data:
        raise argument_error(name, "hold a sound", "no samples")
    samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    return torch.from_numpy(samples)


def read_spoken_digits(path: str | Path) -> dict[str, tuple[list[Tensor], list[int]]]:
    r"""The waveforms and digits of each split.

    The indices 0 to 4 of each speaker and digit are the official test set, 5 to 9 are ours for
    validation, the others are for training.
    """
    parts: dict[str, tuple[list[Tensor], list[int]]] = {
        split: ([], []) for split in ("train", "validation", "test")
    }
    for name, content in recordings(path).items():
        digit, _, index = name.removesuffix(".wav").split("_")
        place = int(index)
        split = "test" if place < 5 else "validation" if place < 10 else "train"
        parts[split][0].append(read_wav(name, content))
        parts[split][1].append(int(digit))
    return parts
