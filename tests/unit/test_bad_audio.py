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

from layerwise import corpus, examining
from layerwise.audio import AudioError, read_waveform
from layerwise.corpus import CorpusError
from layerwise.examining import Fault, Sound, examine
from tiny_corpus import LAYOUTS, SPLIT, chapter_folder, flip_bytes, noise, write_audio, write_utterance

GOOD, BAD = "1-2-0000", "1-2-0001"  # two utterances of one chapter
Make = Callable[[Path], object]  # adds BAD to a corpus


def index(root: Path, layout: str = "librispeech") -> tuple[list[str], pd.DataFrame]:
    """Ids of the utterances that are kept, and the problems."""
    out = root.parent / "out"
    corpus.index_utterances(root, SPLIT, out / "u.parquet", out / "problems.csv", layout=LAYOUTS[layout], threads=2)
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
    "a FLAC of no length": (flac_length(0), "unreadable", "its header gives no number of samples"),
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
    "one sample a second": (wav(rate=1), "impossible rate", "1 Hz; 4000 Hz is the least"),
    "a rate of gigahertz": (wav(rate=2_000_000_000), "too short", "4e-06 s"),
    "no transcript": (flac(text=None), "no transcript", "there is none of this name"),
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
    monkeypatch.setattr(examining, "_BLOCK_SAMPLES", 1000)
    samples = np.zeros(8000, np.float32)
    samples[place] = 0.5
    assert examine(write_audio(tmp_path / "a.wav", samples, subtype="FLOAT")) == Sound(8000, 16000, [])
    samples[place] = np.nan
    assert examine(write_audio(tmp_path / "b.wav", samples, subtype="FLOAT")) == Fault(
        "not finite", "it holds NaN or infinity"
    )


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
