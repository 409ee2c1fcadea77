"""Waveforms as models take them, from recordings at any sample rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from layerwise import SAMPLE_RATE
from layerwise.containers import RecordingError
from layerwise.errors import LayerwiseError
from layerwise.recordings import open_recording


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
        AudioError: the file cannot be read, is not mono, or ends before the stretch does.
    """
    try:
        with open_recording(path)[0] as file:
            rate = file.samplerate
            before = round(start * rate)
            wanted = None if seconds is None else round(seconds * rate)
            if file.seekable():
                file.seek(before)
            else:  # some codecs can only be decoded from their start
                file.read(before)
            samples = file.read(file.frames - before if wanted is None else wanted, dtype="float32")
    except (OSError, soundfile.SoundFileError, RecordingError) as error:
        raise AudioError(f"{path} cannot be read: {error}") from error
    if samples.ndim > 1:
        raise AudioError(f"{path} has {samples.shape[1]} channels; one is expected")
    if wanted is not None and len(samples) < wanted - 1:  # start and length are each rounded to a sample
        raise AudioError(f"{path} has {len(samples) / rate:g} s from {start:g} s on, {seconds:g} s were expected")
    return samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ")
