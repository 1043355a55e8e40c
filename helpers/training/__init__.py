"""Everything around a training step that is the same for all models.

The step itself is the lesson, and each chapter writes its own.
"""

from helpers.training.average import EMA
from helpers.training.carried_state import CarriedState
from helpers.training.checkpoint import keep_checkpoint, load_checkpoint, save_checkpoint
from helpers.training.early_stopping import EarlyStopping, StopTraining
from helpers.training.loop import Callback, History, Step, fit
from helpers.training.players import Player, players_step
from helpers.training.steps import gradient_step
