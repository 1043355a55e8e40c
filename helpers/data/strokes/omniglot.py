"""Omniglot's pen strokes: characters of many alphabets, drawn online by twenty people each."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpers.checks import argument_error
from helpers.data.strokes.writers import resample, to_offsets

Array = NDArray[np.float64]
Drawings = tuple[list[Array], list[str]]

FILE = "strokes_background_small1.zip"
URL = (
    "https://raw.githubusercontent.com/brendenlake/omniglot/"
    "057f034baf2ecb8530bc5710e5a23584d2a519cc/python/strokes_background_small1.zip"
)
SHA256 = "8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2"
CANVAS = 105.0  # pixels a side
STEP = 0.05  # sides of the canvas between two points


def read_omniglot(path: str | Path) -> dict[str, Drawings]:
    """The pen strokes in an archive of Omniglot's layout, points at equal distances.

    A file ``folder/alphabet/character/item_drawer.txt`` holds lines ``x,y,time`` in pixels (y is
    negative below the top), between ``START`` and ``BREAK`` after each stroke. The drawers 01 to
    16 are for training, 17 and 18 for validation, 19 and 20 for the test.

    Each split has sequences (T, 3), offsets in sides of the canvas and lifts, and their names.
    """
    parts: dict[str, Drawings] = {split: ([], []) for split in ("train", "validation", "test")}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".txt") or "__MACOSX" in name:
                continue
            *_, alphabet, character, file = name.split("/")
            drawer = int(file.removesuffix(".txt").rpartition("_")[2])
            split = "train" if drawer <= 16 else "validation" if drawer <= 18 else "test"
            strokes = _read_drawing(name, archive.read(name).decode())
            parts[split][0].append(to_offsets([resample(s, STEP) for s in strokes]))
            parts[split][1].append(f"{alphabet}/{character}")
    return parts


def _read_drawing(name: str, content: str) -> list[Array]:
    strokes: list[list[list[float]]] = [[]]
    for line in content.split():
        if line == "BREAK":
            strokes.append([])
        elif line != "START":
            try:
                x, y, _ = (float(number) for number in line.split(","))
            except ValueError as error:
                hint = "lines are START, x,y,time or BREAK"
                raise argument_error(name, "hold pen strokes", repr(line), hint) from error
            strokes[-1].append([x / CANVAS, 1 + y / CANVAS])
    drawn = [np.array(stroke) for stroke in strokes if stroke]
    if not drawn:
        raise argument_error(name, "hold pen strokes", "none")
    return drawn
