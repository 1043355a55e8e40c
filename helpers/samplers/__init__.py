"""Algorithms that draw; each takes a callable, not a class of models."""

from helpers.samplers.decoding import ancestral as ancestral
from helpers.samplers.decoding import beam_search as beam_search
from helpers.samplers.decoding import nucleus as nucleus
from helpers.samplers.decoding import temperature as temperature
from helpers.samplers.decoding import top_k as top_k
