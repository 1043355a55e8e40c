"""Images with fixed splits: small sets that ship with a library, larger ones, and your own.

- `digits`: 1,797 of 8×8, 17 grey levels, split 1,000 / 350 / 447 in the order of `load_digits`
  (Alpaydin and Kaynak, UCI repository, CC BY 4.0; scikit-learn carries a copy).
- `mnist`: 70,000 of 28×28, 256 grey levels, split 50,000 / 10,000 / 10,000 with the end of train
  for validation (LeCun, Cortes and Burges, CC BY-SA 3.0; downloaded once, 11 MB).
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

from helpers.checks import argument_error, check_data, check_option
from helpers.data.download import fetch
from helpers.data.images.pictures import read_pictures
from helpers.data.splits import SHARES, draw_parts

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
#: Of the bytes of the four arrays in turn: the archive's own bytes differ from copy to copy.
MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set.

    Attributes:
        x: images (N, C, H, W), float32 in [0, 1], equal to `levels / (num_levels - 1)`.
        y: classes (N,), int64.
        num_levels: how many levels a value can have.
    """

    x: Tensor
    y: Tensor
    num_levels: int

    def __post_init__(self) -> None:
        hint = "divide levels by num_levels - 1, and give grey images a channel"
        check_data("x", self.x, ("N", "C", "H", "W"), low=0, high=1, hint=hint)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.x)

    @cached_property
    def levels(self) -> Tensor:
        """The integers behind `x`, exactly: (N, C, H, W), int64 in 0 … num_levels − 1."""
        return (self.x * (self.num_levels - 1)).round().long()


@dataclass(frozen=True, eq=False)
class ImageSplits:
    """The three splits, the name of the set, its number of levels and the names of its classes."""

    train: Split
    validation: Split
    test: Split
    name: str
    num_levels: int
    classes: tuple[str, ...]


def load(
    name: str | Path,
    *,
    size: int = 28,
    colour: bool = False,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> ImageSplits:
    """The data set called `name` in its published order and splits, or your own pictures.

    Args:
        name: `"digits"` (ships with scikit-learn), `"mnist"` (kept in the folder that the
            environment variable `DGM_DATA` names, else in `~/.cache/deep-generative-models`), or
            the path of a folder of PNG and JPEG files; the sub-folder of a file is its class.
        size: sides of your own pictures in pixels: the largest square in the middle is resized.
        colour: three channels for your own pictures, else one of grey.
        shares: of your own pictures for training, validation and test.
        seed: draws which go where.

    Returns:
        Train, validation and test splits on the CPU, as fresh tensors at each call.

    Raises:
        DownloadError: the file is missing and could not be fetched, or is not the expected one.

    >>> data = load("digits")
    >>> len(data.train), len(data.validation), len(data.test), data.num_levels
    (1000, 350, 447, 17)
    >>> data.train.x.shape, data.train.levels[0, 0, 0].tolist()
    (torch.Size([1000, 1, 8, 8]), [0, 0, 5, 13, 9, 1, 0, 0])

    Taught in: background/what_is_a_generative_model, reference/your_own_data
    """
    if name == "digits":
        return _digits()
    if name == "mnist":
        return _mnist()
    if not Path(name).is_dir():
        check_option("name", str(name), ["digits", "mnist", "<a folder of pictures>"])
    levels, y, classes = read_pictures(Path(name), size, colour)
    parts = draw_parts(len(levels), shares, seed)
    return _splits(Path(name).name, levels, y, parts, num_levels=256, classes=classes)


def binarise(x: Tensor, *, rng: torch.Generator | None = None) -> Tensor:
    r"""Black-and-white images drawn with the grey value as the probability of white.

    $$ b \sim \mathrm{Bernoulli}(x) $$

    Called anew in each epoch this is "dynamic" binarisation, which also keeps a model from
    memorising one draw. Its likelihoods must not be compared with those of grey images.

    Args:
        x: grey values in [0, 1], any shape.
        rng: draws the pixels; it must live on the device of `x`.

    Returns:
        Zeros and ones with the shape, dtype and device of `x`.

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
    return _splits("digits", bunch.images[:, None], bunch.target, parts, num_levels=17)


def _mnist() -> ImageSplits:
    arrays = _read_arrays(fetch("mnist.npz", url=MNIST_URL, content_check=_check_mnist))
    levels = np.concatenate([arrays["x_train"], arrays["x_test"]])[:, None]
    y = np.concatenate([arrays["y_train"], arrays["y_test"]])
    parts = torch.split(torch.arange(70_000), [50_000, 10_000, 10_000])
    return _splits("mnist", levels, y, parts, num_levels=256)


def _read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    # Opened here, because np.load leaves a file open when it turns out to be no archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in MNIST_ARRAYS}


def _check_mnist(path: Path) -> None:
    digest = hashlib.sha256()
    for array in _read_arrays(path).values():
        digest.update(array.tobytes())
    if digest.hexdigest() != MNIST_SHA256:
        raise argument_error("the arrays' sha256", f"be {MNIST_SHA256}", digest.hexdigest())


def _splits(
    name: str,
    levels: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    parts: Sequence[Tensor],
    *,
    num_levels: int,
    classes: Sequence[str] = "0123456789",
) -> ImageSplits:
    x = torch.as_tensor(levels).to(torch.float32) / (num_levels - 1)  # (N, C, H, W)
    labels = torch.as_tensor(y, dtype=torch.int64)
    train, validation, test = (Split(x[rows], labels[rows], num_levels) for rows in parts)
    return ImageSplits(train, validation, test, name, num_levels, tuple(classes))
