"""Waveforms as models take them, from recordings at any sample rate."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import soundfile
import soxr

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.audio_containers import RecordingError
from layerwise.corpus.recording_checks import MAX_RATE
from layerwise.corpus.recordings import open_recording
from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit

# Of a recording that are in memory at a time: a gigabyte; at 16 kHz, more than four hours. Models attend to minutes.
MAX_STRETCH = Limit("LAYERWISE_MAX_UTTERANCE_SAMPLES", 1 << 28, "samples")
_BLOCK_SAMPLES = 1 << 20


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
        AudioError: the file cannot be read, is not mono, or ends before the stretch does; or that is too long.
    """
    if not 0 <= start < math.inf or not (seconds is None or 0 <= seconds < math.inf):
        raise AudioError(
            f"{path}: {seconds} s from {start} s on cannot be read; both are expected to be numbers from 0"
        )
    try:
        with open_recording(path)[0] as file:
            rate = file.samplerate
            if file.channels > 1:
                raise AudioError(f"{path} has {file.channels} channels; one is expected")
            if rate > MAX_RATE:
                raise AudioError(f"{path} has {rate} Hz; at most {MAX_RATE} are expected")
            before = round(start * rate)
            wanted = None if seconds is None else round(seconds * rate)
            if before > file.frames:
                raise AudioError(f"{path} has {file.frames / rate:g} s, and ends before {start:g} s")
            stretch = file.frames - before if wanted is None else wanted
            MAX_STRETCH.require(stretch, f"{path}, from {start:g} s on,", AudioError)
            _skip(file, before)
            samples = file.read(stretch, dtype="float32")
    except (OSError, soundfile.SoundFileError, RecordingError) as error:
        raise AudioError(f"{path} cannot be read: {error}") from error
    if wanted is not None and len(samples) < wanted - 1:  # start and length are each rounded to a sample
        raise AudioError(f"{path} has {len(samples) / rate:g} s from {start:g} s on, {seconds:g} s were expected")
    return samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ")


def _skip(file: soundfile.SoundFile, samples: int) -> None:
    if file.seekable():
        file.seek(samples)
        return
    while samples > 0:  # some codecs can only be decoded from their start
        samples -= len(file.read(min(samples, _BLOCK_SAMPLES))) or samples
