r"""Image data sets with fixed splits: small ones that ship with a library, larger ones to download.

==========  ==================  =====================  ===========================================
name        images              splits                 source and licence
==========  ==================  =====================  ===========================================
``digits``  1,797 of 8×8, 17    1,000 / 350 / 447,     Alpaydin and Kaynak, Optical Recognition of
            grey levels         in ``load_digits``     Handwritten Digits, UCI repository, CC BY
                                order                  4.0; scikit-learn carries a copy
``mnist``   70,000 of 28×28,    50,000 / 10,000 /      LeCun, Cortes and Burges, CC BY-SA 3.0;
            256 grey levels     10,000; validation is  downloaded once (11 MB)
                                the end of train
==========  ==================  =====================  ===========================================
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error, check_floating, check_option, check_range
from helpers.data.download import fetch

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
#: Of the bytes of the four arrays in turn: the archive's own bytes differ from copy to copy.
MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Split:
    r"""One part of a data set.

    Attributes:
        x: images (N, 1, H, W), float32 in [0, 1], equal to ``levels / (num_levels - 1)``.
        y: classes (N,), int64.
        num_levels: how many grey levels a pixel can have.
    """

    x: Tensor
    y: Tensor
    num_levels: int

    def __len__(self) -> int:
        """The number of images."""
        return len(self.x)

    @cached_property
    def levels(self) -> Tensor:
        r"""The integers behind `x`, exactly: (N, 1, H, W), int64 in 0 … num_levels − 1."""
        return (self.x * (self.num_levels - 1)).round().long()


@dataclass(frozen=True, eq=False)
class ImageSplits:
    """The three splits of a data set, its name, and the number of grey levels of its pixels."""

    train: Split
    validation: Split
    test: Split
    name: str
    num_levels: int


def load(name: str, *, folder: str | Path | None = None, download: bool = True) -> ImageSplits:
    r"""The data set called `name`, in its published order and splits.

    Args:
        name: ``"digits"`` (ships with scikit-learn) or ``"mnist"``.
        folder: where downloaded files are kept; by default ``DGM_DATA``, else
            ``~/.cache/deep-generative-models``. ``"digits"`` needs none.
        download: False forbids the network, so that a missing file is an error.

    Returns:
        Train, validation and test splits on the CPU, as fresh tensors at each call.

    Raises:
        ValueError: the name is unknown.
        DownloadError: the file is missing and could not be fetched, or is not the expected one.

    >>> data = load("digits")
    >>> len(data.train), len(data.validation), len(data.test), data.num_levels
    (1000, 350, 447, 17)
    >>> data.train.x.shape, data.train.levels[0, 0, 0].tolist()
    (torch.Size([1000, 1, 8, 8]), [0, 0, 5, 13, 9, 1, 0, 0])

    Taught in: what_is_a_generative_model.
    """
    check_option("name", name, ["digits", "mnist"])
    if name == "digits":
        return _digits()
    return _mnist(folder, download)


def binarise(x: Tensor, *, rng: torch.Generator | None = None) -> Tensor:
    r"""Black-and-white images drawn with the grey value as the probability of white.

    $$ b \sim \mathrm{Bernoulli}(x) $$

    Called anew in each epoch this is "dynamic" binarisation, which also keeps a model from
    memorising one draw. Its likelihoods must not be compared with those of grey images.

    Args:
        x: grey values in [0, 1], any shape, floating point.
        rng: draws the pixels; it must live on the device of `x`.

    Returns:
        Zeros and ones with the shape, dtype and device of `x`.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: `x` leaves [0, 1].

    >>> binarise(torch.tensor([0.0, 1.0, 1.0]))
    tensor([0., 1., 1.])

    Taught in: vae.
    """
    check_floating("x", x)
    check_range("x", x, 0, 1, hint="use the x of a split, not its levels")
    return torch.bernoulli(x, generator=rng)


def _digits() -> ImageSplits:
    from sklearn.datasets import load_digits  # a slow import, needed by this data set alone

    bunch = load_digits()
    sizes = {"train": 1000, "validation": 350, "test": 447}
    return _splits("digits", bunch.images, bunch.target, sizes, num_levels=17)


def _mnist(folder: str | Path | None, download: bool) -> ImageSplits:
    path = fetch(
        "mnist.npz",
        url=MNIST_URL,
        content_check=_check_mnist,
        folder=folder,
        download=download,
    )
    arrays = _read_arrays(path)
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    sizes = {"train": 50_000, "validation": 10_000, "test": 10_000}
    return _splits("mnist", images, labels, sizes, num_levels=256)


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
    images: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    sizes: dict[str, int],
    *,
    num_levels: int,
) -> ImageSplits:
    """Validate the arrays once, for whatever a library or a file handed over, then cut them."""
    total = sum(sizes.values())
    if images.ndim != 3 or images.shape[0] != total or labels.shape != (total,):
        got = f"{images.shape} and {labels.shape}"
        raise argument_error(name, f"have {total} images (N, H, W) and labels (N,)", got)
    levels = torch.as_tensor(np.asarray(images))
    if not bool((levels == levels.round()).all()):
        raise argument_error(name, "have integer grey levels", "fractions")
    check_range(name, levels, 0, num_levels - 1)
    x = (levels.to(torch.float32) / (num_levels - 1)).unsqueeze(1)  # (N, 1, H, W)
    y = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    check_range(f"the labels of {name}", y, 0, 9)
    counts = list(sizes.values())
    parts = {
        part: Split(x_part.clone(), y_part.clone(), num_levels)
        for part, x_part, y_part in zip(sizes, torch.split(x, counts), torch.split(y, counts))
    }
    return ImageSplits(**parts, name=name, num_levels=num_levels)
