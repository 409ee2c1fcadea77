"""Spectral tilt: how fast the spectrum of each frame falls towards high frequencies."""

from __future__ import annotations

import numpy as np
import scipy.fft

from layerwise.constants import SAMPLE_RATE
from layerwise.representations.windows import QUIETEST_DB, centred, levels, windowed

# Third-octave bands (IEC 61260), nominally 250 to 6300 Hz: below, 25 ms resolve no band; above, the last reaches 8 kHz.
CENTRES = 1000 * 2 ** (np.arange(-6, 9) / 3)
_FFT = 1024
_RANGE_DB = 80  # from the strongest band of a frame down to what counts, as for mel


def _bands() -> np.ndarray:
    """(513 × 15): the mean of a power spectrum over the bins of each band."""
    frequencies = np.arange(_FFT // 2 + 1)[:, None] * SAMPLE_RATE / _FFT
    inside = (frequencies >= CENTRES * 2 ** (-1 / 6)) & (frequencies < CENTRES * 2 ** (1 / 6))
    return inside / inside.sum(axis=0)


_BANDS = _bands()
_OCTAVES = np.log2(CENTRES) - np.log2(CENTRES).mean()


def measure(waveform: np.ndarray) -> dict[str, np.ndarray]:
    """`spectral_tilt`, the slope of the line through levels of third-octave bands over octaves.

    The spectral slope of Lerch (An Introduction to Audio Content Analysis, 2012), Σ (f - f̄)(L - L̄) / Σ (f - f̄)², with
    f in octaves, as tilts of voices are told, and L the level of the power *density* in each band: white noise is flat
    (0 dB per octave) and pink noise falls by 3. A band counts as at least 80 dB below the strongest one of its frame.
    A gain changes nothing. A frame that is quieter than -100 dB has no spectrum, and NaN.

    Args:
        waveform: (samples,) at 16 kHz.

    Returns:
        (1 + samples // 160, 1) float32, dB per octave.

    Raises:
        AcousticsError: more than one channel, no samples, or NaN among them.
    """
    slopes = np.concatenate([_slopes(windows) for windows in windowed(centred(waveform))])
    return {"spectral_tilt": slopes.astype(np.float32)[:, None]}


def _slopes(windows: np.ndarray) -> np.ndarray:
    spectrum = scipy.fft.rfft(windows, _FFT, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _BANDS
    strongest = power.max(axis=1, keepdims=True)
    heard = levels(windows) >= QUIETEST_DB
    slopes = np.full(len(windows), np.nan)
    level = 10 * np.log10(np.maximum(power[heard], strongest[heard] * 10 ** (-_RANGE_DB / 10)))
    slopes[heard] = level @ _OCTAVES / (_OCTAVES @ _OCTAVES)
    return slopes
