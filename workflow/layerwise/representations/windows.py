"""Windows of a waveform on the grid of the mel rows: 25 ms every 10 ms, frame t centred on sample 160 t."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.signal

from layerwise.constants import MEL_SECONDS, MEL_WINDOW_SECONDS, SAMPLE_RATE
from layerwise.representations.acoustic_measures import AcousticsError

HOP = round(MEL_SECONDS * SAMPLE_RATE)
WINDOW = scipy.signal.get_window("hann", round(MEL_WINDOW_SECONDS * SAMPLE_RATE))
QUIETEST_DB = -100.0  # of a frame; rounding to 16 bits alone leaves noise of about -101 dB
_BLOCK_FRAMES = 4096  # that are in memory at a time


def frames_of(samples: int) -> int:
    """How many frames a waveform has."""
    return 1 + samples // HOP


def centred(waveform: np.ndarray) -> np.ndarray:
    """A waveform as all measures take it: one channel of finite numbers, less their mean.

    Raises:
        AcousticsError: it is something else.
    """
    waveform = np.asarray(waveform, np.float64)
    if waveform.ndim != 1 or not waveform.size:
        raise AcousticsError(f"one channel with samples is expected, not an array of shape {waveform.shape}")
    if not np.isfinite(waveform).all():
        raise AcousticsError("a sample is NaN or infinite; numbers from -1 to 1 are expected")
    return waveform - waveform.mean()


def stretches(waveform: np.ndarray, length: int, hop: int = HOP) -> np.ndarray:
    """A view (frames × length) of stretches of a waveform, the t-th around sample t · hop, with zeros at both ends."""
    padded = np.pad(waveform, (length // 2, length - length // 2))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[: frames_of(waveform.size) * hop : hop]


def windowed(waveform: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks (frames × 400) of windows of 25 ms, in order."""
    rows = stretches(waveform, WINDOW.size)
    for start in range(0, len(rows), _BLOCK_FRAMES):
        yield rows[start : start + _BLOCK_FRAMES] * WINDOW


def levels(windows: np.ndarray) -> np.ndarray:
    """The level of each window in dB, 0 for a mean square of 1: (frames × 400) to (frames,); silence has -inf."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.square(windows).mean(axis=1) / np.square(WINDOW).mean())
