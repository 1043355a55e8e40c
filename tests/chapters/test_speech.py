"""The speech chapter's own lines and equations, against other answers, and what its page weighs."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from scipy.signal import freqz, lfilter
from torch import nn
from torch.distributions import Normal, kl_divergence

from helpers import plotting
from helpers.data import sound as sounds
from helpers.data.sound import FORMANTS, vowel
from helpers.distributions import GaussianLikelihood
from helpers.models import DilatedWaveformModel, ProbabilisticPCA
from helpers.models.vae import VAE
from helpers.networks import DilatedLayer
from helpers.random import seeded
from helpers.signal import mel_filters, mu_law_decode, mu_law_encode, stft
from tests.chapters.cells import BOOK, imported, run_cells
from tests.printed import tex

PAGE = "applications/speech"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, with the names that the chapter imports."""
    known = imported(PAGE) | {"rate": 8000, "seed": 0, "data_name": "vowels"}
    return run_cells(PAGE, list(ids), **(known | names))


@pytest.mark.equation("eq-speech-alias")
def test_a_tone_above_half_the_rate_is_folded(seed: int) -> None:
    """numpy's sine of both tones, for random frequencies and rates."""
    rng = np.random.default_rng(seed)
    n = np.arange(50)
    high, low = tex("eq-speech-alias", side=0), tex("eq-speech-alias")
    for _ in range(5):
        rate = int(rng.integers(1000, 50_000))
        f = rng.uniform(0.01, 0.49) * rate
        folded = np.sin(2 * np.pi * (rate - f) / rate * n)
        assert np.allclose(high(r=rate, f=f, n=n), folded, atol=1e-9)
        assert np.allclose(low(r=rate, f=f, n=n), folded, atol=1e-9)


@pytest.mark.equation("eq-speech-vowel")
def test_a_vowel_is_the_sum_of_its_formula(seed: int) -> None:
    """numpy, all harmonics at once as an impulse response of three resonances in series."""
    pitch, length = 100.0 + 7.3 * (seed % 9), 2000
    by_hand = lesson("vowel-by-hand")["vowel_by_hand"]
    f = pitch * np.arange(1, int(4000 / pitch) + 1)
    for formants in FORMANTS.values():
        response = np.ones(len(f), complex)
        for centre, width in zip(formants, (80.0, 100.0, 120.0)):
            response *= centre**2 / (centre**2 - f**2 + 1j * width * f)
        waves = np.sin(2 * np.pi * np.outer(f, np.arange(length)) / 8000)
        expected = (np.abs(response) / f) @ waves
        assert np.allclose(by_hand(formants, pitch, length).numpy(), expected, rtol=1e-8)
        waves_in_all = tex("eq-speech-vowel", statement=1)(r=8000, f=pitch)
        assert waves_in_all == len(f)
        printed = tex("eq-speech-vowel")(
            B=[80, 100, 120],
            F=list(formants),
            K=int(waves_in_all),
            f=pitch,
            n=np.arange(99),
            r=8000,
        )
        assert np.allclose(printed, expected[:99], rtol=1e-8)
    ours = vowel("u", seconds=0.25, pitch=pitch).numpy()[80:-80]
    wave = by_hand(FORMANTS["u"], pitch, length).numpy()
    wave = (wave - wave.mean())[80:-80]
    assert np.allclose(ours, wave * (ours @ wave) / (wave @ wave), atol=1e-9)


@pytest.mark.equation("eq-speech-string")
def test_a_string_dies_as_its_recursion_says(seed: int) -> None:
    """The transfer function: poles of z^{P+1} = (z + 1)/2 by numpy, the slowest has the pitch."""
    by_hand = lesson("string-by-hand")["string_by_hand"]
    period = 20 + seed % 7
    first = 2 * torch.rand(period + 1, generator=seeded(seed)) - 1
    y = by_hand(first, 40 * period).numpy()
    rule, pitch = tex("eq-speech-string"), tex("eq-speech-string", statement=1)
    for n in (period + 1, 3 * period):
        assert rule(n=n, P=period, y=dict(enumerate(y))) == pytest.approx(y[n])
    polynomial = np.zeros(period + 2)
    polynomial[0], polynomial[-2], polynomial[-1] = 1, -0.5, -0.5
    poles = np.roots(polynomial)
    tones = poles[(poles.imag > 1e-9)]
    loudest = tones[np.abs(tones).argmax()]
    found = 8000 * np.angle(loudest) / (2 * np.pi)  # Hz
    assert pitch(r=8000, P=period) == pytest.approx(found, rel=1e-3)
    powers = poles[None, :] ** np.arange(period + 1)[:, None]
    weights = np.linalg.solve(powers, first.numpy())
    predicted = (poles[None, :] ** np.arange(len(y))[:, None] @ weights).real
    assert np.allclose(y, predicted, atol=1e-6)


@pytest.mark.equation("eq-speech-snr")
def test_equal_steps_have_the_textbooks_noise(seed: int) -> None:
    """The closed form: uniform samples over a step of variance Δ²/12."""
    cells = lesson("mulaw-snr", "mulaw")
    x = 2 * torch.rand(200_000, generator=seeded(seed)) - 1
    for levels in (16, 256):
        step = 2 / (levels - 1)
        expected = 10 * math.log10((1 / 3) / (step**2 / 12))
        back = cells["straight"](x, levels)
        assert cells["snr"](x, back).item() == pytest.approx(expected, abs=0.05)
        printed = tex("eq-speech-snr")(x=x.numpy(), x_hat=back.numpy())
        assert printed == pytest.approx(expected, abs=0.05)
    assert cells["curve"]["equal steps, 8 bits"][0] > cells["curve"]["μ-law, 8 bits"][0]
    assert cells["curve"]["equal steps, 8 bits"][20] < cells["curve"]["μ-law, 8 bits"][20] - 20


@pytest.mark.equation("eq-speech-mel")
def test_the_triangles_stand_at_equal_steps_of_the_scale() -> None:
    """The peaks of the filters are at equal distances on the printed scale."""
    printed = tex("eq-speech-mel")
    rows = 4096
    filters = mel_filters(20, window=2 * rows)
    peaks = filters.argmax(1) * 4000 / rows
    mel = torch.tensor([printed(f=float(f)) for f in peaks])
    assert printed(f=1000.0) == pytest.approx(1000, abs=0.1)
    assert mel.diff().max() - mel.diff().min() < 5
    assert torch.allclose(mel.diff().mean(), (mel[-1] - mel[0]) / 19)
    ends = [printed(f=f) for f in (50.0, 4000.0)]
    assert mel.diff().mean().item() == pytest.approx((ends[1] - ends[0]) / 21, abs=1)


@pytest.mark.equation("eq-speech-logmel")
def test_the_way_back_from_bands_is_the_smallest_explanation(seed: int) -> None:
    """numpy's least squares of smallest norm; bands that were made by magnitudes come back."""
    cells = lesson("listen-toys", "stft-frame", "mel-filters", "mel-ways")
    wave = vowel("ae"[seed % 2], seconds=0.2, pitch=110.0 + seed % 20)
    ell = cells["log_mel"](wave[None])[0]
    bands = cells["M"].numpy() @ stft(wave).abs().numpy()
    assert np.allclose(np.exp(ell.numpy()) - 0.01, bands)
    smallest = np.linalg.lstsq(cells["M"].numpy(), bands, rcond=None)[0]
    ours = cells["M_plus"].numpy() @ bands
    assert np.allclose(ours, smallest, atol=1e-8)
    assert np.allclose(cells["M"].numpy() @ ours, bands, atol=1e-8)
    forward, backward = tex("eq-speech-logmel"), tex("eq-speech-logmel", statement=1)
    there = forward(M=cells["M"].numpy(), X=stft(wave).numpy(), epsilon=0.01)
    assert np.allclose(there, ell.numpy())
    size = backward({"M^+": cells["M_plus"].numpy()}, ell=there, epsilon=0.01)
    assert np.allclose(size, smallest.clip(0), atol=1e-8)
    back = cells["to_wave"](ell, len(wave))
    assert back.abs().max() <= 1
    again = cells["log_mel"](back[None])[0]
    loud = ell > ell.max() - 5
    assert (again - ell)[loud].abs().mean() < 0.3


@pytest.mark.equation("eq-speech-bits")
def test_equal_probabilities_cost_eight_bits_a_sample() -> None:
    """A closed form: 256 equal codes at 8000 Hz are 64,000 bits per second."""
    inside = {"train": torch.ones(60, 9).bool(), "test": torch.ones(60, 9).bool()}
    code = {name: torch.randint(256, (60, 9)) for name in inside}
    names = {"inside": inside, "code": code}
    cells = lesson("scores", "scores-table", **names)
    cells["log_p"] = {"equal": torch.full((60, 9), -math.log(256))}
    assert "".join(repr(cells["score_table"](["equal"])).split("\n")[2:]).split() == [
        "equal",
        "5.545",
        "±",
        "0.000",
        "64.0",
    ]
    printed = tex("eq-speech-bits")
    assert printed(r=8000, nll_bar=math.log(256)) == pytest.approx(64_000)
    assert printed(r=100, nll_bar=3 * math.log(2)) == pytest.approx(300)


@pytest.mark.equation("eq-speech-elbo")
def test_with_one_class_the_bound_is_that_of_the_vae(seed: int) -> None:
    """helpers.models.vae.VAE, whose networks get the same constant class."""
    torch.manual_seed(seed)
    ours = lesson("vae")["ConditionalVAE"](11, 1, latent=3, hidden=7)
    with torch.no_grad():
        ours.log_std.fill_(-0.3)

    class Told(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(torch.cat([x, torch.ones(len(x), 1)], 1))

    other = VAE(
        Told(ours.encoder),
        Told(ours.decoder),
        3,
        likelihood=GaussianLikelihood(math.exp(-0.3)),
    )
    x = torch.randn(5, 11)
    bound = ours.elbo(x, torch.zeros(5).long(), seeded(seed))
    log_p, kl = other.elbo_terms(x, rng=seeded(seed))
    torch.testing.assert_close(bound, log_p - kl)
    mu, log_var = ours.encoder(ours.with_class(x, torch.zeros(5).long())).chunk(2, 1)
    q = Normal(mu, (0.5 * log_var).exp())
    z = mu + q.stddev * torch.randn(mu.shape, generator=seeded(seed))

    def normal(*given: Any) -> Any:
        if len(given) == 2:
            return Normal(float(given[0]), given[1][0, 0].sqrt())
        at, mean, covariance = given
        return Normal(mean, covariance[0, 0].sqrt()).log_prob(at).sum(1).exp()

    def posterior(code: torch.Tensor, given: torch.Tensor, _: torch.Tensor) -> Normal:
        assert code.shape == (5, 3)
        torch.testing.assert_close(given, x)
        return q

    printed = tex("eq-speech-elbo")(
        E=lambda value: value,
        I=torch.eye(11),
        KL=lambda a, b: kl_divergence(a, b).sum(1),
        N_cal=normal,
        ell=x,
        mu=lambda z, y: ours.decode(z, y),
        q=posterior,
        s=ours.log_std.exp(),
        y=torch.zeros(5).long(),
        z=z,
    )
    torch.testing.assert_close(printed, bound)


def test_the_class_reaches_both_networks(seed: int) -> None:
    torch.manual_seed(seed)
    model = lesson("vae")["ConditionalVAE"](6, 3, latent=2, hidden=5)
    z, y = torch.randn(3, 2), torch.arange(3)
    assert not torch.allclose(model.decode(z, y), model.decode(z, y.flip(0)))
    x = torch.randn(3, 6)
    codes = [model.encoder(model.with_class(x, labels)) for labels in (y, y.flip(0))]
    assert not torch.allclose(*codes)


def test_a_model_with_fewer_directions_is_read_off_the_wider_one(seed: int) -> None:
    """ProbabilisticPCA fitted to the same data with as many directions."""
    names = {"n_train": 60, "size": 9, "classes": ("one",)}
    x = torch.randn(60, 9, generator=seeded(seed)) @ torch.randn(9, 9, generator=seeded(seed + 1))
    part = SimpleNamespace(y=torch.zeros(60).long())
    cells = lesson("ppca-narrower", data=SimpleNamespace(train=part), flat={"train": x}, **names)
    wide = ProbabilisticPCA(9, 7).fit(x)
    narrow, direct = cells["narrower"](wide, 3), ProbabilisticPCA(9, 3).fit(x)
    torch.testing.assert_close(narrow.log_prob(x), direct.log_prob(x))


def test_the_layer_of_the_chapter_is_the_packages(seed: int) -> None:
    torch.manual_seed(seed)
    by_hand = lesson("dilated-by-hand")["layer_by_hand"]
    for d in (1, 4):
        layer, h = DilatedLayer(5, d), torch.randn(12, 5, generator=seeded(seed))
        torch.testing.assert_close(by_hand(layer, h, d), layer(h[None])[0][0])


@pytest.mark.parametrize("pitch", [90.0, 147.0, 251.0, 380.0])
def test_the_pitch_of_a_periodic_wave_is_found(pitch: float, seed: int) -> None:
    cells = lesson("drift")
    x = vowel("aeiou"[seed % 5], seconds=0.25, pitch=pitch)
    found, voicing = cells["pitch_and_voicing"](x[80:-80])
    assert found == pytest.approx(pitch, rel=0.04)
    assert voicing > 0.9
    noise = torch.randn(2000, generator=seeded(seed))
    assert cells["pitch_and_voicing"](noise)[1] < 0.3


def test_linear_prediction_of_a_chapter_is_least_squares(seed: int) -> None:
    """numpy.linalg.lstsq on the same windows, all of them."""
    g = seeded(seed)
    x = torch.randn(8, 60, generator=g).cumsum(1)
    x = 0.9 * x / x.abs().max()
    part = sounds.Sounds(x, torch.full((8,), 60), torch.zeros(8).long())
    data = SimpleNamespace(train=part, test=part)
    cells = lesson("linear-codes", "linear", data=data, classes=("one",), T=60)
    model = cells["fit_linear"](4)
    past = model.windows(mu_law_encode(x)).reshape(-1, 4).numpy()
    target = mu_law_decode(mu_law_encode(x)).flatten().numpy()
    expected = np.linalg.lstsq(past, target, rcond=None)[0]
    assert np.allclose(model.linear.weight[0].detach().numpy(), expected, atol=2e-2)


def test_the_players_of_the_page_weigh_less_than_300_kilobytes() -> None:
    """The bytes of all players: their number of samples is bounded by the code of the cells."""
    notebook = nbformat.read(BOOK / f"{PAGE}.ipynb", as_version=4)
    cells = {c.id: c.source for c in notebook.cells if c.cell_type == "code"}
    known = {"listen-toys", "listen-griffin", "data", "draw-net", "paint", "listen-lab"}
    assert {name for name, text in cells.items() if "plotting.players(" in text} == known
    tone = torch.sin(torch.arange(2000.0))
    row = {name: len(plotting.players({"x": tone})._repr_html_()) for name in known}
    # five sounds of 0.25 s and one of 0.5; three of 0.3; five real; ten; ten; three
    weights = {"listen-toys": 7.1, "listen-griffin": 3.6, "data": 6, "draw-net": 10}
    weights |= {"paint": 10, "listen-lab": 3}
    assert sum(row[name] * weights[name] for name in known) < 300_000
    toys = lesson("listen-toys")["toys"]
    assert sum(len(x) for x in toys.values()) <= 7.1 * 2000
    real = sounds.load("vowels").test
    assert real.lengths.max() <= 2400


def test_the_executed_page_is_light_and_needs_no_network() -> None:
    """The notebook of the last build, where there is one: bytes of its players, and no address."""
    run = BOOK.parent / "_build" / "runs" / "default" / "book" / f"{PAGE}.ipynb"
    if not run.is_file():
        pytest.skip("the chapter has not been built here")
    notebook = nbformat.read(run, as_version=4)
    pages = [
        output.data["text/html"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "<audio" in output.get("data", {}).get("text/html", "")
    ]
    assert len(pages) == 6
    assert sum(len(page.encode()) for page in pages) < 300_000
    assert all("http" not in page and "aria-label" in page for page in pages)


def test_a_whisper_has_the_resonance_of_its_sound_and_no_period(seed: int) -> None:
    """scipy's spectrum of an autoregression of order two; the voicing of a buzz through it."""
    angle, radius, length = 0.9, 0.97, 4000
    poles = [1, -2 * radius * np.cos(angle), radius**2]
    pulses = np.zeros((8, length))
    pulses[:, ::57] = 1.0
    x = torch.tensor(lfilter([1.0], poles, pulses, axis=1))
    cells = lesson("drift", "whisper", T=length, seed=seed)
    whisper = cells["whispered"](x, order=2).double()
    power = np.abs(np.fft.rfft(whisper.numpy())).reshape(8, -1)[:, 1:] ** 2
    bands = power.mean(0).reshape(20, -1).mean(1)
    _, response = freqz([1.0], poles, worN=length // 2)
    expected = (np.abs(response) ** 2).reshape(20, -1).mean(1)
    assert np.argmax(bands) == np.argmax(expected)
    assert np.corrcoef(np.log(bands), np.log(expected))[0, 1] > 0.97
    voiced = [cells["pitch_and_voicing"](x[0])[1], cells["pitch_and_voicing"](whisper[0])[1]]
    assert voiced[0] > 0.9 > 0.7 > voiced[1]


def test_a_shown_memory_is_the_end_of_the_past(seed: int) -> None:
    """The whole sound at the same places; samples before the memory change nothing."""
    torch.manual_seed(seed)
    model = DilatedWaveformModel(16, classes=2, channels=3)
    nn.init.normal_(model.net.last.weight)
    v, y = torch.randint(256, (3, 1300), generator=seeded(seed)), torch.tensor([0, 1, 1])
    part = SimpleNamespace(y=y)
    names = {"dilated": model, "data": SimpleNamespace(test=part), "n_test": 3}
    cells = lesson("memory", code={"test": v}, **names)
    with torch.no_grad():
        places = model.log_conditionals(v, y)[:, 512:1280:50]
    assert torch.allclose(cells["used"][512], -places.mean(1))
    assert not torch.allclose(cells["used"][32], -places.mean(1), rtol=1e-3)
    v[:, : 512 - 32] = 0  # only the first place could see these
    other = lesson("memory", code={"test": v}, **names)["used"]
    assert torch.allclose(other[32], cells["used"][32])
    assert not torch.allclose(other[512], cells["used"][512])
