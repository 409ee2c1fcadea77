"""The table of speakers that comes with the audio."""

from __future__ import annotations

import os

import pytest

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.speakers_in_audio import take_speakers


@pytest.mark.parametrize("place", ["LibriSpeech/SPEAKERS.TXT", "SPEAKERS.TXT"])
def test_it_is_taken_as_it_is(tmp_path, place):
    path = tmp_path / "audio" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(b"14 | F\r\n\xff")
    take_speakers(tmp_path / "audio", "SPEAKERS.TXT", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == path.read_bytes()


def test_where_there_is_none_the_key_is_named(tmp_path):
    (tmp_path / "audio/LibriSpeech/dev-clean").mkdir(parents=True)
    (tmp_path / "audio/LibriSpeech/dev-clean/SPEAKERS.TXT").touch()  # nobody's
    with pytest.raises(CorpusError, match=r"has no SPEAKERS.TXT in it or in a folder of it.*corpus\.metadata"):
        take_speakers(tmp_path / "audio", "SPEAKERS.TXT", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_out_of_the_audio_or_a_pipe_is_not_opened(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "secret").write_text("x")
    path = tmp_path / "audio/SPEAKERS.TXT"
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(CorpusError, match="lies outside of"):
        take_speakers(tmp_path / "audio", "SPEAKERS.TXT", tmp_path / "out")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CorpusError, match="it is a pipe"):
        take_speakers(tmp_path / "audio", "SPEAKERS.TXT", tmp_path / "out")
