"""Deliberate mistakes: small patches of the code, each of which a test must notice.

Every ``*.toml`` file of this folder lists patches; a new family of models adds its own file::

    [[module]]
    target = "helpers/models/vae.py"         # the file that is broken
    tests = ["tests/models/test_vae.py"]     # what is run, the likeliest to notice first

    [[module.mutant]]
    name = "the KL loses its weight"
    old = "reconstruction + self.beta * kl"  # occurs exactly once in the target
    new = "reconstruction + kl"
"""
