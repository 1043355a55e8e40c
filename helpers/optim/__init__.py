"""Optimisers as readable steps, step-size schedules, and the exact theory of the quadratic."""

from helpers.optim.noise import minibatch_variance as minibatch_variance
from helpers.optim.noise import noise_floor as noise_floor
from helpers.optim.path import finite_path as finite_path
from helpers.optim.path import gradient_of as gradient_of
from helpers.optim.path import trajectory as trajectory
from helpers.optim.quadratic import momentum_matrix as momentum_matrix
from helpers.optim.quadratic import momentum_radius as momentum_radius
from helpers.optim.quadratic import tuned as tuned
from helpers.optim.rules import SGD as SGD
from helpers.optim.rules import Adagrad as Adagrad
from helpers.optim.rules import Adam as Adam
from helpers.optim.rules import AdamW as AdamW
from helpers.optim.rules import Moments as Moments
from helpers.optim.rules import RMSprop as RMSprop
from helpers.optim.rules import Rule as Rule
from helpers.optim.schedules import (
    Schedule as Schedule,
)
from helpers.optim.schedules import (
    constant as constant,
)
from helpers.optim.schedules import (
    cosine as cosine,
)
from helpers.optim.schedules import (
    inverse_time as inverse_time,
)
from helpers.optim.schedules import (
    one_cycle as one_cycle,
)
from helpers.optim.schedules import (
    steps_down as steps_down,
)
from helpers.optim.schedules import (
    warm_up as warm_up,
)
