"""Data sets, their download and their batches."""
