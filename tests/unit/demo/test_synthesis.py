"""Synthesised speech: exact times, the same bytes each time, and a shipped corpus that is large enough to analyse."""

import ctypes
import io
import random
import re
import tarfile
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from layerwise.alignments.arpabet import PHONES, VOWELS
from layerwise.demo import synthesis
from layerwise.demo.synthesis import SILENCE, Flite, Grammar, Prompt, Segment, SynthesisError, Utterance
from layerwise.errors import LayerwiseError

DEMO = Path(__file__).parents[3] / "resources" / "demo"
AUDIO, ALIGNMENTS = synthesis.archive_paths(DEMO)
LARGEST = 20_000_000


@pytest.fixture(scope="module")
def engine():
    """Flite, or the reason why tests that speak are skipped."""
    try:
        ctypes.CDLL("libflite.so.1")
    except OSError:
        pytest.skip("libflite.so.1 is not installed (Debian package libflite1)")
    return Flite()


def prompt(text: str = "she measured the usual treasure, but he took the toy", speaker: int = 0, seed: int = 5):
    return Prompt("9001-90011-0000", synthesis.demo_speakers()[speaker], text, seed)


def edges(segments) -> set[float]:
    return {edge for segment in segments for edge in (segment.start, segment.end)}


def silent_utterance(identifier: str) -> Utterance:
    """Half a second of one word in near silence, made without flite."""
    samples = np.random.default_rng(3).integers(-9, 9, size=8000).astype(np.int16)
    words = (Segment("", 0.0, 0.1), Segment("a", 0.1, 0.4321), Segment("", 0.4321, 0.5))
    phones = (Segment("sil", 0.0, 0.1), Segment("AH0", 0.1, 0.4321), Segment("sil", 0.4321, 0.5))
    return Utterance(identifier, samples, phones, words)


class TestSpeaking:
    def test_the_same_seed_gives_the_same_bytes(self, engine):
        first = synthesis.synthesise(engine, prompt())
        # Another voice in between: nothing of it may linger in flite.
        synthesis.synthesise(engine, prompt(speaker=13))
        second = synthesis.synthesise(engine, prompt())
        assert synthesis.flac(first.samples) == synthesis.flac(second.samples)
        assert (first.phones, first.words) == (second.phones, second.words)

    def test_another_seed_changes_the_sound_but_not_the_times(self, engine):
        first, second = (synthesis.synthesise(engine, prompt(seed=seed)) for seed in (5, 6))
        assert first.phones == second.phones
        assert not np.array_equal(first.samples, second.samples)

    @pytest.mark.parametrize("speaker", range(18))
    def test_segments_tile_the_utterance(self, engine, speaker):
        utterance = synthesis.synthesise(engine, prompt(speaker=speaker))
        duration = utterance.samples.size / synthesis.SAMPLE_RATE
        for segments in (utterance.phones, utterance.words):
            assert segments[0].start == 0.0
            assert segments[-1].end == duration
            assert all(one.end == next_one.start for one, next_one in pairwise(segments))
            assert all(segment.start < segment.end for segment in segments)
        assert utterance.samples.size % 160 == 0
        assert edges(utterance.words) <= edges(utterance.phones)

    def test_phones_are_arpabet_with_stress_on_vowels(self, engine):
        utterance = synthesis.synthesise(engine, prompt())
        phones = [phone.label for phone in utterance.phones if phone.label != SILENCE]
        assert {synthesis.without_stress(phone) for phone in phones} <= set(PHONES)
        assert all((phone[-1] in "012") == (synthesis.without_stress(phone) in VOWELS) for phone in phones)
        assert phones[:7] == ["SH", "IY1", "M", "EH1", "ZH", "ER0", "D"]

    def test_the_words_are_those_of_the_text(self, engine):
        utterance = synthesis.synthesise(engine, prompt())
        assert utterance.text == "SHE MEASURED THE USUAL TREASURE BUT HE TOOK THE TOY"

    def test_a_repeated_word_is_two_words(self, engine):
        words = engine.read("now now", "slt", stretch=1.0, pitch_hertz=175.0, seed=0).words
        assert [word.label for word in words] == ["now", "now"]

    def test_silence_is_quiet_and_speech_is_not(self, engine):
        utterance = synthesis.synthesise(engine, prompt())
        level = {True: [], False: []}
        for word in utterance.words:
            first, last = (round(edge * synthesis.SAMPLE_RATE) for edge in (word.start, word.end))
            level[bool(word.label)].append(np.abs(utterance.samples[first:last].astype(float)).mean())
        assert max(level[False]) < 0.2 * min(level[True])

    def test_a_warp_stretches_all_times(self, engine):
        speaker = synthesis.demo_speakers()[0]
        reading = engine.read("the boy", speaker.voice, speaker.stretch, speaker.pitch_hertz, seed=5)
        utterance = synthesis.synthesise(engine, prompt("the boy"))
        expected = [phone.end * speaker.up / speaker.down for phone in reading.phones[:-1]]
        assert [phone.end for phone in utterance.phones[:-1]] == pytest.approx(expected, abs=5e-5)
        assert utterance.samples.size == pytest.approx(reading.samples.size * speaker.up / speaker.down, abs=160)

    @pytest.mark.parametrize("text", ["room 12", "", "...", "café"])
    def test_a_text_that_is_not_spoken_as_written_is_refused(self, engine, text):
        with pytest.raises(SynthesisError, match=re.escape(repr(text)) + "|twelve"):
            engine.read(text, "slt", stretch=1.0, pitch_hertz=175.0, seed=0)

    def test_archives_come_out_the_same_twice(self, engine, tmp_path):
        first, second = (synthesis.make_demo(tmp_path / name, utterances=20, seed=3) for name in ("one", "two"))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
        other = synthesis.make_demo(tmp_path / "three", utterances=20, seed=4)
        assert first[0].read_bytes() != other[0].read_bytes()
        figures = synthesis.measure(*first)
        assert (figures.utterances, figures.speakers) == (20, 18)


def test_a_missing_library_names_its_package(monkeypatch):
    def absent(name, mode=None):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(synthesis.ctypes, "CDLL", absent)
    with pytest.raises(synthesis.MissingEngineError, match=r"libflite\.so\.1.*libflite1") as caught:
        Flite()
    assert isinstance(caught.value, LayerwiseError)


SMALL = Grammar(("the {thing} {verb}", "a {thing}"), {"thing": ("b", "c", "d"), "verb": ("runs", "hums")})
SPOKEN = {word: (word[0].upper(),) for word in SMALL.vocabulary}


class TestSentences:
    def test_the_vocabulary_is_all_words(self):
        assert SMALL.vocabulary == ("a", "b", "c", "d", "hums", "runs", "the")

    def test_sentences_are_distinct_and_depend_on_the_seed_alone(self):
        first = synthesis.draw_sentences(SMALL, SPOKEN, 7, seed=1)
        assert first == synthesis.draw_sentences(SMALL, SPOKEN, 7, seed=1)
        assert len(set(first)) == 7

    def test_more_sentences_than_there_are_is_an_error(self):
        with pytest.raises(SynthesisError, match="of 10: ask for fewer"):
            synthesis.draw_sentences(SMALL, SPOKEN, 10, seed=1)

    def test_drawing_is_more_even_than_chance(self):
        phones = {word: tuple(word.upper()) for word in synthesis.GRAMMAR.vocabulary}

        def rarest(sentences):
            return min(Counter(word for sentence in sentences for word in sentence.split()).values())

        draw = random.Random(1)
        by_chance = [synthesis.GRAMMAR.sentence(draw) for _ in range(150)]
        assert rarest(synthesis.draw_sentences(synthesis.GRAMMAR, phones, 150, seed=1)) > rarest(by_chance)

    def test_prompts_are_in_order_in_two_chapters_of_each_speaker(self):
        speakers = synthesis.demo_speakers()
        prompts = synthesis.assign_prompts([f"sentence {index}" for index in range(60)], speakers, seed=1)
        identifiers = [prompt.identifier for prompt in prompts]
        assert identifiers == sorted(set(identifiers))
        assert identifiers[:4] == ["9001-90011-0000", "9001-90011-0001", "9001-90012-0000", "9001-90012-0001"]
        assert len({prompt.seed for prompt in prompts}) == 60
        assert {prompt.text for prompt in prompts} == {f"sentence {index}" for index in range(60)}


class TestArchives:
    IDENTIFIERS = ("9001-90011-0000", "9001-90011-0001", "9002-90021-0000")

    def write(self, folder: Path, identifiers=IDENTIFIERS) -> tuple[Path, Path]:
        folder.mkdir()
        paths = synthesis.archive_paths(folder)
        synthesis.write_archives((silent_utterance(identifier) for identifier in identifiers), "dev-clean", *paths)
        return paths

    def test_bytes_depend_on_the_utterances_alone(self, tmp_path, monkeypatch):
        first = self.write(tmp_path / "one")
        monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
        second = self.write(tmp_path / "two")
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]

    def test_members_are_root_s_and_have_no_date(self, tmp_path):
        audio, alignments = self.write(tmp_path / "one")
        with tarfile.open(audio) as tar:
            assert {(member.mtime, member.uid, member.gid, member.mode) for member in tar} == {(0, 0, 0, 0o644)}
        with zipfile.ZipFile(alignments) as grids:
            assert {member.date_time for member in grids.infolist()} == {(1980, 1, 1, 0, 0, 0)}

    def test_what_is_written_is_what_is_read(self, tmp_path):
        audio, alignments = self.write(tmp_path / "one")
        figures = synthesis.measure(audio, alignments)
        assert (figures.utterances, figures.speakers, figures.seconds) == (3, 2, 1.5)
        assert (figures.words, figures.phones) == ({"a": 3}, {"AH": 3})
        with tarfile.open(audio) as tar:
            samples, _ = soundfile.read(
                io.BytesIO(tar.extractfile("LibriSpeech/dev-clean/9001/90011/9001-90011-0001.flac").read()),
                dtype="int16",
            )
            transcript = tar.extractfile("LibriSpeech/dev-clean/9001/90011/9001-90011.trans.txt").read().decode()
        assert np.array_equal(samples, silent_utterance("").samples)
        assert transcript == "9001-90011-0000 A\n9001-90011-0001 A\n"

    def test_a_scattered_chapter_is_refused(self, tmp_path):
        with pytest.raises(SynthesisError, match="order them"):
            self.write(tmp_path / "one", identifiers=self.IDENTIFIERS[::-1])

    def test_measuring_finds_a_gap(self, tmp_path):
        audio, alignments = self.write(tmp_path / "one")
        with zipfile.ZipFile(alignments) as grids:
            texts = {name: grids.read(name).decode() for name in grids.namelist()}
        with zipfile.ZipFile(alignments, "w") as grids:
            for name, text in texts.items():
                grids.writestr(name, text.replace("xmin = 0.4321", "xmin = 0.44"))
        with pytest.raises(SynthesisError, match="do not tile"):
            synthesis.measure(audio, alignments)

    def test_a_text_grid_escapes_quotation_marks(self):
        grid = synthesis.text_grid({"words": [Segment('"', 0.0, 1.5)]}, 1.5)
        assert grid.endswith(
            '        intervals [1]:\n            xmin = 0\n            xmax = 1.5\n            text = """"\n'
        )


class TestShippedCorpus:
    """The archives in resources/demo, whatever made them."""

    def test_it_is_small_enough_to_ship(self):
        assert AUDIO.stat().st_size + ALIGNMENTS.stat().st_size <= LARGEST

    def test_it_is_large_enough_to_analyse(self):
        figures = synthesis.measure(AUDIO, ALIGNMENTS)
        assert figures.speakers == 18
        assert figures.utterances >= 300
        assert figures.seconds >= 12 * 60
        assert figures.word_types(15) >= 60
        assert figures.phones.keys() == set(PHONES)
        assert min(figures.phones.values()) >= 80

    def test_it_is_laid_out_as_librispeech_is(self):
        spoken, written = {}, {}
        with tarfile.open(AUDIO) as tar:
            for member in tar:
                folder = re.fullmatch(r"LibriSpeech/dev-clean/(\d+)/(\d+)/(.+)", member.name)
                speaker, chapter, name = folder.groups()
                content = tar.extractfile(member).read()
                if name.endswith(".flac"):
                    assert re.fullmatch(rf"{speaker}-{chapter}-\d{{4}}\.flac", name)
                    sound = soundfile.info(io.BytesIO(content))
                    assert (sound.samplerate, sound.channels, sound.subtype) == (16_000, 1, "PCM_16")
                    spoken[name.removesuffix(".flac")] = sound.frames
                else:
                    assert name == f"{speaker}-{chapter}.trans.txt"
                    written.update(line.split(" ", 1) for line in content.decode().splitlines())
        with zipfile.ZipFile(ALIGNMENTS) as grids:
            names = grids.namelist()
            tiers = {Path(name).stem: grids.read(name).decode().split('name = "phones"') for name in names}
        assert names == [
            f"librispeech_alignments/dev-clean/{'/'.join(identifier.split('-')[:2])}/{identifier}.TextGrid"
            for identifier in spoken
        ]
        assert spoken.keys() == written.keys()
        assert all(frames % 160 == 0 for frames in spoken.values())
        for identifier, transcript in written.items():
            words, phones = tiers[identifier]
            assert re.findall(r'text = "(.+)"', words) == transcript.lower().split()
            assert phones.count('text = "sil"') >= 2
