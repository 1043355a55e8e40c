"""Images: data sets, and what is done to pixels."""

from helpers.data.images.augmentation import horizontal_flip as horizontal_flip
from helpers.data.images.augmentation import rotate as rotate
from helpers.data.images.augmentation import shift as shift
from helpers.data.images.augmentation import turn as turn
from helpers.data.images.datasets import ImageSplits as ImageSplits
from helpers.data.images.datasets import Split as Split
from helpers.data.images.datasets import binarise as binarise
from helpers.data.images.datasets import load as load
from helpers.data.images.dequantisation import dequantise as dequantise
