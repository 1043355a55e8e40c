"""Games of two players: their fields, the ways to play them, and which of these converge."""

from helpers.games.fields import DiracGAN as DiracGAN
from helpers.games.fields import Field as Field
from helpers.games.fields import bilinear_game as bilinear_game
from helpers.games.fields import game_field as game_field
from helpers.games.spectrum import (
    BILINEAR_RADII as BILINEAR_RADII,
)
from helpers.games.spectrum import (
    bilinear_radius as bilinear_radius,
)
from helpers.games.spectrum import (
    dirac_eigenvalues as dirac_eigenvalues,
)
from helpers.games.spectrum import (
    spectral_radius as spectral_radius,
)
from helpers.games.spectrum import (
    step_matrix as step_matrix,
)
from helpers.games.ways_to_play import (
    Alternating as Alternating,
)
from helpers.games.ways_to_play import (
    Extragradient as Extragradient,
)
from helpers.games.ways_to_play import (
    Optimistic as Optimistic,
)
from helpers.games.ways_to_play import (
    Proximal as Proximal,
)
from helpers.games.ways_to_play import (
    Simultaneous as Simultaneous,
)
from helpers.games.ways_to_play import (
    WayToPlay as WayToPlay,
)
from helpers.games.ways_to_play import (
    play as play,
)
