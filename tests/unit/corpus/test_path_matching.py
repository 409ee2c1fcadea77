"""Rows of tables with paths, and the recordings that they are about."""

import pytest

from layerwise.corpus.path_matching import matched


@pytest.mark.parametrize(
    ("paths", "listed", "found"),
    [
        (["S1/a.wav"], ["S1/a.wav"], ["S1/a.wav"]),
        (["S1/a.flac"], ["/data/wav/S1/a.wav"], ["/data/wav/S1/a.wav"]),
        (["wav/S1/a.wav"], ["S1/a"], ["S1/a"]),
        (["S1/a.wav"], ["S1\\a.wav"], ["S1\\a.wav"]),
        (["S1/a.wav", "S2/a.wav"], ["x/S1/a.wav", "x/S2/a.wav"], ["x/S1/a.wav", "x/S2/a.wav"]),
        (["S1/a.wav"], ["S2/a.wav"], [None]),
        (["a.wav"], ["S1/a.wav", "S2/a.wav"], [None]),  # either
        (["S1/a.wav"], ["a.wav", "a.flac"], [None]),  # two rows
        (["S1/a.wav", "S2/a.wav"], ["a.wav"], [None, None]),  # two files
        (["a.wav", "S1/a.wav"], ["a.wav"], ["a.wav", None]),
        (["S1/a.wav", "S1/a.wav"], ["a.wav"], ["a.wav", "a.wav"]),  # two utterances of one file
    ],
)
def test_a_row_is_about_one_file(paths, listed, found):
    assert matched(paths, listed) == found
