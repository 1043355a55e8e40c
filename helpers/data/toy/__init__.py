"""Densities in the plane that are known exactly: the oracles against which models are judged.

Each has `log_prob(x)`, `sample(n)`, `entropy()`, and `limits` for drawing. A model cannot beat the
entropy: its expected negative log-likelihood is the entropy plus KL(data ‖ model), so the gap to
the entropy is what is left to learn.
"""

from helpers.data.toy.mixtures import (
    EightGaussians,
    Grid,
    IsotropicMixture,
    Limits,
    Ring,
    TwoMoons,
)
from helpers.data.toy.shapes import Checkerboard, Spiral
from helpers.data.toy.standardised import Standardised
