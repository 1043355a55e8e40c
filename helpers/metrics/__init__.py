"""How good is a model, as numbers with their standard errors."""

from helpers.metrics.copies import Copies, copies
from helpers.metrics.disentanglement import (
    dci,
    disentanglement_and_completeness,
    mutual_information_gap,
)
from helpers.metrics.distances import nearest_neighbours
from helpers.metrics.estimates import Estimate, log_mean_exp, mean_and_standard_error
from helpers.metrics.frechet import frechet_distance
from helpers.metrics.likelihood import bits_per_dimension
from helpers.metrics.mmd import mmd
from helpers.metrics.modes import high_quality_ceiling, mode_coverage, reverse_kl, reverse_kl_floor
from helpers.metrics.precision_recall import precision_recall
from helpers.metrics.sharpness import sharpness
from helpers.metrics.text import bleu, distinct, longest_copy, repeated, shares
