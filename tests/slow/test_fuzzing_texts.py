"""Readers of text get files with changed bytes."""

import pytest
from fuzzing import fuzz

from layerwise.textgrids import read_textgrid

TEXTGRID = b"""File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.75
            text = "AH0"
        intervals [2]:
            xmin = 0.75
            xmax = 1.5
            text = "T"
"""

READERS = {
    "textgrid": (read_textgrid, [TEXTGRID], "a.TextGrid"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_changed_file_is_read_or_refused(reader, tmp_path):
    read, samples, name = READERS[reader]
    assert fuzz(read, samples, tmp_path, name)
