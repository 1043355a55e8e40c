r"""Everything around a training step that is the same for all models.

The step itself is the lesson, and each chapter writes its own.
"""

from helpers.training.average import EMA
from helpers.training.checkpoint import load_checkpoint, save_checkpoint
from helpers.training.loop import Callback, History, Step, fit
from helpers.training.steps import gradient_step

__all__ = [
    "EMA",
    "Callback",
    "History",
    "Step",
    "fit",
    "gradient_step",
    "load_checkpoint",
    "save_checkpoint",
]
