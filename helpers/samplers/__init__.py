r"""Algorithms that draw; each takes a callable, not a class of models."""
