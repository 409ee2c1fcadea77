"""The same word or another, by the cosine of means and by aligned frames: from representation files to records."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.scoring.measures.usable_segments import some_labels
from planted_recordings import WORDS, WORDS_EACH, write_intervals, write_planted
from tiny_representations import UTTERANCES

POOLED = {"rows": "word", "target": {"label": "label"}, "measure": "word_discrimination"}
ALIGNED = {
    "rows": "frame",
    "target": {"intervals": "word"},
    "measure": {"word_discrimination": {"least_seconds": 0.2, "segments": 60}},
}
ROWS = WORDS_EACH * len(UTTERANCES)


def aligned(**options):
    return ALIGNED | {"measure": {"word_discrimination": ALIGNED["measure"]["word_discrimination"] | options}}


@pytest.mark.parametrize("entry", [POOLED, ALIGNED], ids=["pooled", "aligned"])
def test_planted_words_are_told_apart_and_noise_is_at_chance(shards, intervals, score, entry):
    planted, noise = (record["trials"][0] for record in score(shards, entry, beside={"intervals": intervals}))
    assert set(planted["metrics"]) == {"ap", "prb", "swdp_ap"}
    for name in ("ap", "prb"):
        assert planted["metrics"][name] > 0.9
        assert noise["metrics"][name] == pytest.approx(noise["chance"][name], abs=0.08)
        assert noise["chance"][name] == pytest.approx(noise["same"] / noise["n_test"])
    assert planted["metrics"]["swdp_ap"] > 0.8
    assert planted["chance"]["swdp_ap"] < planted["chance"]["ap"]
    for name, (low, high) in planted["intervals"].items():
        assert 0 <= low <= planted["metrics"][name] <= high <= 1
    low, high = noise["intervals"]["ap"]
    assert low < noise["chance"]["ap"] < high


@pytest.mark.parametrize("entry", [POOLED, ALIGNED], ids=["pooled", "aligned"])
def test_neither_the_order_nor_the_number_of_shards_matters(tmp_path, shards, intervals, score, entry):
    found = score(shards, entry, beside={"intervals": intervals})
    assert score(shards[::-1], entry, beside={"intervals": intervals}) == found
    assert (
        score(write_planted(tmp_path / "one", order=UTTERANCES[::-1]), entry, beside={"intervals": intervals}) == found
    )


def test_all_rows_are_compared(shards, score):
    (record,) = score(shards, POOLED, ["T1"])
    assert (record["n_rows"], record["n_types"], record["n_missing"], record["n_speakers"]) == (ROWS, len(WORDS), 0, 4)
    assert (record["trials"][0]["n_train"], record["trials"][0]["n_test"]) == (0, ROWS * (ROWS - 1) // 2)


def test_whole_labels_are_drawn_so_that_their_pairs_stay(shards, intervals, score):
    (record,) = score(shards, ALIGNED, ["T1"], beside={"intervals": intervals})
    assert 40 <= record["n_rows"] <= 60
    assert record["n_types"] < len(WORDS)
    assert record["trials"][0]["same"] > record["n_rows"] * (record["n_rows"] / record["n_types"] - 2) / 2


def test_labels_that_occur_once_are_never_drawn():
    labels = np.array(["a", "b", "b", "c", "c", "c", "d"])
    kept = some_labels(np.array([0, 1, 2, 3, 4, 5]), labels, 100, 1)
    assert labels[kept].tolist() == ["b", "b", "c", "c", "c"]
    few = some_labels(np.array([0, 1, 2, 3, 4, 5]), labels, 2, 1)
    assert labels[few].tolist() == ["b", "b"]


def test_short_segments_and_labels_are_left_out(shards, intervals, score):
    everything = aligned(segments=1000, least_seconds=0)
    (every,) = score(shards, everything, ["T1"], beside={"intervals": intervals})
    (longer,) = score(shards, aligned(segments=1000, least_seconds=0.3), ["T1"], beside={"intervals": intervals})
    assert (every["n_rows"], longer["n_rows"] < every["n_rows"]) == (ROWS, True)
    (letters,) = score(
        shards, aligned(segments=1000, least_seconds=0, least_letters=6), ["T1"], beside={"intervals": intervals}
    )
    assert letters["status"] == "skipped"
    assert (
        "no label has two segments of 6 letters and 0 s, and at most 1000 in all, among 120 words" in letters["reason"]
    )


def test_longer_words_are_not_further_apart_where_sums_are_normalised(tmp_path, intervals, score):
    def blur(utterance: str, arrays: dict) -> None:
        rng = np.random.default_rng(UTTERANCES.index(utterance))
        arrays["frame/T1"] += 2 * rng.normal(size=arrays["frame/T1"].shape).astype("float16")

    blurred = write_planted(tmp_path / "blurred", change=blur)
    found = [
        score(blurred, aligned(normalise=how), ["T1"], beside={"intervals": intervals})[0]["trials"][0]["metrics"]["ap"]
        for how in ("length", "none")
    ]
    assert found[1] < found[0] < 1


def test_a_single_speaker_has_no_pairs_by_others(tmp_path, score):
    def one_speaker(utterance: str, arrays: dict) -> None:
        arrays["word/speaker_id"][:] = "84"

    (record,) = score(write_planted(tmp_path / "one", change=one_speaker), POOLED, ["T1"])
    assert record["status"] == "ok"
    assert set(record["trials"][0]["metrics"]) == {"ap", "prb"}


def nan(utterance: str, arrays: dict) -> None:
    arrays["word/T1"][0, 0] = np.nan


def zeros(utterance: str, arrays: dict) -> None:
    arrays["word/T1"][0] = 0


def one_word(utterance: str, arrays: dict) -> None:
    arrays["word/label"][:] = "apple"


@pytest.mark.parametrize(
    ("change", "said"),
    [(nan, "NaN"), (zeros, "zeros"), (one_word, "no pair of 120 segments of 1 words is of different words")],
    ids=["nan", "zeros", "one-label"],
)
def test_what_allows_no_score_is_skipped(tmp_path, score, change, said):
    (record,) = score(write_planted(tmp_path / "changed", change=change), POOLED, ["T1"])
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert said in record["reason"]
    assert f"({ROWS} rows" in record["reason"]


def test_no_interval_of_the_tier_is_skipped(tmp_path, shards, score):
    there = write_intervals(tmp_path / "none", lambda table: table[table["tier"] == "phone"])
    (record,) = score(shards, ALIGNED, ["T1"], beside={"intervals": there})
    assert record["status"] == "skipped"
    assert "asked, sample 1: " in record["reason"]
