"""The shipped demo corpus: large enough to analyse, and laid out as LibriSpeech is."""

import io
import re
import tarfile
import zipfile
from pathlib import Path

import soundfile

from layerwise.alignments.arpabet import PHONES
from layerwise.demo.contents import measure
from layerwise.demo.corpus import SPEAKERS, archive_paths
from layerwise.demo.speakers import speaker_table

DEMO = Path(__file__).parents[3] / "resources" / "demo"
AUDIO, ALIGNMENTS = archive_paths(DEMO)
LARGEST = 20_000_000


class TestShippedCorpus:
    """The archives in resources/demo, whatever made them."""

    def test_it_is_small_enough_to_ship(self):
        assert AUDIO.stat().st_size + ALIGNMENTS.stat().st_size <= LARGEST

    def test_it_is_large_enough_to_analyse(self):
        figures = measure(AUDIO, ALIGNMENTS)
        assert figures.speakers == 18
        assert figures.utterances >= 300
        assert figures.seconds >= 12 * 60
        assert figures.word_types(15) >= 60
        assert figures.phones.keys() == set(PHONES)
        assert min(figures.phones.values()) >= 80

    def test_the_table_of_speakers_is_what_the_code_makes(self):
        assert (DEMO / SPEAKERS).read_text(encoding="utf-8") == speaker_table()
        rows = [line.split(",") for line in speaker_table().splitlines()[1:]]
        with tarfile.open(AUDIO) as tar:
            there = {Path(member.name).stem.split("-")[0] for member in tar}
        assert {row[0] for row in rows} == there
        assert [row[1] for row in rows].count("F") == 6

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
