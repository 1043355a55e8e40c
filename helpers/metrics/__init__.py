"""How good is a model, as numbers with their standard errors."""

from helpers.metrics.estimates import Estimate as Estimate
from helpers.metrics.estimates import mean_and_standard_error as mean_and_standard_error
from helpers.metrics.frechet import frechet_distance as frechet_distance
from helpers.metrics.likelihood import bits_per_dimension as bits_per_dimension
from helpers.metrics.mmd import mmd as mmd
from helpers.metrics.modes import (
    ModeCoverage as ModeCoverage,
)
from helpers.metrics.modes import (
    high_quality_ceiling as high_quality_ceiling,
)
from helpers.metrics.modes import (
    mode_coverage as mode_coverage,
)
from helpers.metrics.modes import (
    reverse_kl as reverse_kl,
)
from helpers.metrics.modes import (
    reverse_kl_floor as reverse_kl_floor,
)
from helpers.metrics.neighbours import nearest_neighbours as nearest_neighbours
from helpers.metrics.precision_recall import PrecisionRecall as PrecisionRecall
from helpers.metrics.precision_recall import precision_recall as precision_recall
from helpers.metrics.sharpness import sharpness as sharpness
from helpers.metrics.text import distinct as distinct
from helpers.metrics.text import longest_copy as longest_copy
from helpers.metrics.text import repeated as repeated
from helpers.metrics.text import shares as shares
