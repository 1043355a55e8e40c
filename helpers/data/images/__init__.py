"""Images: data sets, and what is done to pixels."""

from helpers.data.images.augmentation import horizontal_flip, rotate, shift, turn
from helpers.data.images.datasets import ImageSplits, Split, binarise, load
from helpers.data.images.dequantisation import dequantise
