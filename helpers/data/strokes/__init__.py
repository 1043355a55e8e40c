"""Handwriting as sequences of a pen."""

from helpers.data.strokes.datasets import Buckets as Buckets
from helpers.data.strokes.datasets import Strokes as Strokes
from helpers.data.strokes.datasets import StrokeSplits as StrokeSplits
from helpers.data.strokes.datasets import encode as encode
from helpers.data.strokes.datasets import load as load
from helpers.data.strokes.datasets import pack as pack
