r"""Short-time spectra of a waveform, their inversion, and the mel scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_finite, check_positive, check_shape
from helpers.signal.waveform import check_waveform


def stft(x: Tensor, *, window: int = 256, hop: int = 64) -> Tensor:
    r"""Short-time Fourier transform with a Hann window, frames centred on multiples of the hop.

    Args:
        x: waveform (T,), at least one window long.
        window: samples of a frame, even and at least 4.
        hop: samples between two frames, from 1 to half the window.

    Returns:
        Complex (window/2 + 1, 1 + T // hop): frequencies, then frames. Row k is the frequency
        k · sample rate / window, column m the time m · hop / sample rate.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: stereo, clipped, silent or too short a sound, or an option out of range.

    >>> stft(torch.ones(1000)).shape
    torch.Size([129, 16])

    Taught in: speech.
    """
    check_waveform("x", x)
    _check_frames(window, hop)
    if len(x) < window:
        raise argument_error("x", f"have at least {window} samples, one window", len(x))
    hann = torch.hann_window(window, dtype=x.dtype, device=x.device)
    return torch.stft(x, window, hop, window=hann, return_complex=True)


def istft(spectrum: Tensor, *, window: int = 256, hop: int = 64, length: int) -> Tensor:
    r"""The waveform (length,) whose short-time spectra are nearest to these in squared error.

    For spectra of a waveform it is that waveform.

    Args:
        spectrum: complex (window/2 + 1, M).
        window: as in `stft`.
        hop: as in `stft`.
        length: T, samples to return.

    Reference: Griffin and Lim 1984, IEEE Transactions on Acoustics, Speech, and Signal Processing.

    >>> x = torch.linspace(-1, 1, 1000)
    >>> torch.allclose(istft(stft(x), length=1000), x, atol=1e-5)
    True

    Taught in: speech.
    """
    _check_frames(window, hop)
    check_shape("spectrum", spectrum, (window // 2 + 1, "M"))
    check_at_least("length", length, 1)
    hann = torch.hann_window(window, dtype=spectrum.real.dtype, device=spectrum.device)
    return torch.istft(spectrum, window, hop, window=hann, length=length)


def griffin_lim(
    magnitude: Tensor,
    *,
    window: int = 256,
    hop: int = 64,
    length: int,
    iterations: int = 60,
    momentum: float = 0.9,
    rng: torch.Generator | None = None,
) -> Tensor:
    r"""A waveform whose spectrogram has (nearly) the given magnitudes; the phases are found.

    Starting from random phases, each iteration goes to the nearest waveform and back and keeps the
    phases of what returns. With `momentum` the next phases are extrapolated, which is faster.

    Args:
        magnitude: (window/2 + 1, M), at least 0.
        window: as in `stft`.
        hop: as in `stft`.
        length: T, samples to return.
        iterations: at least 1.
        momentum: in [0, 1); 0 is the plain algorithm, whose squared error never rises.
        rng: draws the first phases.

    Returns:
        (length,), scaled as the magnitudes say.

    Raises:
        ValueError: a wrong shape, negative or infinite magnitudes, or an option out of range.

    Reference: Griffin and Lim 1984; Perraudin et al. 2013 for the momentum.

    >>> x = torch.sin(torch.arange(2000) * 0.3)
    >>> y = griffin_lim(stft(x).abs(), length=2000, rng=torch.Generator().manual_seed(0))
    >>> spectral_error(stft(x).abs(), y) < 0.1
    True

    Taught in: speech.
    """
    check_shape("magnitude", magnitude, (window // 2 + 1, "M"))
    check_finite("magnitude", magnitude)
    if bool((magnitude < 0).any()):
        hint = "take the absolute value of the spectrum"
        raise argument_error("magnitude", "be at least 0", f"{magnitude.min().item():.4g}", hint)
    check_at_least("iterations", iterations, 1)
    if not 0 <= momentum < 1:
        raise argument_error("momentum", "lie in [0, 1)", momentum)
    drawn = torch.rand(magnitude.shape, generator=rng, device=magnitude.device)
    phase = torch.polar(torch.ones_like(magnitude), 2 * math.pi * drawn.to(magnitude))
    hann = torch.hann_window(window, dtype=magnitude.dtype, device=magnitude.device)
    before = torch.zeros_like(phase)
    for _ in range(iterations):
        wave = istft(magnitude * phase, window=window, hop=hop, length=length)
        again = torch.stft(wave, window, hop, window=hann, return_complex=True)
        ahead = again + momentum * (again - before)
        phase = torch.polar(torch.ones_like(magnitude), ahead.angle())
        before = again
    return istft(magnitude * phase, window=window, hop=hop, length=length)


def spectral_error(magnitude: Tensor, x: Tensor, *, window: int = 256, hop: int = 64) -> float:
    r"""Relative error of the magnitudes of a waveform: the norm of the difference over the norm.

    >>> x = torch.linspace(-1, 1, 1000)
    >>> spectral_error(stft(x).abs(), x)
    0.0

    Taught in: speech.
    """
    hann = torch.hann_window(window, dtype=x.dtype, device=x.device)
    found = torch.stft(x, window, hop, window=hann, return_complex=True).abs()
    check_shape("magnitude", magnitude, tuple(found.shape))
    return float((found - magnitude).norm() / magnitude.norm())


def mel_filters(
    bands: int, *, window: int = 256, sample_rate: int = 8000, lowest: float = 50.0
) -> Tensor:
    r"""Triangles that are evenly spaced on the mel scale, in which equal steps sound equal.

    $$ m(f) = 2595 \log_{10}(1 + f / 700) $$

    Args:
        bands: number of triangles, at least 1.
        window: of the spectrogram.
        sample_rate: in Hz, at least 1.
        lowest: where the first triangle starts, in Hz, above 0 and below half the sample rate.

    Returns:
        (bands, window/2 + 1); ``mel_filters(…) @ magnitude`` is a mel spectrogram. The triangles
        have height 1, and between the first and the last peak they add up to 1.

    Raises:
        ValueError: an option is out of range, or so many bands that one of them holds no frequency.

    >>> mel_filters(20).shape
    torch.Size([20, 129])

    Taught in: speech.
    """
    check_at_least("bands", bands, 1)
    check_at_least("sample_rate", sample_rate, 1)
    check_positive("lowest", lowest)
    highest = sample_rate / 2
    if lowest >= highest:
        raise argument_error("lowest", f"be below half the sample rate, {highest} Hz", lowest)
    low, high = (2595 * math.log10(1 + f / 700) for f in (lowest, highest))
    corners = 700 * (10 ** (torch.linspace(low, high, bands + 2) / 2595) - 1)  # (bands + 2,), Hz
    frequencies = torch.linspace(0, highest, window // 2 + 1)
    rising = (frequencies - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - frequencies) / (corners[2:] - corners[1:-1])[:, None]
    filters = torch.minimum(rising, falling).clamp_min(0)
    if not bool(filters.any(1).all()):
        raise argument_error("bands", "be few enough that each holds a frequency", bands)
    return filters


def _check_frames(window: int, hop: int) -> None:
    check_at_least("window", window, 4)
    if window % 2:
        raise argument_error("window", "be even", window)
    check_at_least("hop", hop, 1)
    if hop > window // 2:
        hint = "with larger hops the frames do not determine the sound"
        raise argument_error("hop", f"be at most half the window, {window // 2}", hop, hint)
