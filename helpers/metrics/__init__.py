"""How good is a model, as numbers with their standard errors."""

from helpers.metrics.estimates import Estimate, mean_and_standard_error
from helpers.metrics.frechet import frechet_distance
from helpers.metrics.likelihood import bits_per_dimension
from helpers.metrics.mmd import mmd
from helpers.metrics.modes import (
    ModeCoverage,
    high_quality_ceiling,
    mode_coverage,
    reverse_kl,
    reverse_kl_floor,
)
from helpers.metrics.neighbours import nearest_neighbours
from helpers.metrics.precision_recall import PrecisionRecall, precision_recall
from helpers.metrics.sharpness import sharpness
from helpers.metrics.text import distinct, longest_copy, repeated, shares

__all__ = [
    "Estimate",
    "ModeCoverage",
    "PrecisionRecall",
    "bits_per_dimension",
    "distinct",
    "frechet_distance",
    "high_quality_ceiling",
    "longest_copy",
    "mean_and_standard_error",
    "mmd",
    "mode_coverage",
    "nearest_neighbours",
    "precision_recall",
    "repeated",
    "reverse_kl",
    "reverse_kl_floor",
    "shares",
    "sharpness",
]
