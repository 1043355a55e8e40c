"""Sounds as signals: short-time spectra and the way back, mel filters, the μ-law."""

from helpers.signal.griffin_lim import griffin_lim as griffin_lim
from helpers.signal.griffin_lim import spectral_error as spectral_error
from helpers.signal.mel import mel_filters as mel_filters
from helpers.signal.mu_law import mu_law_decode as mu_law_decode
from helpers.signal.mu_law import mu_law_edges as mu_law_edges
from helpers.signal.mu_law import mu_law_encode as mu_law_encode
from helpers.signal.stft import istft as istft
from helpers.signal.stft import stft as stft
from helpers.signal.waveform import check_waveform as check_waveform
