"""Tables of numbers."""

from helpers.data.tabular.datasets import Rows, TableSplits, load
