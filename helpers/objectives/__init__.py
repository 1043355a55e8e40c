"""Objectives as pure functions, one value for each example."""

from helpers.objectives.adversarial import (
    KINDS as KINDS,
)
from helpers.objectives.adversarial import (
    Pair as Pair,
)
from helpers.objectives.adversarial import (
    discriminator_loss as discriminator_loss,
)
from helpers.objectives.adversarial import (
    generator_loss as generator_loss,
)
from helpers.objectives.adversarial import (
    optimal_logit as optimal_logit,
)
from helpers.objectives.discrete import (
    cross_entropy_categorical as cross_entropy_categorical,
)
from helpers.objectives.discrete import (
    entropy_categorical as entropy_categorical,
)
from helpers.objectives.discrete import (
    total_variation_categorical as total_variation_categorical,
)
from helpers.objectives.divergences import (
    effective_sample_size as effective_sample_size,
)
from helpers.objectives.divergences import (
    importance_weighted_bound as importance_weighted_bound,
)
from helpers.objectives.divergences import (
    js_categorical as js_categorical,
)
from helpers.objectives.divergences import (
    kl_categorical as kl_categorical,
)
from helpers.objectives.penalties import gradient_penalty as gradient_penalty
from helpers.objectives.penalties import r1_penalty as r1_penalty
from helpers.objectives.wasserstein import transport_plan as transport_plan
from helpers.objectives.wasserstein import wasserstein_line as wasserstein_line
