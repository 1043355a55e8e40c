"""Objectives as pure functions, one value for each example."""
