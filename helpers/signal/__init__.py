"""Sounds as signals: spectrogram and way back, mel filters, the μ-law."""

from helpers.signal.mu_law import mu_law_decode, mu_law_encode, mu_law_expand
from helpers.signal.spectrogram import griffin_lim, istft, mel_filters, spectral_error, stft
from helpers.signal.waveform import check_waveform

__all__ = [
    "check_waveform",
    "griffin_lim",
    "istft",
    "mel_filters",
    "mu_law_decode",
    "mu_law_encode",
    "mu_law_expand",
    "spectral_error",
    "stft",
]
