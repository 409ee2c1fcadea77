"""Checks of recordings: faults leave one out (stereo, silent, cut off, NaN, …), doubts only name it (clipped, …).

A fault would spoil a number. A doubt may be meant, or does not matter much. Both are found in one decoding, to the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from layerwise.corpus.audio_containers import UNTOLD, Extent, RecordingError
from layerwise.corpus.recordings import open_recording
from layerwise.corpus.times import comparable
from layerwise.files.limits import Limit

# Long enough for several frames of every model.
MIN_SECONDS = 0.1
# Telephones have 8,000. Below half of that no formants are left: a header that says so is wrong.
MIN_RATE = 4000
# Sound converters go up to 768,000. Above, a header is wrong, and the filter down to 16 kHz as long as a recording.
MAX_RATE = 1_000_000
# A day at 48 kHz. A FLAC of a megabyte can hold as much, all zeros, and takes a minute to decode.
MAX_SAMPLES = Limit("LAYERWISE_MAX_RECORDING_SAMPLES", 1 << 32, "samples")
# Less than two steps of 16 bits: a microphone that is off, or a converter's dither.
SILENT_RANGE = 2.0**-14
# Lossy formats overshoot by a decibel or two; beyond this, samples are in other units.
MAX_PEAK = 2.0
# The largest number of eight bits; and the share of samples there that sound, however loud, does not reach.
FULL_SCALE = 127 / 128
CLIPPED_SHARE = 0.001
# Some writers count their header as audio. Its 36 bytes last this long in 16 bits at 8 kHz, less than a quarter of the
# shortest step between frames: no number depends on them.
MAX_MISSING_SECONDS = 0.00225

_BLOCK_SAMPLES = 1 << 20
# Bytes of a sample, in codecs that store each by itself. The others lose a whole block with its last byte.
_SAMPLE_BYTES = {
    "PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8, "ULAW": 1, "ALAW": 1,
}  # fmt: skip


class Fault(NamedTuple):
    """What is wrong with a recording: its kind, and what was found."""

    problem: str
    detail: str


@dataclass(frozen=True)
class Sound:
    """A recording that can be used.

    Attributes:
        num_samples: at its own `sample_rate`, in hertz.
        doubts: what may be wrong with it.
    """

    num_samples: int
    sample_rate: int
    doubts: Sequence[Fault] = ()

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sample_rate


def examine(path: Path) -> Sound | Fault:
    """What a recording holds, or why it cannot be used.

    The format is told from the content: a WAV that is called `.flac` is read like any other. Faults are files that
    cannot be decoded to the end that they promise (`audio_containers`, `audio_streams`), and sound that is empty, not
    mono, not finite, silent, in other units than full scale, shorter than `MIN_SECONDS`, longer than `MAX_SAMPLES` or
    at an impossible rate. Doubts are clipped sound, an end that lacks no more than `MAX_MISSING_SECONDS`, and a format
    that does not say where the end is.
    """
    try:
        return _examined(path)
    except RecordingError as error:
        return Fault(error.problem, error.detail)


def doubt(problem: str, detail: str) -> Fault:
    """A fault that leaves nothing out, and says so."""
    return Fault(problem, f"kept; {detail}")


def _examined(path: Path) -> Sound:
    try:
        if path.stat().st_size == 0:
            raise RecordingError("empty", "the file has 0 bytes")
        audio, extent = open_recording(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise RecordingError("unreadable", _reason(error)) from error
    with audio:
        if audio.channels != 1:
            raise RecordingError("not mono", f"{audio.channels} channels")
        if extent is not None and _missing_seconds(audio, extent.missing) > MAX_MISSING_SECONDS:
            raise RecordingError("truncated", extent.shortfall)
        try:
            sound = _decoded(audio)
        except (soundfile.SoundFileError, OSError) as error:
            raise RecordingError("corrupt", _reason(error)) from error
    return replace(sound, doubts=[*_doubtful_end(audio.format, extent), *sound.doubts])


def _doubtful_end(form: str, extent: Extent | None) -> list[Fault]:
    if extent is not None and extent.missing:
        return [doubt("a little short", extent.shortfall)]
    if form in UNTOLD:
        return [doubt("of untold length", f"the format {form} does not say whether the end is there")]
    return []


def _missing_seconds(audio: soundfile.SoundFile, missing: int) -> float:
    if missing and audio.subtype not in _SAMPLE_BYTES:
        return math.inf
    return missing / _SAMPLE_BYTES.get(audio.subtype, 1) / audio.samplerate


def _decoded(audio: soundfile.SoundFile) -> Sound:
    """Decode to the end, in blocks."""
    decoded, clipped, low, high = 0, 0, math.inf, -math.inf
    if not MIN_RATE <= audio.samplerate <= MAX_RATE:
        raise RecordingError("impossible rate", f"{audio.samplerate} Hz; speech has {MIN_RATE} to {MAX_RATE} Hz")
    MAX_SAMPLES.require(audio.frames, "it", _too_long)
    while len(block := audio.read(_BLOCK_SAMPLES, dtype="float32")):
        bottom, top = float(block.min()), float(block.max())
        if not (math.isfinite(bottom) and math.isfinite(top)):  # NaN is the least and the largest of its block
            raise RecordingError("not finite", "it holds NaN or infinity")
        if max(top, -bottom) >= FULL_SCALE:
            clipped += int(np.count_nonzero(np.abs(block) >= FULL_SCALE))
        decoded, low, high = decoded + len(block), min(low, bottom), max(high, top)
        MAX_SAMPLES.require(decoded, "it", _too_long)
    if decoded < audio.frames:
        raise RecordingError("truncated", f"{decoded} samples, its header says {audio.frames}")
    if decoded == 0:
        raise RecordingError("empty", "no samples")
    if comparable(decoded / audio.samplerate) < MIN_SECONDS:
        raise RecordingError("too short", f"{decoded / audio.samplerate:g} s; models need {MIN_SECONDS:g} s")
    if high - low < SILENT_RANGE:
        raise RecordingError("silent", f"all of its samples are between {low:g} and {high:g}")
    if max(high, -low) > MAX_PEAK:
        raise RecordingError("beyond full scale", f"samples reach {max(high, -low):g}; full scale is from -1 to 1")
    doubts = [doubt("clipped", f"{clipped / decoded:.1%} of its samples are at full scale")]
    return Sound(decoded, audio.samplerate, doubts if clipped / decoded >= CLIPPED_SHARE else [])


def _too_long(detail: str) -> RecordingError:
    return RecordingError("too long", detail)


def _reason(error: soundfile.SoundFileError | OSError) -> str:
    said = error.strerror if isinstance(error, OSError) else getattr(error, "error_string", str(error))
    return (said or "").removeprefix("Error : ") or repr(error)
