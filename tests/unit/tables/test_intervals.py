from itertools import product

import pytest

from layerwise.tables.intervals import about, caution

MEANT = [("corpus", "row"), ("corpus", "utterance"), ("corpus", "speaker"), ("speakers", "speaker")]


@pytest.mark.parametrize(("intervals", "folds_by"), MEANT)
def test_every_configuration_has_one_sentence_of_its_own(intervals, folds_by):
    sentence = about(intervals, folds_by)
    assert sentence.count(".") == 1
    assert sentence.endswith(".")
    assert ("not other speakers" in sentence) == (intervals == "corpus")
    assert len({about(*each) for each in MEANT}) == len(MEANT)


@pytest.mark.parametrize(("folds_by", "speakers"), [*product(["row", "utterance", "speaker"], [0, 1, 2, 40])])
def test_several_speakers_in_mixed_folds_are_warned_of(folds_by, speakers):
    warning = caution(folds_by, speakers)
    assert bool(warning) == (folds_by != "speaker" and speakers > 1)
    if warning:
        assert f"{speakers} speakers" in warning
        assert "cca.folds_by: speaker and cca.intervals: speakers" in warning
