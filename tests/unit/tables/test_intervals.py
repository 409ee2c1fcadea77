from itertools import product

import pytest

from layerwise.scoring.properties import property_of
from layerwise.tables.intervals import about, about_property, caution, folds_of, has_own_folds

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


def asked(rows, folds_by):
    entry = {"rows": rows, "target": {"label": "speaker_id"}} | ({"folds_by": folds_by} if folds_by else {})
    return property_of("mine", entry)


@pytest.mark.parametrize(
    ("rows", "own", "folds_by", "kept"),
    [
        ("word", "", "row", "row"),
        ("word", "", "speaker", "speaker"),
        ("word", "row", "speaker", "row"),
        ("word", "speaker", "row", "speaker"),
        ("utterance", "row", "speaker", "utterance"),
        ("utterance", "", "row", "utterance"),
        ("utterance", "speaker", "row", "speaker"),
    ],
)
def test_a_property_may_have_folds_of_its_own_and_a_whole_utterance_is_one_row(rows, own, folds_by, kept):
    assert folds_of(asked(rows, own), folds_by) == kept


@pytest.mark.parametrize(
    ("own", "folds_by"), [*product(["", "row", "utterance", "speaker"], ["row", "utterance", "speaker"])]
)
def test_intervals_of_a_property_are_about_speakers_only_with_the_folds_of_all(own, folds_by):
    question = asked("word", own)
    for intervals in ("corpus", "speakers") if folds_by == "speaker" else ("corpus",):
        is_own = own not in ("", folds_by)
        assert has_own_folds(question, folds_by) == is_own
        expected = about("corpus" if is_own else intervals, own or folds_by)
        assert about_property(question, intervals, folds_by) == expected
