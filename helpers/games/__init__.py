"""Games of two players: their fields, the ways to play them, and which of these converge."""

from helpers.games.fields import DiracGAN, Field, bilinear_game, game_field
from helpers.games.lookahead import Extragradient, Optimistic, Proximal
from helpers.games.play import Alternating, GameRule, Simultaneous, play
from helpers.games.spectrum import bilinear_radius, dirac_eigenvalues, spectral_radius, step_matrix

__all__ = [
    "Alternating",
    "DiracGAN",
    "Extragradient",
    "Field",
    "GameRule",
    "Optimistic",
    "Proximal",
    "Simultaneous",
    "bilinear_game",
    "bilinear_radius",
    "dirac_eigenvalues",
    "game_field",
    "play",
    "spectral_radius",
    "step_matrix",
]
