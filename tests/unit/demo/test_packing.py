"""Archives in LibriSpeech's layout, whose bytes depend on their contents alone, and what is counted from them."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from layerwise.demo.contents import measure
from layerwise.demo.corpus import archive_paths
from layerwise.demo.flite import Segment, SynthesisError
from layerwise.demo.packing import text_grid, write_archives
from layerwise.demo.synthesis import Utterance


def silent_utterance(identifier: str) -> Utterance:
    """Half a second of one word in near silence, made without flite."""
    samples = np.random.default_rng(3).integers(-9, 9, size=8000).astype(np.int16)
    words = (Segment("", 0.0, 0.1), Segment("a", 0.1, 0.4321), Segment("", 0.4321, 0.5))
    phones = (Segment("sil", 0.0, 0.1), Segment("AH0", 0.1, 0.4321), Segment("sil", 0.4321, 0.5))
    return Utterance(identifier, samples, phones, words)


class TestArchives:
    IDENTIFIERS = ("9001-90011-0000", "9001-90011-0001", "9002-90021-0000")

    def write(self, folder: Path, identifiers=IDENTIFIERS) -> tuple[Path, Path]:
        folder.mkdir()
        paths = archive_paths(folder)
        write_archives((silent_utterance(identifier) for identifier in identifiers), "dev-clean", *paths)
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
        figures = measure(audio, alignments)
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
            measure(audio, alignments)

    def test_a_text_grid_escapes_quotation_marks(self):
        grid = text_grid({"words": [Segment('"', 0.0, 1.5)]}, 1.5)
        assert grid.endswith(
            '        intervals [1]:\n            xmin = 0\n            xmax = 1.5\n            text = """"\n'
        )
