"""Algorithms that draw; each takes a callable, not a class of models."""

from helpers.samplers.annealed import annealed_log_weights
from helpers.samplers.decoding import ancestral, beam_search, nucleus, temperature, top_k
from helpers.samplers.langevin import langevin, metropolis_langevin
from helpers.samplers.ode import euler, heun, integrate, integrate_adaptively, runge_kutta_4
