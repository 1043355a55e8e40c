"""Sound in a page: players that carry their samples with them and need no network."""

import base64
import html
import io
import wave
from collections.abc import Mapping

import numpy as np
from scipy.io import wavfile
from torch import Tensor

from helpers.checks import argument_error, check_counts
from helpers.signal import check_waveform


def wav_bytes(x: Tensor, *, sample_rate: int = 8000) -> bytes:
    """The samples (T,), in [-1, 1], as a WAV file of one channel, 16-bit PCM."""
    check_counts(sample_rate=sample_rate)
    samples = np.round(check_waveform("x", x).detach().cpu().double().numpy() * 32767).astype("<i2")
    buffer = io.BytesIO()
    wavfile.write(buffer, sample_rate, samples)
    return buffer.getvalue()


class Players:
    """A row of audio players, each with its label; what `players` returns."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def __repr__(self) -> str:
        """What is shown where there is no page."""
        return "Sounds: " + ", ".join(self.files)

    def _repr_html_(self) -> str:
        items = []
        for label, content in self.files.items():
            text = html.escape(label, quote=True)
            data = base64.b64encode(content).decode()
            with wave.open(io.BytesIO(content)) as sound:
                seconds = sound.getnframes() / sound.getframerate()
            items.append(
                '<figure style="margin:0.2rem;padding:0.3rem;background:#f3f4f5"><figcaption'
                ' style="font-size:85%;color:#14181e">'
                f"{text} ({seconds:.2g} s)</figcaption>"
                f'<audio controls preload="metadata" aria-label="{text}"'
                f' style="width:13rem;max-width:100%" src="data:audio/wav;base64,{data}">'
                "</audio></figure>"
            )
        return '<div style="display:flex;flex-wrap:wrap;gap:0.4rem">' + "".join(items) + "</div>"


def players(sounds: Mapping[str, Tensor], *, sample_rate: int = 8000) -> Players:
    """Audio players side by side, in the order given; the last line of a cell shows them.

    Sounds are samples (T,) in [-1, 1]; screen readers read the labels aloud.

    Taught in: applications/speech
    """
    if not sounds or not all(label.strip() for label in sounds):
        raise argument_error("sounds", "be one or more, each with a label", list(sounds))
    return Players({label: wav_bytes(x, sample_rate=sample_rate) for label, x in sounds.items()})
