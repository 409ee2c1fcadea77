"""Recordings that declare what they do not have, or are made to take time or memory, and what is no file at all."""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from layerwise.corpus import audio_containers, audio_streams, recordings, waveforms
from layerwise.corpus.audio_containers import RecordingError
from layerwise.corpus.audio_streams import whole_flac, whole_mpeg, whole_ogg
from layerwise.corpus.recording_checks import Fault, Sound, examine
from layerwise.corpus.waveforms import AudioError, read_waveform
from tiny_corpus import noise, write_audio

RATE = 16000


def encoded(path: Path, form: str, samples: np.ndarray | None = None, rate: int = RATE) -> bytes:
    soundfile.write(path, noise() / 2 if samples is None else samples, rate, format=form)
    return path.read_bytes()


def named_pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "kind"), [(named_pipe, "a pipe"), (link_to_a_device, "a device"), (Path.mkdir, "a folder")]
)
def test_what_is_no_file_is_not_opened(tmp_path, make, kind):
    """Opening a pipe would wait for ever."""
    make(tmp_path / "a.wav")
    # A pipe and a device have no bytes either, which is said first.
    assert examine(tmp_path / "a.wav") in (
        Fault("unreadable", f"it is {kind}; a file is expected"),
        Fault("empty", "the file has 0 bytes"),
    )
    with pytest.raises(AudioError, match=f"it is {kind}; a file is expected"):
        read_waveform(tmp_path / "a.wav")


def wav_with(channels: int, rate: int, size: int) -> bytes:
    width = 2 * channels
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * width & 0xFFFFFFFF, width & 0xFFFF, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + head + b"data" + struct.pack("<I", size) + bytes(2000)


@pytest.mark.parametrize(
    ("channels", "rate", "size", "problem"),
    [
        (1, 16000, 0x7000_0000, "truncated"),
        (1, 2**31 - 1, 2000, "impossible rate"),
        (1, 1_999_993, 2000, "impossible rate"),
        (65535, 16000, 2000, "unreadable"),
        (1024, 16000, 2000, "not mono"),
    ],
)
def test_a_header_of_impossible_numbers_is_refused(tmp_path, channels, rate, size, problem):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_with(channels, rate, size))
    found = examine(path)
    assert isinstance(found, Fault)
    assert found.problem == problem


def test_a_flac_of_a_month_is_refused_before_it_is_decoded(tmp_path):
    path = write_audio(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] | 0x0F]) + b"\xff\xff\xff\xff"  # 36 bits
    path.write_bytes(data)
    assert examine(path) == Fault(
        "too long",
        "it has 68719476735 samples, and no more than 4294967296 are read. Where that is right, raise the limit: "
        "export LAYERWISE_MAX_RECORDING_SAMPLES=68719476735",
    )
    with pytest.raises(AudioError, match=r"a\.flac, from 0 s on, has 68719476735 samples.*LAYERWISE_MAX_UTTERANCE_SAM"):
        read_waveform(path)


def test_what_is_decoded_counts_where_a_header_says_less(tmp_path, monkeypatch):
    path = write_audio(tmp_path / "a.flac", noise(0.5))
    monkeypatch.setenv("LAYERWISE_MAX_RECORDING_SAMPLES", "7999")
    assert examine(path).problem == "too long"
    monkeypatch.setenv("LAYERWISE_MAX_RECORDING_SAMPLES", "8000")
    assert isinstance(examine(path), Sound)


def test_a_stretch_in_memory_is_bounded_and_the_limit_can_be_raised(tmp_path, monkeypatch):
    path = write_audio(tmp_path / "a.flac", noise(0.5))
    monkeypatch.setenv("LAYERWISE_MAX_UTTERANCE_SAMPLES", "4000")
    with pytest.raises(AudioError, match="export LAYERWISE_MAX_UTTERANCE_SAMPLES=8000"):
        read_waveform(path)
    assert len(read_waveform(path, 0.1, 0.25)) == 4000


@pytest.mark.parametrize(
    ("start", "seconds"), [(float("nan"), None), (-1.0, None), (0.0, float("nan")), (0.0, -1.0), (0.0, float("inf"))]
)
def test_times_that_are_none_are_refused(tmp_path, start, seconds):
    path = write_audio(tmp_path / "a.flac")
    with pytest.raises(AudioError, match=r"a\.flac: .* s from .* s on cannot be read"):
        read_waveform(path, start, seconds)


def test_a_stretch_behind_the_end_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.flac", noise(0.5))
    with pytest.raises(AudioError, match=r"a\.flac has 0\.5 s, and ends before 1e\+15 s"):
        read_waveform(path, 1e15)


def test_channels_are_counted_before_they_are_read(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_with(1024, 16000, 2000))
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *args, **options: pytest.fail("it was read"))
    with pytest.raises(AudioError, match="1024 channels; one is expected"):
        read_waveform(path)


def test_codecs_that_know_no_place_are_skipped_through_in_blocks(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    encoded(path, "WAV")
    whole, asked = soundfile.read(path, dtype="float32")[0], []
    read = soundfile.SoundFile.read
    monkeypatch.setattr(soundfile.SoundFile, "seekable", lambda file: False)
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda file, frames=-1, **how: asked.append(frames) or read(file, frames, **how)
    )
    monkeypatch.setattr(waveforms, "_BLOCK_SAMPLES", 1000)
    np.testing.assert_array_equal(read_waveform(path, 0.25, 0.1), whole[4000:5600])
    assert asked == [1000, 1000, 1000, 1000, 1600]


# What is read whole, and what is looked for


def test_what_has_to_be_read_whole_has_a_limit(tmp_path, monkeypatch):
    path = tmp_path / "a.ogg"
    data = encoded(path, "OGG")
    monkeypatch.setenv("LAYERWISE_MAX_RECORDING_BYTES", str(len(data) - 1))
    found = examine(path)
    assert found.problem == "too large"
    assert f"export LAYERWISE_MAX_RECORDING_BYTES={len(data)}" in found.detail


def read_with_little(path: Path) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28), used + (1 << 28)))
    assert len(read_waveform(path, start=30_000, seconds=0.5)) == RATE // 2
    with recordings.open_recording(path)[0] as file:
        assert file.frames == (1 << 29) - 22


def test_a_header_is_mended_without_the_recording_in_memory(tmp_path):
    """A gigabyte, of which nothing is on the disk."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav_with(1, RATE, 0))
    os.truncate(path, 1 << 30)
    process = multiprocessing.get_context("fork").Process(target=read_with_little, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_a_mended_file_is_the_file_with_another_header(tmp_path):
    data = bytes(range(256))
    (tmp_path / "a").write_bytes(data)
    expected = io.BytesIO(data[:40] + b"abcd" + data[44:200])
    with recordings._Mended((tmp_path / "a").open("rb"), audio_containers.Mend(200, 40, b"abcd")) as mended:
        for place, whence, size in [(0, 0, 41), (0, 0, 300), (38, 0, 3), (42, 0, 1), (43, 0, 5), (-3, 1, 2), (-5, 2, 9),
                                    (9, 2, 3), (-999, 1, 50)]:  # fmt: skip
            assert mended.seek(place, whence) == expected.seek(
                *((max(0, 200 + place), 0) if whence == 2 else (place, whence))
            )
            assert mended.read(size) == expected.read(size)
            assert mended.tell() == expected.tell()


def test_what_the_disk_answers_while_a_mended_file_is_read_is_a_fault(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    encoded(path, "WAV")
    data = bytearray(path.read_bytes())
    data[40:44] = bytes(4)
    path.write_bytes(data)
    file, _ = recordings.open_recording(path)

    class Broken:
        def seek(self, place: int) -> None:
            raise OSError(5, "Input/output error")

        def close(self) -> None:
            pass

    file._source._file = Broken()
    with file, pytest.raises(OSError, match="Input/output error"):
        file.read()


def test_a_sparse_file_of_a_terabyte_is_not_read(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(encoded(path, "MP3"))
    os.truncate(path, 1 << 40)
    assert examine(path).problem == "too large"


def test_tags_without_end_are_refused(tmp_path):
    path = write_audio(tmp_path / "a.flac")
    tag, data = b"ID3\x04\0\0\0\0\0\0", path.read_bytes()
    with path.open("wb+") as file:
        file.write(recordings._MAX_TAGS * tag + data)
        assert recordings._after_tags(file) == recordings._MAX_TAGS * len(tag)
    path.write_bytes((recordings._MAX_TAGS + 1) * tag + data)
    assert examine(path) == Fault("unreadable", "more than 16 tags of ID3 before the audio")


def test_zeros_behind_a_tag_have_an_end(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"ID3\x04\0\0\0\0\0\0")
    os.truncate(path, 1 << 40)
    assert examine(path) == Fault("unreadable", "Format not recognised.")


def test_a_header_of_nothing_but_chunks_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_containers, "_MAX_CHUNKS", 50)
    path = tmp_path / "a.wav"
    data = encoded(path, "WAV")
    path.write_bytes(data[:12] + 40 * b"junk\0\0\0\0" + data[12:])
    assert isinstance(examine(path), Sound)
    path.write_bytes(data[:12] + 60 * b"junk\0\0\0\0" + data[12:])
    assert examine(path) == Fault("unreadable", "more than 50 chunks in its header")


@pytest.mark.parametrize("length", [b"     -1\n", b"99999999"])
def test_a_sphere_header_is_a_small_text(tmp_path, monkeypatch, length):
    path = tmp_path / "a.wav"
    data = encoded(path, "NIST")
    path.write_bytes(data[:8] + length + data[16:])
    counts = []
    whole = audio_containers._Source.bytes
    monkeypatch.setattr(audio_containers._Source, "bytes", lambda *args: counts.append(args[2]) or whole(*args))
    with path.open("rb") as file:
        assert audio_containers.extent_of(file) is None
    assert max(counts) < 1024
    assert min(counts) >= 0


def frames_of(data: bytes) -> list[bytes]:
    """The frames of an MPEG file, without the one that counts them."""
    offset, frames = 0, []
    while offset < len(data):
        size = audio_streams._header(data, offset).size
        frames.append(data[offset : offset + size])
        offset += size
    return frames[1:]


def test_bytes_between_frames_of_mpeg_have_an_end(tmp_path, monkeypatch):
    frames = frames_of(encoded(tmp_path / "a.mp3", "MP3", noise(2)))
    strayed = b"".join(frames[:9]) + 3000 * b"\xff" + b"".join(frames[9:])
    assert whole_mpeg(strayed, 0) is not None  # a tag, say
    monkeypatch.setattr(audio_streams, "_MAX_STRAY_BYTES", 2000)
    with pytest.raises(RecordingError, match="bytes between its frames of MPEG audio are none of theirs"):
        whole_mpeg(strayed, 0)


def test_megabytes_that_may_each_be_a_frame_s_first_end_soon(tmp_path):
    frame = frames_of(encoded(tmp_path / "a.mp3", "MP3"))[0]
    like = bytes([0xFF, frame[1], frame[2], 0])
    with pytest.raises(RecordingError, match="MPEG audio"):
        whole_mpeg(2 * frame + (1 << 20) * like + 2 * frame + frame[:50], 0)
    assert whole_mpeg(2 * frame + (1 << 24) * b"\xff" + bytes(4), 0) is not None


def test_the_last_frame_of_a_flac_is_found_in_one_pass(tmp_path):
    """Each of a million places looks like the start of the last frame."""
    data = encoded(tmp_path / "a.flac", "FLAC")
    data = data[:10] + b"\xff\xff" + data[12:20] + b"\x0f\xff\0\0\0\0" + data[26:]  # blocks, channels and bits: largest
    with pytest.raises(RecordingError, match="does not end with a whole frame of FLAC"):
        whole_flac(data + (1 << 20) * b"\xff\xf8", 0)


@pytest.mark.parametrize("seconds", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("silent", [True, False])
def test_a_flac_of_no_length_gets_the_one_that_it_had(tmp_path, seconds, silent):
    samples = np.append(noise(seconds), np.zeros(5000, np.float32)) if silent else noise(seconds)
    data = encoded(tmp_path / "a.flac", "FLAC", samples / 2)
    assert audio_streams.flac_samples(data) == len(samples)
    unfilled = data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]
    assert audio_streams.flac_samples(unfilled) == 0
    assert whole_flac(unfilled, 0) == data


def test_streams_of_an_ogg_are_few():
    page = b"OggS\0\x02" + bytes(8) + b"%s" + bytes(4) + bytes(4) + b"\0"

    def sound(serial: int) -> bytes:
        data = page.replace(b"%s", struct.pack("<I", serial))
        plain = data.translate(audio_streams._REVERSED)
        value = audio_streams.zlib.crc32(plain, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
        return data[:22] + value.to_bytes(4, "big").translate(audio_streams._REVERSED) + data[26:]

    with pytest.raises(RecordingError, match="without the page that ends the stream"):
        whole_ogg(b"".join(map(sound, range(64))), 0)
    with pytest.raises(RecordingError, match="more than 64 streams"):
        whole_ogg(b"".join(map(sound, range(65))), 0)
