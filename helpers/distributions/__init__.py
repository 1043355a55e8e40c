"""Distributions made from the raw outputs of a network.

What a model takes as its likelihood turns a raw output (B, …) into a distribution that has `mean`,
`log_prob(x)` of shape (B,), `sample(rng)` and `support`.
"""

from helpers.distributions.discrete import Bernoulli, Categorical
from helpers.distributions.gaussian import Gaussian, GaussianLikelihood, IsotropicGaussian
from helpers.distributions.logistic_levels import LogisticLevels
from helpers.distributions.logistic_mixture import LogisticMixture
from helpers.distributions.normal_mixture import NormalMixture
from helpers.distributions.standard import StandardNormal, StandardUniform
from helpers.distributions.stroke_mixture import StrokeMixture
from helpers.distributions.support import Support
