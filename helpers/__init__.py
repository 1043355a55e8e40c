"""The tested package behind the executable book on deep generative models.

Each folder re-exports its public names: ``from helpers.models import VAE``. Everything that draws
takes ``rng``, a `torch.Generator`, and leaves the global state alone when it gets one. A mistake of
the caller raises `TypeError` where an argument is of the wrong kind, and `ValueError` where its
shape or value is wrong; the message names the argument, what was expected, and what came.
"""

__version__ = "0.2.0"

#: Identity of the book. The set-up cell of each chapter reads it to tell this package from any
#: other package that happens to be called ``helpers``.
__book__ = "deep-generative-models"
