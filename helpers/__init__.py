"""The tested package behind the executable book on deep generative models.

Nothing is re-exported here: import from the module that is named after the concept, for example
``from helpers.models.vae import VAE``.
"""

__version__ = "0.1.0"

#: Identity of the book. The set-up cell of each chapter reads it to tell this package from any
#: other package that happens to be called ``helpers``.
__book__ = "deep-generative-models"
