"""Handwriting as sequences of a pen."""

from helpers.data.strokes.datasets import Buckets, Strokes, StrokeSplits, encode, load, pack
