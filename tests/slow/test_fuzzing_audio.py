"""Readers of recordings get files with changed bytes, of every container that libsndfile knows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fuzzing import fuzz

from layerwise.corpus.recording_checks import Sound, examine
from layerwise.corpus.waveforms import read_waveform

RATES = {"WVE": 8000, "XI": 44100, "OGG": 16000}
FORMATS = {
    "aiff": ("AIFF", "PCM_16"), "au": ("AU", "PCM_16"), "caf": ("CAF", "PCM_16"), "caf-alac": ("CAF", "ALAC_16"),
    "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III"), "nist": ("NIST", "PCM_16"), "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"), "rf64": ("RF64", "PCM_16"), "sds": ("SDS", "PCM_16"), "svx": ("SVX", "PCM_16"),
    "voc": ("VOC", "PCM_16"), "w64": ("W64", "PCM_16"), "wav": ("WAV", "PCM_16"), "wav-adpcm": ("WAV", "IMA_ADPCM"),
    "wav-gsm": ("WAV", "GSM610"),
}  # fmt: skip
OTHERS = ("AVR", "HTK", "MAT4", "MAT5", "MPC2K", "PAF", "PVF", "IRCAM", "WVE", "XI")


def tiny(form: str, subtype: str | None = None) -> bytes:
    """The bytes of an eighth of a second of noise."""
    rate = RATES.get(form, 16000)
    noise = np.random.default_rng(0).standard_normal(rate // 8).astype(np.float32) / 10
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def samples_of(name: str) -> list[bytes]:
    if name == "others":
        return [tiny(form) for form in OTHERS]
    data = tiny(*FORMATS[name])
    if name == "flac":  # a writer to a pipe leaves no length
        return [data, data[:21] + b"\xf0\0\0\0\0" + data[26:]]
    if name == "mp3":
        return [data, b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + data, data + b"TAG".ljust(128, b"\0")]
    return [data]


def read(path: Path) -> None:
    """All that the workflow does with a recording."""
    sound = examine(path)
    if isinstance(sound, Sound):
        read_waveform(path, 0.05, sound.duration - 0.05)
    read_waveform(path)


@pytest.mark.parametrize("name", [*FORMATS, "others"])
def test_a_changed_recording_is_read_or_left_out(name, tmp_path):
    assert fuzz(read, samples_of(name), tmp_path, "a.audio")
