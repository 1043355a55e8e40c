"""Optimisers as readable steps, step-size schedules, and the exact theory of the quadratic."""

from helpers.optim.noise import minibatch_variance, noise_floor
from helpers.optim.path import gradient_of, trajectory
from helpers.optim.quadratic import momentum_matrix, momentum_radius, tuned
from helpers.optim.rules import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    LargestMoments,
    Moments,
    RMSprop,
    Rule,
)
from helpers.optim.schedules import constant, cosine, inverse_time, one_cycle, steps_down, warm_up
