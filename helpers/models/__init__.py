"""One file for each family of generative models."""

from helpers.models.markov import MarkovChain
from helpers.models.rnn import RecurrentLanguageModel
from helpers.models.sequence_to_sequence import SequenceToSequence

__all__ = ["MarkovChain", "RecurrentLanguageModel", "SequenceToSequence"]
