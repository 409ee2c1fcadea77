"""Synthesised speech: exact times, the same bytes each time."""

import ctypes
import re
from itertools import pairwise

import numpy as np
import pytest

from layerwise.alignments.arpabet import PHONES, VOWELS
from layerwise.constants import SAMPLE_RATE
from layerwise.demo import flite
from layerwise.demo.contents import measure
from layerwise.demo.corpus import make_demo
from layerwise.demo.flite import SILENCE, Flite, MissingEngineError, SynthesisError, without_stress
from layerwise.demo.packing import flac
from layerwise.demo.speakers import Prompt, demo_speakers
from layerwise.demo.synthesis import synthesise
from layerwise.errors import LayerwiseError


@pytest.fixture(scope="module")
def engine():
    """Flite, or the reason why tests that speak are skipped."""
    try:
        ctypes.CDLL("libflite.so.1")
    except OSError:
        pytest.skip("libflite.so.1 is not installed (Debian package libflite1)")
    return Flite()


def prompt(text: str = "she measured the usual treasure, but he took the toy", speaker: int = 0, seed: int = 5):
    return Prompt("9001-90011-0000", demo_speakers()[speaker], text, seed)


def edges(segments) -> set[float]:
    return {edge for segment in segments for edge in (segment.start, segment.end)}


class TestSpeaking:
    def test_the_same_seed_gives_the_same_bytes(self, engine):
        first = synthesise(engine, prompt())
        # Another voice in between: nothing of it may linger in flite.
        synthesise(engine, prompt(speaker=13))
        second = synthesise(engine, prompt())
        assert flac(first.samples) == flac(second.samples)
        assert (first.phones, first.words) == (second.phones, second.words)

    def test_another_seed_changes_the_sound_but_not_the_times(self, engine):
        first, second = (synthesise(engine, prompt(seed=seed)) for seed in (5, 6))
        assert first.phones == second.phones
        assert not np.array_equal(first.samples, second.samples)

    @pytest.mark.parametrize("speaker", range(18))
    def test_segments_tile_the_utterance(self, engine, speaker):
        utterance = synthesise(engine, prompt(speaker=speaker))
        duration = utterance.samples.size / SAMPLE_RATE
        for segments in (utterance.phones, utterance.words):
            assert segments[0].start == 0.0
            assert segments[-1].end == duration
            assert all(one.end == next_one.start for one, next_one in pairwise(segments))
            assert all(segment.start < segment.end for segment in segments)
        assert utterance.samples.size % 160 == 0
        assert edges(utterance.words) <= edges(utterance.phones)

    def test_phones_are_arpabet_with_stress_on_vowels(self, engine):
        utterance = synthesise(engine, prompt())
        phones = [phone.label for phone in utterance.phones if phone.label != SILENCE]
        assert {without_stress(phone) for phone in phones} <= set(PHONES)
        assert all((phone[-1] in "012") == (without_stress(phone) in VOWELS) for phone in phones)
        assert phones[:7] == ["SH", "IY1", "M", "EH1", "ZH", "ER0", "D"]

    def test_the_words_are_those_of_the_text(self, engine):
        utterance = synthesise(engine, prompt())
        assert utterance.text == "SHE MEASURED THE USUAL TREASURE BUT HE TOOK THE TOY"

    def test_a_repeated_word_is_two_words(self, engine):
        words = engine.read("now now", "slt", stretch=1.0, pitch_hertz=175.0, seed=0).words
        assert [word.label for word in words] == ["now", "now"]

    def test_silence_is_quiet_and_speech_is_not(self, engine):
        utterance = synthesise(engine, prompt())
        level = {True: [], False: []}
        for word in utterance.words:
            first, last = (round(edge * SAMPLE_RATE) for edge in (word.start, word.end))
            level[bool(word.label)].append(np.abs(utterance.samples[first:last].astype(float)).mean())
        assert max(level[False]) < 0.2 * min(level[True])

    def test_a_warp_stretches_all_times(self, engine):
        speaker = demo_speakers()[0]
        reading = engine.read("the boy", speaker.voice, speaker.stretch, speaker.pitch_hertz, seed=5)
        utterance = synthesise(engine, prompt("the boy"))
        expected = [phone.end * speaker.up / speaker.down for phone in reading.phones[:-1]]
        assert [phone.end for phone in utterance.phones[:-1]] == pytest.approx(expected, abs=5e-5)
        assert utterance.samples.size == pytest.approx(reading.samples.size * speaker.up / speaker.down, abs=160)

    @pytest.mark.parametrize("text", ["room 12", "", "...", "café"])
    def test_a_text_that_is_not_spoken_as_written_is_refused(self, engine, text):
        with pytest.raises(SynthesisError, match=re.escape(repr(text)) + "|twelve"):
            engine.read(text, "slt", stretch=1.0, pitch_hertz=175.0, seed=0)

    def test_archives_come_out_the_same_twice(self, engine, tmp_path):
        first, second = (make_demo(tmp_path / name, utterances=20, seed=3) for name in ("one", "two"))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
        other = make_demo(tmp_path / "three", utterances=20, seed=4)
        assert first[0].read_bytes() != other[0].read_bytes()
        figures = measure(*first)
        assert (figures.utterances, figures.speakers) == (20, 18)


def test_a_missing_library_names_its_package(monkeypatch):
    def absent(name, mode=None):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(flite.ctypes, "CDLL", absent)
    with pytest.raises(MissingEngineError, match=r"libflite\.so\.1.*libflite1") as caught:
        Flite()
    assert isinstance(caught.value, LayerwiseError)
