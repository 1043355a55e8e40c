"""Audio players: the bytes in the page are the sound, and nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from helpers.plotting import players
from helpers.plotting.player import wav_bytes
from helpers.random import seeded


def test_the_page_holds_the_sound_itself(seed: int) -> None:
    """Parsed by an HTML reader, decoded by the wave module: the samples to half a 16-bit step."""
    x = 2 * torch.rand(333, generator=seeded(seed)) - 1
    label = 'the vowel "a" <drawn> & kept'
    page = players({label: x, "again": -x}, sample_rate=11025)._repr_html_()
    found = BeautifulSoup(page, "html.parser").find_all("audio")
    assert [tag["aria-label"] for tag in found] == [label, "again"]
    assert all(tag.has_attr("controls") for tag in found)
    assert [tag.text for tag in BeautifulSoup(page, "html.parser").find_all("figcaption")] == [
        f"{label} (0.03 s)",
        "again (0.03 s)",
    ]
    assert not re.search(r"https?:|src=\"//", page)
    kind, _, data = found[0]["src"].partition(",")
    assert kind == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 11025)
        back = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert np.abs(back - x.numpy()).max() <= 0.5 / 32767 + 1e-12


def test_a_second_weighs_what_the_text_says() -> None:
    x = torch.sin(torch.arange(8000.0))
    assert 21_000 < len(players({"tone": x})._repr_html_()) < 22_000


def test_bad_sounds_are_named() -> None:
    x = torch.sin(torch.arange(50.0))
    with pytest.raises(ValueError, match="sample_rate must be an integer of at least 1, got 0"):
        players({"x": x}, sample_rate=0)
    with pytest.raises(ValueError, match="got silence"):
        wav_bytes(0 * x)
    with pytest.raises(ValueError, match="sounds must be one or more, each with a label"):
        players({" ": x})
