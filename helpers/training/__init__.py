"""Everything around a training step that is the same for all models.

The step itself is the lesson, and each chapter writes its own.
"""

from helpers.training.average import EMA as EMA
from helpers.training.carried_state import CarriedState as CarriedState
from helpers.training.checkpoint import keep_checkpoint as keep_checkpoint
from helpers.training.checkpoint import load_checkpoint as load_checkpoint
from helpers.training.checkpoint import save_checkpoint as save_checkpoint
from helpers.training.early_stopping import EarlyStopping as EarlyStopping
from helpers.training.early_stopping import StopTraining as StopTraining
from helpers.training.loop import Callback as Callback
from helpers.training.loop import History as History
from helpers.training.loop import Step as Step
from helpers.training.loop import fit as fit
from helpers.training.players import Player as Player
from helpers.training.players import players_step as players_step
from helpers.training.steps import gradient_step as gradient_step
