"""Recipes of the ladder: one file for each family, the digits in nats per image."""
