"""Word boundaries from a layer's frames: from representation files and intervals to records."""

from __future__ import annotations

import numpy as np
import pytest

from planted_recordings import WORDS_EACH, write_intervals, write_planted
from tiny_representations import UTTERANCES

ENTRY = {"rows": "frame", "target": {"intervals": "word"}, "measure": "word_segmentation"}


@pytest.fixture(scope="module")
def jumping(tmp_path_factory):
    """Frames of T1 that lie still within a word."""

    def still(utterance: str, arrays: dict) -> None:
        rows = arrays["frame/T1"]
        first, last = (np.rint(arrays[f"word/{end}"] / 0.02).astype(int) for end in ("start", "end"))
        for begin, end in zip(first, last, strict=True):
            rows[begin:end] = rows[begin]

    return write_planted(tmp_path_factory.mktemp("jumping"), shards=3, change=still)


def test_planted_boundaries_are_found_and_noise_is_at_chance(jumping, intervals, score):
    planted, noise = (record["trials"][0] for record in score(jumping, ENTRY, beside={"intervals": intervals}))
    assert planted["metrics"]["f1"] > 0.8
    assert planted["metrics"]["f1"] > planted["chance"]["f1"] + 0.3
    assert noise["metrics"]["f1"] == pytest.approx(noise["chance"]["f1"], abs=0.1)
    for trial in (planted, noise):
        assert set(trial["metrics"]) == set(trial["chance"]) == {*METRICS, "f1_published"}
        assert set(trial["intervals"]) == {"f1", "r_value", "precision", "recall"}
        for name, (low, high) in trial["intervals"].items():
            assert low <= trial["metrics"][name] <= high
        assert set(trial["settings"]) == {"0", "1", "2", "3"}


METRICS = ("f1", "precision", "recall", "r_value", "os")


def test_a_record_says_what_it_rests_on(jumping, intervals, score):
    (record,) = score(jumping, ENTRY, ["T1"], beside={"intervals": intervals})
    # Words touch each other, so that each utterance has one boundary more than words.
    assert record["trials"][0]["n_test"] == (WORDS_EACH + 1) * len(UTTERANCES)
    assert record["trials"][0]["published_setting"].keys() == {"distance", "window", "prominence"}


def test_neither_the_order_nor_the_number_of_shards_matters(tmp_path, shards, intervals, score):
    found = score(shards, ENTRY, beside={"intervals": intervals})
    assert score(shards[::-1], ENTRY, beside={"intervals": intervals}) == found
    assert (
        score(write_planted(tmp_path / "one", order=UTTERANCES[::-1]), ENTRY, beside={"intervals": intervals}) == found
    )


def test_intervals_are_about_other_speakers_where_folds_part_them(jumping, intervals, score):
    found = [
        score(jumping, ENTRY, ["T2"], beside={"intervals": intervals}, folds_by=by)[0]["trials"][0]
        for by in ("row", "utterance", "speaker")
    ]
    assert found[0] == found[1]  # a measure of whole utterances is never asked by row
    assert found[2]["intervals"]["f1"] != found[0]["intervals"]["f1"]


def test_a_wider_tolerance_lets_more_count(jumping, intervals, score):
    def f1(tolerance):
        entry = ENTRY | {"measure": {"word_segmentation": {"tolerance": tolerance}}}
        return score(jumping, entry, ["T2"], beside={"intervals": intervals})[0]["trials"][0]["metrics"]["f1"]

    assert f1(0.0) < f1(0.02) < f1(0.1)


def nan(utterance: str, arrays: dict) -> None:
    arrays["frame/T1"][3, 0] = np.nan


def test_nan_is_skipped(tmp_path, intervals, score):
    (record,) = score(write_planted(tmp_path / "nan", change=nan), ENTRY, ["T1"], beside={"intervals": intervals})
    assert record["status"] == "skipped"
    assert "NaN" in record["reason"]


def test_no_word_is_skipped(tmp_path, shards, score):
    there = write_intervals(tmp_path / "phones", lambda table: table[table["tier"] == "phone"])
    (record,) = score(shards, ENTRY, ["T1"], beside={"intervals": there})
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert "there are no words in the 24 utterances" in record["reason"]


def test_more_folds_than_utterances_are_skipped(shards, intervals, score):
    (record,) = score(shards, ENTRY, ["T1"], beside={"intervals": intervals}, folds=30)
    assert record["status"] == "skipped"
    assert "24 groups (cca.folds_by) cannot fill 30 folds" in record["reason"]
