"""Waveforms as models take them, from recordings at any sample rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from layerwise import SAMPLE_RATE
from layerwise.errors import LayerwiseError


class AudioError(LayerwiseError):
    """A recording cannot be read; the message names it."""


def read_waveform(path: Path, start: float = 0.0, seconds: float | None = None) -> np.ndarray:
    """A stretch of a mono recording, at 16 kHz.

    Another rate is resampled by the SoX resampler (soxr, https://sourceforge.net/p/soxr) at its highest quality.

    Args:
        start, seconds: of the stretch; None: to the end.

    Returns:
        (samples,) float32 in [-1, 1].

    Raises:
        AudioError: the file cannot be read, or is not mono.
    """
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(round(start * file.samplerate))
            samples = file.read(-1 if seconds is None else round(seconds * file.samplerate), dtype="float32")
            rate = file.samplerate
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioError(f"{path} cannot be read: {error}") from error
    if samples.ndim > 1:
        raise AudioError(f"{path} has {samples.shape[1]} channels; one is expected")
    return samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ")
