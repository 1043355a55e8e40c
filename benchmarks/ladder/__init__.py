"""Recipes of the ladder: one file for each family, one call `run(seed)` for each model."""
