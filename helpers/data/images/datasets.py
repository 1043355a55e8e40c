"""Images with fixed splits: small sets that need no download, larger ones, and your own.

- `digits`: 1,797 of 8×8, 17 grey levels, split 1,000 / 350 / 447 in the order of `load_digits`
  (Alpaydin and Kaynak, UCI repository, CC BY 4.0; scikit-learn carries a copy).
- `mnist`: 70,000 of 28×28, 256 grey levels, split 50,000 / 10,000 / 10,000 with the end of train
  for validation (LeCun, Cortes and Burges, CC BY-SA 3.0; downloaded once, 11 MB).
- `glyphs`: 14,000 of 28×28, 256 grey levels, 36 digits and capital letters drawn from fonts, split
  10,000 / 2,000 / 2,000 by families of fonts, with the factors of each picture; see `glyphs`.
- a folder's path: your own PNG and JPEG files, 256 levels, split by shares.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from helpers.checks import check_data, check_option
from helpers.data.download import fetch
from helpers.data.images.glyphs import CHARACTERS, FACTORS, SIZES, draw_glyphs
from helpers.data.images.pictures import read_pictures
from helpers.data.splits import SHARES, Part, Splits, draw_parts

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
#: Of the bytes of the four arrays in turn: the archive's own bytes differ from copy to copy.
MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Split(Part):
    """Images x (N, C, H, W), float32 `levels / (num_levels - 1)`, and classes y (N,), int64.

    The factors are (N, K), float32, where they are known: the columns are named in `ImageSplits`.
    """

    y: Tensor
    num_levels: int
    factors: Tensor | None = None

    def __post_init__(self) -> None:
        hint = "divide levels by num_levels - 1, and give grey images a channel"
        check_data("x", self.x, ("N", "C", "H", "W"), low=0, high=1, hint=hint)

    @cached_property
    def levels(self) -> Tensor:
        """The integers behind `x`, exactly: (N, C, H, W), int64 in 0 … num_levels − 1."""
        return (self.x * (self.num_levels - 1)).round().long()


@dataclass(frozen=True, eq=False)
class ImageSplits(Splits[Split]):
    """The three splits, the number of levels, the names of the classes and of known factors."""

    num_levels: int
    classes: tuple[str, ...]
    factors: tuple[str, ...] = ()


def load(
    name: str | Path,
    *,
    size: int = 28,
    colour: bool = False,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> ImageSplits:
    """Fresh tensors of the data set called `name`, in its published splits, or your own pictures.

    Args:
        name: `"digits"`, `"glyphs"`, `"mnist"`, or the path of a folder of PNG and JPEG files; the
            sub-folder of a file is its class.
        size: sides of your own pictures in pixels: the largest square in the middle is resized.
        colour: three channels for your own pictures, else one of grey.
        shares: of your own pictures for training, validation and test.
        seed: draws which go where.

    >>> data = load("digits")
    >>> len(data.train), len(data.validation), len(data.test), data.num_levels
    (1000, 350, 447, 17)
    >>> load("glyphs").factors
    ('character', 'face', 'weight', 'slant', 'width', 'size', 'right', 'down')

    Taught in: background/what_is_a_generative_model, reference/your_own_data
    """
    if name == "digits":
        return _digits()
    if name == "glyphs":
        return _glyphs()
    if name == "mnist":
        return _mnist()
    if not Path(name).is_dir():
        check_option("name", str(name), ["digits", "glyphs", "mnist", "<a folder of pictures>"])
    levels, y, classes = read_pictures(Path(name), size, colour)
    parts = draw_parts(len(levels), shares, seed)
    return _splits(Path(name).name, levels, y, parts, 256, classes)


def binarise(x: Tensor, *, rng: torch.Generator | None = None) -> Tensor:
    r"""Black-and-white images drawn with the grey value as the probability of white.

    $$ b \sim \mathrm{Bernoulli}(x) $$

    Called anew in each epoch this is "dynamic" binarisation, which also keeps a model from
    memorising one draw. Its likelihoods must not be compared with those of grey images.

    >>> binarise(torch.tensor([0.0, 1.0, 1.0]))
    tensor([0., 1., 1.])

    Taught in: models/vae
    """
    x = check_data("x", x, (...,), low=0, high=1, hint="use the x of a split, not its levels")
    return torch.bernoulli(x, generator=rng)


def _digits() -> ImageSplits:
    from sklearn.datasets import load_digits  # a slow import, needed by this data set alone

    bunch = load_digits()
    parts = torch.split(torch.arange(1797), [1000, 350, 447])
    return _splits("digits", bunch.images[:, None], bunch.target, parts, 17)


def _glyphs() -> ImageSplits:
    levels, factors = draw_glyphs()
    parts = torch.split(torch.arange(sum(SIZES)), list(SIZES))
    return _splits("glyphs", levels, factors[:, 0].numpy(), parts, 256, CHARACTERS, factors)


def _mnist() -> ImageSplits:
    path = fetch("mnist.npz", url=MNIST_URL, sha256=MNIST_SHA256, digest=_digest)
    x_train, y_train, x_test, y_test = _read_arrays(path)
    levels = np.concatenate([x_train, x_test])[:, None]
    parts = torch.split(torch.arange(70_000), [50_000, 10_000, 10_000])
    return _splits("mnist", levels, np.concatenate([y_train, y_test]), parts, 256)


def _read_arrays(path: Path) -> list[Array]:
    # Opened here, because np.load leaves a file open when it turns out to be no archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return [arrays[key] for key in MNIST_ARRAYS]


def _digest(path: Path) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in _read_arrays(path))).hexdigest()


def _splits(
    name: str,
    levels: Array,
    y: Array,
    parts: Sequence[Tensor],
    num_levels: int,
    classes: Sequence[str] = "0123456789",
    factors: Tensor | None = None,
) -> ImageSplits:
    x = torch.as_tensor(levels).float() / (num_levels - 1)  # (N, C, H, W)
    labels = torch.as_tensor(y).long()
    train, validation, test = (
        Split(x[rows], labels[rows], num_levels, None if factors is None else factors[rows])
        for rows in parts
    )
    names = () if factors is None else FACTORS
    return ImageSplits(train, validation, test, name, num_levels, tuple(classes), names)
