"""Recordings and transcripts with everything that can be wrong with them: left out, kept in doubt, or refused."""

from __future__ import annotations

import logging
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from layerwise.corpus import recording_checks, utterances
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.recording_checks import Fault, Sound, examine
from layerwise.corpus.waveforms import AudioError, read_waveform
from tiny_corpus import LAYOUTS, SPLIT, chapter_folder, flip_bytes, noise, write_audio, write_utterance

GOOD, BAD = "1-2-0000", "1-2-0001"  # two utterances of one chapter
Make = Callable[[Path], object]  # adds BAD to a corpus


def index(root: Path, layout: str = "librispeech") -> tuple[list[str], pd.DataFrame]:
    """Ids of the utterances that are kept, and the problems."""
    out = root.parent / "out"
    utterances.index_utterances(root, SPLIT, out / "u.parquet", out / "problems.csv", layout=LAYOUTS[layout], threads=2)
    return (
        pd.read_parquet(out / "u.parquet")["utterance_id"].tolist(),
        pd.read_csv(out / "problems.csv", keep_default_na=False),
    )


@pytest.fixture
def root(tmp_path) -> Path:
    """A corpus with one good utterance of half a second."""
    write_utterance(tmp_path / "corpus", GOOD)
    return tmp_path / "corpus"


def flac(**audio) -> Make:
    return lambda root: write_utterance(root, BAD, **audio)


def wav(**audio) -> Make:
    return lambda root: write_utterance(root, BAD, suffix=".wav", **audio)


def of_bytes(data: bytes, suffix: str = ".flac") -> Make:
    return lambda root: write_utterance(root, BAD, suffix=suffix).write_bytes(data)


def cut(make: Make, end: int) -> Make:
    """The file's bytes up to `end`."""

    def write(root: Path) -> None:
        path = make(root)
        path.write_bytes(path.read_bytes()[:end])

    return write


def patched(make: Make, offset: int, data: bytes) -> Make:
    """Other bytes at a place of the file's header."""

    def write(root: Path) -> Path:
        path = make(root)
        path.write_bytes(path.read_bytes()[:offset] + data + path.read_bytes()[offset + len(data) :])
        return path

    return write


def as_format(suffix: str, **how: str) -> Make:
    """Good audio in a format that the suffix does not say."""

    def write(root: Path) -> None:
        soundfile.write(write_utterance(root, BAD, suffix=suffix), noise(), 16000, **how)

    return write


def link_to_nowhere(root: Path) -> None:
    path = write_utterance(root, BAD)
    path.unlink()
    path.symlink_to("annexed/elsewhere.flac")


def with_one(value: float) -> np.ndarray:
    samples = noise()
    samples[100] = value
    return samples


def flac_length(samples: int) -> Make:
    """A FLAC with another number of samples in its header: the last 36 bits before the checksum of the audio."""
    return lambda root: patched(patched(flac(), 21, b"\xf0"), 22, samples.to_bytes(4, "big"))(root)


STEP = np.float32(2**-15)  # of 16 bits
SQUARE = np.sign(noise()) * STEP / 2  # the last bit, as dither leaves it

LEFT_OUT = {
    "no bytes": (of_bytes(b""), "empty", "the file has 0 bytes"),
    "no samples": (wav(samples=np.zeros(0, np.float32)), "empty", "no samples"),
    "a web page": (of_bytes(b"<html>not audio</html>"), "unreadable", "Format not recognised."),
    "samples without a header": (of_bytes(noise().tobytes(), ".wav"), "unreadable", "Format not recognised."),
    "an MPEG-4 file": (of_bytes(b"\0\0\0\x20ftypM4A " + bytes(500), ".wav"), "unreadable", "Format not recognised."),
    "a link to nowhere": (link_to_nowhere, "unreadable", "No such file or directory"),
    "a FLAC with changed bytes": (lambda root: flip_bytes(flac(samples=noise(2))(root)), "corrupt", "flac decoder"),
    "half a FLAC": (cut(flac(samples=noise(2)), -20000), "corrupt", "flac decoder lost sync"),
    "a FLAC's header alone": (cut(flac(), 42), "corrupt", "failed"),
    "half a FLAC's header": (cut(flac(), 20), "unreadable", "unimplemented format"),
    "a FLAC that promises more": (flac_length(9000), "corrupt", "psf_fseek() failed"),
    "a FLAC of no length, cut off": (cut(flac_length(0), -5), "truncated", "does not end with a whole frame of FLAC"),
    "half a WAV": (cut(wav(), -1000), "truncated", "15000 bytes of audio, its header says 16000"),
    "a WAV's header alone": (cut(wav(), 44), "truncated", "0 bytes of audio, its header says 16000"),
    "half a WAV's header": (cut(wav(), 30), "unreadable", "Error in WAV"),
    "a WAV without a rate": (patched(wav(), 24, struct.pack("<I", 0)), "unreadable", "incomplete"),
    "a WAV of no channels": (patched(wav(), 22, struct.pack("<H", 0)), "unreadable", "Channel count is zero"),
    "a WAV of an unknown codec": (patched(wav(), 20, struct.pack("<H", 0x161)), "unreadable", "Error in WAV"),
    "stereo": (flac(samples=np.stack([noise(), noise()], axis=1)), "not mono", "2 channels"),
    "six channels": (wav(samples=np.stack([noise()] * 6, axis=1)), "not mono", "6 channels"),
    "a NaN": (wav(samples=with_one(np.nan), subtype="FLOAT"), "not finite", "NaN or infinity"),
    "infinity": (wav(samples=with_one(-np.inf), subtype="DOUBLE"), "not finite", "NaN or infinity"),
    "integers as floats": (wav(samples=32768 * noise(), subtype="FLOAT"), "beyond full scale", "from -1 to 1"),
    "zeros": (flac(samples=np.zeros(8000)), "silent", "all of its samples are between 0 and 0"),
    "zeros of 8 bits": (wav(samples=np.zeros(8000), subtype="PCM_U8"), "silent", "between 0 and 0"),
    "a constant": (wav(samples=np.full(8000, 0.25)), "silent", "between 0.25 and 0.25"),
    "dither": (wav(samples=SQUARE, subtype="FLOAT"), "silent", "between -1.52588e-05 and 1.52588e-05"),
    "one sample": (flac(samples=noise()[:1]), "too short", "6.25e-05 s; models need 0.1 s"),
    "a click": (wav(samples=noise()[:1599]), "too short", "0.0999375 s"),
    "one sample a second": (wav(rate=1), "impossible rate", "1 Hz; speech has 4000 to 1000000 Hz"),
    "a rate of gigahertz": (wav(rate=2_000_000_000), "impossible rate", "2000000000 Hz; speech has 4000 to 1000000 Hz"),
    "no transcript": (flac(text=None), "no transcript", "looked for a line that begins with"),
    "an empty transcript": (flac(text=""), "no transcript", "its transcript is empty"),
    "a transcript of spaces": (flac(text="  \t "), "no transcript", "its transcript is empty"),
}


@pytest.mark.parametrize(("make", "problem", "detail"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_cannot_be_used_is_left_out_and_named(root, caplog, make, problem, detail):
    make(root)
    with caplog.at_level(logging.WARNING):
        kept, problems = index(root)
    assert kept == [GOOD]
    (row,) = problems.to_dict("records")
    assert (row["utterance_id"], row["problem"]) == (BAD, problem)
    assert row["audio_path"].startswith(f"LibriSpeech/{SPLIT}/1/2/{BAD}.")
    assert detail in row["detail"]
    assert str(root) not in row["detail"]
    assert any(BAD in message and problem in message for message in caplog.messages)


IN_DOUBT = {
    "clipped": (flac(samples=np.clip(2.5 * noise(), -1, 1)), "clipped", "kept; 20.6% of its samples are at full scale"),
    "clipped, of 8 bits": (
        wav(samples=np.clip(2.5 * noise(), -1, 1), subtype="PCM_U8"), "clipped", "kept; 20.8% of its samples"
    ),
    "a text of another": (
        flac(text="THIS IS MORE THAN ANYBODY SAYS"), "too much text", "kept; 50 letters a second: another's transcript"
    ),
    "16 kHz that is called 48": (
        wav(rate=48000, text="A WORD"), "too much text", "kept; 30 letters a second: another's transcript, or a wrong"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "problem", "detail"), IN_DOUBT.values(), ids=IN_DOUBT)
def test_what_is_doubtful_is_kept_and_named(root, make, problem, detail):
    make(root)
    kept, problems = index(root)
    assert kept == [GOOD, BAD]
    (row,) = problems.to_dict("records")
    assert (row["utterance_id"], row["problem"]) == (BAD, problem)
    assert row["detail"].startswith(detail)


def test_two_doubts_are_two_rows(root):
    flac(samples=np.ones(8000) * np.sign(noise()), text="THIS IS MORE THAN ANYBODY SAYS")(root)
    kept, problems = index(root)
    assert kept == [GOOD, BAD]
    assert problems["problem"].tolist() == ["clipped", "too much text"]


HARMLESS = {
    "8 bits": wav(subtype="PCM_U8"),
    "8 bits of FLAC": flac(subtype="PCM_S8"),
    "24 bits": wav(subtype="PCM_24"),
    "floats": wav(subtype="FLOAT"),
    "doubles": wav(subtype="DOUBLE"),
    "telephone codec": wav(subtype="ULAW"),
    "floats a little beyond full scale": wav(samples=with_one(1.2), subtype="FLOAT"),
    "very quiet": wav(samples=noise() / 5000, subtype="FLOAT"),
    "half of it zeros": flac(samples=np.append(noise(0.25), np.zeros(4000, np.float32))),
    "one sample at full scale": flac(samples=with_one(-1.0)),
    "an eighth of the rate": wav(samples=noise(0.5, 4000), rate=4000),
    "studio rate": flac(samples=noise(0.5, 96000), rate=96000),
    "a WAV that is called FLAC": as_format(".flac", format="WAV"),
    "a FLAC that is called WAV": as_format(".wav", format="FLAC"),
    "an Ogg that is called WAV": as_format(".wav", format="OGG"),
    "an MP3 that is called WAV": as_format(".wav", format="MP3"),
    "an AIFF that is called FLAC": as_format(".flac", format="AIFF"),
    "a FLAC of no length": flac_length(0),
    "a tenth of a second": wav(samples=noise(0.1), text="A"),
}


@pytest.mark.parametrize("make", HARMLESS.values(), ids=HARMLESS)
def test_what_is_unusual_but_sound_is_kept_without_a_word(root, make):
    make(root)
    kept, problems = index(root)
    assert kept == [GOOD, BAD]
    assert problems.empty


@pytest.mark.parametrize(("suffix", "how"), [(".wav", "FLAC"), (".flac", "WAV"), (".flac", "AIFF")])
def test_a_format_that_the_suffix_does_not_say_is_read_as_it_is(tmp_path, suffix, how):
    path = write_audio(tmp_path / f"one{suffix}")
    soundfile.write(path, noise(), 16000, format=how)
    right = write_audio(tmp_path / "right.flac")
    np.testing.assert_allclose(read_waveform(path), read_waveform(right), atol=2**-15)  # each format rounds as it does


def test_all_of_it_at_once_costs_only_what_is_bad(tmp_path):
    root, good, bad = tmp_path / "corpus", [], []
    for number, (make, _, _) in enumerate(LEFT_OUT.values()):
        make(tmp_path / "made" / str(number))
        good.append(f"{number}-0-0000")
        bad.append(f"{number}-1-0000")
        write_utterance(root, good[-1])
        folder = chapter_folder(root, bad[-1])
        shutil.copytree(chapter_folder(tmp_path / "made" / str(number), BAD), folder, symlinks=True)
        for path in folder.iterdir():
            if path.suffix == ".txt":
                path.write_text(path.read_text().replace(BAD, bad[-1]))
            else:
                path.rename(folder / f"{bad[-1]}{path.suffix}")
    kept, problems = index(root)
    assert kept == sorted(good)
    assert problems["utterance_id"].tolist() == sorted(bad)


def test_a_decoder_that_stops_early_is_noticed(root, monkeypatch):
    write_utterance(root, BAD, samples=noise(0.25))
    monkeypatch.setattr("soundfile.SoundFile.frames", property(lambda audio: 8000))
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems["detail"].tolist() == ["4000 samples, its header says 8000"]


@pytest.mark.parametrize("place", [0, 999, 1000, 7999])
def test_every_block_is_looked_at(tmp_path, monkeypatch, place):
    monkeypatch.setattr(recording_checks, "_BLOCK_SAMPLES", 1000)
    samples = np.zeros(8000, np.float32)
    samples[place] = 0.5
    assert examine(write_audio(tmp_path / "a.wav", samples, subtype="FLOAT")) == Sound(8000, 16000, [])
    samples[place] = np.nan
    assert examine(write_audio(tmp_path / "b.wav", samples, subtype="FLOAT")) == Fault(
        "not finite", "it holds NaN or infinity"
    )


# Ends: a recording that lost its end is named, one that has it is whole, whatever its header says

# What libsndfile can write and read again, mono, at 16 kHz unless it can't.
FORMATS = [
    ("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AIFF", "IMA_ADPCM"), ("AIFF", "GSM610"), ("AU", "PCM_16"), ("AU", "ULAW"),
    ("AU", "G721_32"), ("AVR", "PCM_16"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"),
    ("HTK", "PCM_16"), ("SVX", "PCM_S8"), ("SVX", "PCM_16"), ("MAT4", "PCM_16"), ("MAT4", "DOUBLE"), ("MAT5", "PCM_16"),
    ("MAT5", "FLOAT"), ("MPC2K", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("PAF", "PCM_16"), ("PVF", "PCM_16"), ("RF64", "PCM_16"), ("SD2", "PCM_16"), ("SDS", "PCM_16"), ("IRCAM", "PCM_16"),
    ("VOC", "PCM_16"), ("VOC", "PCM_U8"), ("W64", "PCM_16"), ("W64", "IMA_ADPCM"), ("WAV", "PCM_16"), ("WAV", "PCM_24"),
    ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"), ("NIST", "PCM_16"), ("NIST", "ULAW"),
    ("WAVEX", "PCM_16"), ("WVE", "ALAW"), ("XI", "DPCM_16"),
]  # fmt: skip
UNTOLD = ("PAF", "PVF", "IRCAM", "XI", "SD2")  # no header of these says how long the audio is


def encoded(path: Path, form: str = "WAV", subtype: str | None = None, seconds: float = 1.0, **how) -> bytes:
    """The bytes of a file of noise, which is written to `path`."""
    rate = {"WVE": 8000, "XI": 44100}.get(form, 16000)
    soundfile.write(path, noise(seconds, rate) / 2, rate, format=form, subtype=subtype, **how)
    return path.read_bytes()


def examined(path: Path, data: bytes) -> Sound | Fault:
    path.write_bytes(data)
    return examine(path)


def kept(path: Path, data: bytes) -> int:
    """Samples of a file of which nothing is said; what is read later is the same."""
    sound = examined(path, data)
    assert isinstance(sound, Sound), sound
    assert not sound.doubts
    waveform = read_waveform(path, 0.0, sound.duration)
    assert len(waveform) == len(read_waveform(path)) == round(sound.duration * 16000)
    np.testing.assert_allclose(read_waveform(path, 0.25, 0.25), waveform[4000:8000], atol=1e-6)
    return sound.num_samples


def test_every_format_of_libsndfile_is_tried():
    assert {form for form, _ in FORMATS} == soundfile.available_formats().keys() - {"RAW"}  # RAW has no header


@pytest.mark.parametrize(("form", "subtype"), FORMATS)
def test_no_format_loses_its_end_in_silence(tmp_path, form, subtype):
    path = tmp_path / "a.audio"
    data = encoded(path, form, subtype)
    whole = examine(path)
    assert isinstance(whole, Sound)
    blocks = 0 if subtype.startswith(("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW", "DPCM")) else 1100
    rate = {"WVE": 8000, "XI": 44100}.get(form, 16000)
    assert rate <= whole.num_samples <= rate + blocks
    for share in (0.3, 0.5, 0.9, 0.99):
        found = examined(path, data[: int(len(data) * share)])
        if form in UNTOLD:
            assert isinstance(found, Sound)
            assert found.num_samples < whole.num_samples
            assert [doubt.problem for doubt in found.doubts] == ["of untold length"]
        else:
            assert isinstance(found, Fault)
            assert found.problem == {"FLAC": "corrupt", "HTK": "unreadable"}.get(form, "truncated")


@pytest.mark.parametrize(
    ("form", "subtype"), [("WAV", "IMA_ADPCM"), ("WAV", "GSM610"), ("CAF", "ALAC_20"), ("AU", "G721_32")]
)
def test_where_the_last_byte_costs_a_block_it_is_missed(tmp_path, form, subtype):
    path = tmp_path / "a.audio"
    assert examined(path, encoded(path, form, subtype)[:-1]).problem == "truncated"


def test_a_cut_is_seen_behind_a_long_header(tmp_path):
    """Longer than libsndfile's log."""
    path = tmp_path / "a.wav"
    data = encoded(path)
    notes = b"".join(b"I%03d" % number + struct.pack("<I", 200) + bytes(200) for number in range(40))
    notes = b"LIST" + struct.pack("<I", len(notes) + 4) + b"INFO" + notes
    assert kept(path, data[:36] + notes + data[36:]) == 16000
    assert examined(path, (data[:36] + notes + data[36:])[:-9000]) == Fault(
        "truncated", "23000 bytes of audio, its header says 32000"
    )


PLACEHOLDERS = [
    0, 0x7FFFF000, 0x7FFFF024, 0x7FFFFFDB, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFDB, 0xFFFFFFFF, 0x7F000008
]  # fmt: skip


@pytest.mark.parametrize("size", PLACEHOLDERS, ids=hex)
def test_a_wav_whose_header_was_never_completed_is_whole(tmp_path, size):
    data = bytearray(encoded(tmp_path / "a.wav"))
    for riff in (32036, 0, 8, 36, 0xFFFFFFFF, 0x7FFFF024):
        struct.pack_into("<I", data, 4, riff)
        struct.pack_into("<I", data, 40, size)
        assert kept(tmp_path / "a.wav", data) == 16000


@pytest.mark.parametrize(
    ("form", "subtype", "mark", "behind", "layout", "besides"),
    [
        ("WAVEX", "PCM_16", b"data", 4, "<I", 0),
        ("WAV", "ULAW", b"data", 4, "<I", 0),
        ("AIFF", "PCM_16", b"SSND", 4, ">I", 8),
        ("AU", "PCM_16", b".snd", 8, ">I", 0),
        ("SVX", "PCM_16", b"BODY", 4, ">I", 0),
        ("RF64", "PCM_16", b"ds64", 16, "<Q", 0),
        ("W64", "PCM_16", b"data", 16, "<Q", 24),
        ("CAF", "PCM_16", b"data", 4, ">Q", 4),
    ],
)
def test_so_is_any_other_of_the_kind(tmp_path, form, subtype, mark, behind, layout, besides):
    data = bytearray(encoded(tmp_path / "a.wav", form, subtype))
    place = data.index(mark) + behind
    for size in (*PLACEHOLDERS, *((2**64 - 1, 2**63, 2**63 - 1) if layout == "<Q" else ())):
        struct.pack_into(layout, data, place, size or besides)
        assert kept(tmp_path / "a.wav", data) == 16000


def test_an_empty_wav_with_other_chunks_is_empty(tmp_path):
    data = encoded(tmp_path / "a.wav", seconds=0)
    assert examined(tmp_path / "a.wav", data + b"LIST\6\0\0\0INFOab") == Fault("empty", "no samples")


@pytest.mark.parametrize("more", [1, 2, 8, 16, 36, 44])
def test_a_header_that_counts_itself_as_audio_does_no_harm(tmp_path, more):
    data = bytearray(encoded(tmp_path / "a.wav"))
    struct.pack_into("<I", data, 40, 32000 + more)
    assert kept(tmp_path / "a.wav", data) == 16000
    struct.pack_into("<I", data, 4, 32036 + more)  # now nothing tells it from a file that lost its last bytes
    assert examined(tmp_path / "a.wav", data) == Sound(
        16000, 16000, [Fault("a little short", f"kept; 32000 bytes of audio, its header says {32000 + more}")]
    )


@pytest.mark.parametrize(("fewer", "samples"), [(1, 15999), (2, 15999), (36, 15982), (72, 15964)])
@pytest.mark.parametrize("form", ["WAV", "WAVEX", "AIFF", "AU", "W64", "RF64", "NIST"])
def test_two_milliseconds_are_not_missed_but_named(tmp_path, form, fewer, samples):
    found = examined(tmp_path / "a.wav", encoded(tmp_path / "a.wav", form, "PCM_16")[:-fewer])
    assert (found.num_samples, [doubt.problem for doubt in found.doubts]) == (samples, ["a little short"])


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "AIFF", "AU", "W64", "RF64", "NIST"])
def test_three_milliseconds_are_missed(tmp_path, form):
    assert examined(tmp_path / "a.wav", encoded(tmp_path / "a.wav", form, "PCM_16")[:-96]).problem == "truncated"


@pytest.mark.parametrize(
    ("form", "subtype"),
    [pair for pair in FORMATS if pair[0] not in (*UNTOLD, "HTK", "VOC")],  # HTK has to be of one length
)
def test_what_follows_the_audio_is_no_audio(tmp_path, form, subtype):
    path = tmp_path / "a.audio"
    data = encoded(path, form, subtype)
    whole = examine(path)
    for tail in (bytes(1000), b"\x55" * 1001, b"LIST\6\0\0\0INFOab", b"TAG" + b"x" * 125):
        assert examined(path, data + tail) == whole


def test_blocks_of_creative_voice_are_not_read_as_samples(tmp_path):
    data = encoded(tmp_path / "a.voc", "VOC", "PCM_16")
    assert "several blocks" in examined(tmp_path / "a.voc", data[:-1] + b"\2\4\0\0abcd\0").detail


def test_a_header_that_comes_twice_is_refused(tmp_path):
    """As libsndfile writes W64 and CAF to a pipe."""
    data = bytearray(encoded(tmp_path / "a.caf", "CAF", "PCM_16"))
    start = data.index(b"data")
    struct.pack_into(">Q", data, start + 4, 4)
    assert "comes again" in examined(tmp_path / "a.caf", data[: start + 16] + data).detail


def test_codecs_that_cannot_seek_are_read_from_any_place(tmp_path):
    path = tmp_path / "a.wav"
    assert kept(path, encoded(path, "WAV", "GSM610")) == 16000


# MPEG: a first frame that counts the others is what encoders write where they can go back


def mp3(path: Path, samples: np.ndarray) -> tuple[bytes, bytes, int]:
    """The frame that counts, the frames that it counts, and how many they are: 576 samples each at 16 kHz."""
    soundfile.write(path, samples, 16000, format="MP3", bitrate_mode="VARIABLE", compression_level=0.3)
    data = path.read_bytes()
    at = data.index(b"Info") if b"Info" in data else data.index(b"Xing")
    size = data.index(data[:2], at)
    return data[:size], data[size:], struct.unpack_from(">I", data, at + 8)[0]


QUIET_FIRST = np.append(noise(1.5) / 300, noise(1.5))
LOUD_FIRST = np.append(noise(1.5), noise(1.5) / 300)
PICTURE = b"ID3\4\0\0\0\3\x60\0" + b"\xff\xfb\x90\x64" * 15360  # with what looks like frames


@pytest.mark.parametrize("samples", [QUIET_FIRST, LOUD_FIRST], ids=["quiet first", "loud first"])
@pytest.mark.parametrize("before", [b"", PICTURE + bytes(500)], ids=["", "with a picture"])
@pytest.mark.parametrize("after", [b"", b"TAG" + bytes(125), bytes(3000)], ids=["", "with a tag", "with zeros"])
def test_the_length_of_an_mp3_is_never_a_guess(tmp_path, samples, before, after):
    path = tmp_path / "a.mp3"
    count, frames, counted = mp3(path, samples)
    with_count = read_waveform(path)
    assert kept(path, before + count + frames + after) == len(samples) == len(with_count)
    assert kept(path, before + frames + after) == 576 * counted
    delay = 576 + 529  # of encoder and decoder, which only the count tells
    np.testing.assert_allclose(read_waveform(path)[delay : delay + len(samples)], with_count, atol=1e-5)
    vbri = count[:4] + bytes(32) + b"VBRI" + bytes(len(count) - 40)
    assert kept(path, before + vbri + frames + after) == 576 * counted
    uncounted = count.replace(b"Info\0\0\0\x0f", b"Info\0\0\0\0").replace(b"Xing\0\0\0\x0f", b"Xing\0\0\0\0")
    assert kept(path, before + uncounted + frames + after) == 576 * counted


@pytest.mark.parametrize("tag", [b"", b"TAG" + bytes(125)], ids=["", "with a tag"])
@pytest.mark.parametrize("fewer", [1, 100, 4000, 9001])
def test_an_mp3_that_is_cut_within_a_frame_is_named(tmp_path, fewer, tag):
    path = tmp_path / "a.mp3"
    count, frames, _ = mp3(path, LOUD_FIRST)
    assert examined(path, frames[:-fewer] + tag).problem == "truncated"
    assert examined(path, (count + frames)[:-fewer] + tag).problem == "truncated"


def test_an_mp3_that_lost_whole_frames_is_named_where_they_are_counted(tmp_path):
    path = tmp_path / "a.mp3"
    count, frames, counted = mp3(path, LOUD_FIRST)
    last = frames.rindex(frames[:2])
    assert (
        examined(path, count + frames[:last]).detail == f"{counted - 1} frames of MPEG audio, its header says {counted}"
    )


def test_mp3s_that_were_joined_are_read_to_the_end(tmp_path):
    path = tmp_path / "a.mp3"
    count, frames, counted = mp3(path, QUIET_FIRST)
    assert kept(path, 2 * (count + frames)) == 576 * (2 * counted + 1)  # the second count is a frame of silence


# FLAC to a pipe: neither length nor checksum of the whole


@pytest.mark.parametrize("seconds", [0.5, 1.0, 40.0])  # 4096 samples a frame; the number of the last takes two bytes
def test_a_flac_of_no_length_is_whole_or_named(tmp_path, seconds):
    path = tmp_path / "a.flac"
    data = bytearray(encoded(path, "FLAC", seconds=seconds))
    data[21:42] = bytes((data[21] & 0xF0,)) + bytes(20)
    assert kept(path, data) == round(seconds * 16000)
    for fewer in (1, 2, 300, len(data) // 2):
        assert examined(path, data[:-fewer]).problem == "truncated"


# Ogg


def pages(data: bytes) -> list[bytes]:
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_has_its_last_page_and_all_before_it(tmp_path, subtype):
    path = tmp_path / "a.ogg"
    data = encoded(path, "OGG", subtype, seconds=5)
    parts = pages(data)
    assert kept(path, data) == 80000
    assert examined(path, b"".join(parts[:-1])).problem == "truncated"
    assert examined(path, data[:-1]).problem == "truncated"
    assert examined(path, b"".join(parts[:3] + parts[4:])).problem == "corrupt"
    damaged = parts[3][:-9] + bytes((parts[3][-9] ^ 1,)) + parts[3][-8:]
    assert examined(path, b"".join((*parts[:3], damaged, *parts[4:]))).problem == "corrupt"
    assert examined(path, data + data).problem == "unreadable"  # libsndfile would read the first alone


# Recordings and alignments


def test_a_recording_without_a_place_in_the_layout_is_named(root):
    write_audio(chapter_folder(root, GOOD) / "noise.flac")
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["noise", "bad name"]]


def test_a_transcript_line_without_audio_is_named(root):
    write_utterance(root, BAD).unlink()
    kept, problems = index(root)
    assert kept == [GOOD]
    assert problems[["utterance_id", "audio_path", "problem"]].to_numpy().tolist() == [[BAD, "", "no audio"]]


def test_where_no_transcript_says_what_there_should_be_a_link_to_nowhere_is_named_too(tmp_path):
    """As git-annex leaves it where the audio was not fetched."""
    write_audio(tmp_path / "corpus/anna/one.wav")
    (tmp_path / "corpus/anna/two.wav").symlink_to("nowhere")
    kept, problems = index(tmp_path / "corpus", "flat")
    assert kept == ["one"]
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["two", "unreadable"]]


def test_a_transcript_that_is_not_utf8_is_an_error(root):
    (chapter_folder(root, GOOD) / "1-2.trans.txt").write_bytes(b"1-2-0000 CAF\xc9\n")
    with pytest.raises(CorpusError, match=r"1-2\.trans\.txt is not UTF-8"):
        index(root)


def test_a_transcript_that_is_a_link_to_nowhere_is_an_error(root):
    (chapter_folder(root, GOOD) / "3-4.trans.txt").symlink_to("nowhere")
    with pytest.raises(CorpusError, match=r"3-4\.trans\.txt cannot be read: No such file"):
        index(root)


# Afterwards: what became of a recording between its indexing and its use


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.unlink(), "No such file|System error"),
        (lambda path: path.write_bytes(b""), "Format not recognised"),
        (lambda path: write_audio(path, np.stack([noise()] * 2, axis=1)), "has 2 channels"),
        (lambda path: write_audio(path, noise(0.25)), r"has 0\.25 s from 0 s on, 0\.5 s were expected"),
    ],
    ids=["gone", "emptied", "stereo", "shorter"],
)
def test_a_recording_that_is_another_by_now_is_an_error_that_names_it(tmp_path, make, words):
    path = write_audio(tmp_path / "a.wav")
    assert examine(path) == Sound(8000, 16000, [])
    make(path)
    with pytest.raises(AudioError, match=rf"a\.wav.*({words})"):
        read_waveform(path, 0.0, 0.5)
