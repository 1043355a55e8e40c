"""Sounds as signals: short-time spectra and the way back, mel filters, the μ-law."""

from helpers.signal.mel import mel_filters
from helpers.signal.mu_law import mu_law_decode, mu_law_edges, mu_law_encode
from helpers.signal.stft import check_waveform, griffin_lim, istft, spectral_error, stft
