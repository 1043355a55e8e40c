"""One file for each family of generative models."""

from helpers.models.handwriting import HandwritingPredictor
from helpers.models.handwriting_synthesis import HandwritingSynthesiser
from helpers.models.waveform import WaveformModel

__all__ = ["HandwritingPredictor", "HandwritingSynthesiser", "WaveformModel"]
