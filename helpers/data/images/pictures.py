"""A folder of pictures as an array."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from helpers.checks import argument_error, check_counts

ENDINGS = (".jpeg", ".jpg", ".png")
Array = np.ndarray[Any, Any]


def read_pictures(folder: Path, size: int, colour: bool) -> tuple[Array, Array, tuple[str, ...]]:
    """All PNG and JPEG files below a folder: levels (N, C, size, size), classes (N,), their names.

    The class of a file is the sub-folder in which it lies, `"."` for none. C is 3 or 1.
    """
    check_counts(size=size)
    files = sorted(folder.rglob("[!.]*"))
    paths = [path for path in files if path.suffix.lower() in ENDINGS]
    if not paths:
        raise argument_error(str(folder), f"hold pictures ({', '.join(ENDINGS)})", "none")
    names = [path.parent.relative_to(folder).as_posix() for path in paths]
    classes = sorted(set(names))
    levels = np.stack([_read(path, size, colour) for path in paths])
    return levels, np.array([classes.index(name) for name in names]), tuple(classes)


def _read(path: Path, size: int, colour: bool) -> Array:
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGBA")  # a phone's pictures upright
    except (OSError, ValueError) as error:
        raise argument_error(str(path), "be a PNG or JPEG file", error) from error
    white = Image.new("RGBA", picture.size, "white")  # behind what is transparent
    flat = Image.alpha_composite(white, picture).convert("RGB" if colour else "L")
    pixels = np.asarray(ImageOps.fit(flat, (size, size)))
    return pixels.transpose(2, 0, 1) if colour else pixels[None]  # (C, size, size)
