"""Games of two players: their fields, the ways to play them, and which of these converge."""

from helpers.games.fields import DiracGAN, Field, bilinear_game, game_field
from helpers.games.spectrum import bilinear_radius, dirac_eigenvalues, spectral_radius, step_matrix
from helpers.games.ways_to_play import (
    Alternating,
    Extragradient,
    Optimistic,
    Proximal,
    Simultaneous,
    WayToPlay,
    play,
)
