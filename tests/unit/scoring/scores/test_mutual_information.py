"""Clusters of a layer's rows and their labels, from representation files to records."""

from __future__ import annotations

import numpy as np
import pytest

from planted_recordings import WORDS, WORDS_EACH, write_planted
from tiny_representations import UTTERANCES

WORD = {"rows": "word", "target": {"label": "label"}, "measure": {"mutual_information": {"clusters": 8}}}
SPEAKER_OF_FRAMES = WORD | {"rows": "frame", "target": {"label": "speaker_id"}}


def test_planted_words_are_found_and_noise_has_none(shards, score):
    planted, noise = score(shards, WORD)
    assert [record["status"] for record in (planted, noise)] == ["ok", "ok"]
    assert min(trial["metrics"]["mi"] for trial in planted["trials"]) > 0.9
    assert min(trial["metrics"]["ami"] for trial in planted["trials"]) > 0.8
    assert np.mean([trial["metrics"]["ami"] for trial in noise["trials"]]) == pytest.approx(0, abs=0.2)
    for trial in noise["trials"]:
        assert trial["metrics"]["mi"] == pytest.approx(trial["chance"]["mi"], abs=0.15)
        assert trial["chance"]["ami"] == 0


def test_a_trial_says_what_it_rests_on(shards, score):
    (record,) = score(shards, WORD, ["T1"])
    rows = WORDS_EACH * len(UTTERANCES)
    assert (record["n_rows"], record["n_types"], record["n_speakers"], record["n_missing"]) == (rows, len(WORDS), 4, 0)
    assert len({trial["test_fold"] for trial in record["trials"]}) == 2
    for trial in record["trials"]:
        assert trial["n_train"] + trial["n_test"] == rows
        assert (trial["classes"], trial["classes_unseen"], trial["dx"]) == (len(WORDS), 0, None)
        assert trial["metrics"]["mi"] == pytest.approx(trial["nats"] / trial["entropy"])


@pytest.mark.parametrize("entry", [WORD, SPEAKER_OF_FRAMES], ids=["words", "frames"])
def test_neither_the_order_nor_the_number_of_shards_matters(tmp_path, shards, score, entry):
    found = score(shards, entry)
    assert score(shards[::-1], entry) == found
    assert score(write_planted(tmp_path / "one", order=UTTERANCES[::-1]), entry) == found


def test_frames_have_the_labels_of_their_utterances(tmp_path, score):
    """T2 says who speaks, in every frame."""

    def speaker_in_t2(utterance: str, arrays: dict) -> None:
        arrays["frame/T2"][:, 0] += 50 * (UTTERANCES.index(utterance) // 6)

    paths = write_planted(tmp_path / "speakers", change=speaker_in_t2)
    words, speakers = score(paths, SPEAKER_OF_FRAMES)
    assert min(trial["metrics"]["ami"] for trial in speakers["trials"]) > 0.8
    assert max(trial["metrics"]["ami"] for trial in words["trials"]) < 0.3
    assert words["n_rows"] == words["trials"][0]["n_train"] + words["trials"][0]["n_test"] > 1000


def test_folds_by_speaker_are_told_so(shards, score):
    (record,) = score(shards, WORD, ["T1"], folds_by="speaker")
    assert [trial["n_test"] for trial in record["trials"]] == [30, 30]  # one speaker of four, 6 utterances of 5 words


def nan(utterance: str, arrays: dict) -> None:
    arrays["word/T1"][0, 0] = np.nan


def one_word(utterance: str, arrays: dict) -> None:
    arrays["word/label"][:] = "apple"


@pytest.mark.parametrize(
    ("change", "entry", "settings", "said"),
    [
        (None, {"measure": {"mutual_information": {"clusters": 500}}}, {}, "500 clusters of 90 training rows"),
        (None, {}, {"folds": 30}, "24 groups (cca.folds_by) cannot fill 30 folds"),
        (None, {"folds_by": "row"}, {}, "clusters are scored on other utterances than they are fitted to"),
        (nan, {}, {}, "holds NaN or what is infinite in float32"),
        (one_word, {}, {}, "rows have the same label: at least 2 different ones are needed"),
    ],
    ids=["clusters", "folds", "folds-by-row", "nan", "one-label"],
)
def test_what_allows_no_score_is_skipped(tmp_path, score, change, entry, settings, said):
    (record,) = score(write_planted(tmp_path / "changed", change=change), WORD | entry, ["T1"], **settings)
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert said in record["reason"]
    assert "asked, sample 1: " in record["reason"]
    assert f"({record['n_rows']} rows" in record["reason"]
