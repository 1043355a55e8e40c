"""Reading WAV files: any number of channels, 8 to 32 bits, any sample rate."""

import io
import math
import wave
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from helpers.checks import argument_error


def read_wav(path: str | Path, *, sample_rate: int = 8000) -> Tensor:
    """The samples (T,) of a WAV file, float32 in [-1, 1], at the sample rate asked for, in Hz.

    Channels are averaged.

    Taught in: applications/speech
    """
    return decode_wav(str(path), Path(path).read_bytes(), sample_rate=sample_rate)


def decode_wav(name: str, content: bytes, *, sample_rate: int = 8000) -> Tensor:
    """As `read_wav`, from the bytes of a file; `name` is what an error calls it."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, frames, *_ = file.getparams()
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        got = str(error) or "an early end"
        raise argument_error(name, "be a WAV file of PCM samples", got) from error
    if not frames or len(data) < frames * channels * width:
        got = len(data) // (channels * width)
        raise argument_error(name, f"hold the {max(frames, 1)} samples that it announces", got)
    wide = np.zeros((frames, channels, 4), np.uint8)
    wide[..., 4 - width :] = np.frombuffer(data, np.uint8).reshape(frames, channels, width)
    if width == 1:
        wide ^= np.array([0, 0, 0, 0x80], np.uint8)  # 8 bits are stored without a sign
    samples = wide.view("<i4")[..., 0].mean(1) / 2**31  # (frames,)
    if rate != sample_rate:
        shared = math.gcd(rate, sample_rate)
        samples = resample_poly(samples, sample_rate // shared, rate // shared).clip(-1, 1)
    return torch.from_numpy(samples.astype(np.float32))
