"""Algorithms that draw; each takes a callable, not a class of models."""

from helpers.samplers.decoding import ancestral, beam_search, nucleus, temperature, top_k
