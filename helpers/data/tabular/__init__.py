"""Tables of numbers."""

from helpers.data.tabular.datasets import Rows as Rows
from helpers.data.tabular.datasets import TableSplits as TableSplits
from helpers.data.tabular.datasets import load as load
