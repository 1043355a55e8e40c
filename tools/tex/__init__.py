r"""The TeX of a displayed equation as a function of its symbols.

A display is split into statements (at line breaks, wide spaces and commas outside brackets), a
statement into sides (at ``=``, ``\le``, ``\to`` …), and a side is a small syntax tree that is
evaluated on numbers, arrays, tensors and functions::

    (kl,) = read(r"K = -\tfrac12 \sum_{j=1}^L (1 + \log \sigma_j^2 - \mu_j^2 - \sigma_j^2)")
    kl.side(-1)({"L": 2, "mu": [1.0, 0.0], "sigma": [0.5, 2.0]})

What cannot be read (dots, words, sets) raises `TexError` when that side is asked for, and
leaves the other sides alone. The rules of names are in CONTRIBUTING.md, section Equations.
"""

from tools.tex.evaluate import value
from tools.tex.reader import Side, Statement, TexError, names, read

__all__ = ["Side", "Statement", "TexError", "names", "read", "value"]
