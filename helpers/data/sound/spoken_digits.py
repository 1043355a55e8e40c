"""The free spoken digit dataset: people who say the digits, recorded at 8 kHz."""

import hashlib
import zipfile
from pathlib import Path

from torch import Tensor

from helpers.data.sound.wav import decode_wav

Items = tuple[list[Tensor], list[int]]  # sounds, and the class of each

FILE = "free-spoken-digit-dataset.zip"
URL = (
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip"
)
#: Of the content: the archive is made on demand, and its own bytes differ from server to server.
CONTENT = "6b1a8e30f4df78a933fe25cf1ca0140c8c6f169c0a83649a15b70a5ae7407014"


def recordings(path: str | Path) -> dict[str, bytes]:
    """The files ``{digit}_{speaker}_{index}.wav`` of an archive, sorted by their names."""
    with zipfile.ZipFile(path) as archive:
        inside = {
            Path(name).name: name
            for name in archive.namelist()
            if name.endswith(".wav") and Path(name).parent.name == "recordings"
        }
        return {name: archive.read(inside[name]) for name in sorted(inside)}


def content_digest(path: Path) -> str:
    """The sha256 of the names and the bytes of the recordings."""
    parts = [name.encode() + b"\0" + content for name, content in recordings(path).items()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def read_spoken_digits(path: str | Path) -> dict[str, Items]:
    """The waveforms and digits of each split.

    The indices 0 to 4 of each speaker and digit are the official test set, 5 to 9 are ours for
    validation, the others are for training.
    """
    parts: dict[str, Items] = {split: ([], []) for split in ("train", "validation", "test")}
    for name, content in recordings(path).items():
        digit, _, index = name.removesuffix(".wav").split("_")
        place = int(index)
        split = "test" if place < 5 else "validation" if place < 10 else "train"
        parts[split][0].append(decode_wav(name, content))
        parts[split][1].append(int(digit))
    return parts
