"""ABX of phones in a layer's frames: from representation files and intervals to records."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.scoring.measures.abx_items import ItemsError
from layerwise.scoring.rows import ReadFile
from planted_recordings import STRIDE, WORDS_EACH, spoken, write_intervals, write_planted
from tiny_representations import UTTERANCES

ITEMS_EACH = 3 * WORDS_EACH - 2  # phones with a neighbour on both sides
HEADER = "#file onset offset #phone prev-phone next-phone speaker"


def phones(**options):
    return {"rows": "frame", "target": {"intervals": "phone"}, "measure": {"abx": options}}


OF_FILE = {"rows": "frame", "target": {"items": "mine.item"}, "measure": "abx"}


def item_file(path, utterances=UTTERANCES, lines=()):
    """The items that the planted intervals give, of the phone alone."""
    rows = list(lines)
    for utterance in utterances:
        said = spoken(utterance)
        for place in range(1, len(said) - 1):
            before, phone, after = (said["phone"].iloc[place + by] for by in (-1, 0, 1))
            first, last = said["first"].iloc[place] * STRIDE, said["last"].iloc[place] * STRIDE
            rows.append(f"{utterance} {first:.6f} {last:.6f} {phone} {before} {after} {utterance.split('-')[0]}")
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return {"files": [ReadFile(path, "mine.item")]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"speaker": "across"},
        {"context": "any", "max_size_group": 4},
        {"pooling": "dtw", "span": "triphone"},
        {"distance": "euclidean"},
    ],
    ids=["within", "across", "any", "dtw", "euclidean"],
)
def test_planted_phones_are_told_apart_and_noise_is_at_chance(shards, intervals, score, options):
    planted, noise = (
        record["trials"][0] for record in score(shards, phones(**options), beside={"intervals": intervals})
    )
    assert planted["metrics"]["abx_error"] < 0.08
    assert noise["metrics"]["abx_error"] == pytest.approx(0.5, abs=0.08)
    for trial in (planted, noise):
        assert trial["chance"]["abx_error"] == pytest.approx(0.5, abs=0.1)
        low, high = trial["intervals"]["abx_error"]
        assert low <= trial["metrics"]["abx_error"] <= high
    assert (planted["n_train"], planted["n_test"] > 1000) == (0, True)


def test_a_record_says_what_it_rests_on(shards, intervals, score):
    (record,) = score(shards, phones(), ["T1"], beside={"intervals": intervals})
    assert (record["n_rows"], record["n_types"], record["n_speakers"]) == (ITEMS_EACH * len(UTTERANCES), 8, 4)


def test_neither_the_order_nor_the_number_of_shards_matters(tmp_path, shards, intervals, score):
    found = score(shards, phones(), beside={"intervals": intervals})
    assert score(shards[::-1], phones(), beside={"intervals": intervals}) == found
    assert (
        score(write_planted(tmp_path / "one", order=UTTERANCES[::-1]), phones(), beside={"intervals": intervals})
        == found
    )


def test_conv_layers_have_frames_of_their_own(shards, intervals, score):
    (record,) = score(shards, phones() | {"layers": "all"}, ["C1"], beside={"intervals": intervals})
    assert record["trials"][0]["metrics"]["abx_error"] < 0.08


def test_a_file_of_items_gives_what_the_intervals_give(tmp_path, shards, intervals, score):
    of_intervals = score(shards, phones(), beside={"intervals": intervals})
    assert score(shards, OF_FILE, beside=item_file(tmp_path / "mine.item")) == of_intervals


def test_items_of_other_recordings_are_counted(tmp_path, shards, score):
    lines = ["elsewhere 0.1 0.2 AA S T 84"]
    (record,) = score(shards, OF_FILE, ["T1"], beside=item_file(tmp_path / "mine.item", UTTERANCES[:12], lines))
    assert (record["status"], record["n_rows"], record["n_missing"]) == ("ok", 12 * ITEMS_EACH, 1)


def test_items_of_other_recordings_alone_are_skipped(tmp_path, shards, score):
    beside = item_file(tmp_path / "mine.item", [], ["elsewhere 0.1 0.2 AA S T 84"])
    (record,) = score(shards, OF_FILE, ["T1"], beside=beside)
    assert record["status"] == "skipped"
    assert "none of the 1 items of" in record["reason"]
    assert "the first is of elsewhere" in record["reason"]


def test_a_file_that_holds_no_items_is_an_error(tmp_path, shards, score):
    (tmp_path / "mine.item").write_text("file from to\na 1 2\n")
    with pytest.raises(ItemsError, match="the first line of an item file is"):
        score(shards, OF_FILE, ["T1"], beside={"files": [ReadFile(tmp_path / "mine.item", "mine.item")]})


def nan(utterance: str, arrays: dict) -> None:
    arrays["frame/T1"][SILENT_AND_ONE, 0] = np.nan


SILENT_AND_ONE = 10  # a frame of the second phone at the latest


def test_nan_is_skipped(tmp_path, intervals, score):
    paths = write_planted(tmp_path / "nan", change=nan)
    (record,) = score(paths, phones(span="triphone"), ["T1"], beside={"intervals": intervals})
    assert record["status"] == "skipped"
    assert "asked, sample 1: " in record["reason"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table[table["tier"] == "word"], "none of 0 phones has a neighbour on both sides"),
        (lambda table: table[table["label"].isin(["S"])], "has a neighbour on both sides"),
        (lambda table: table.assign(label="S"), "asked, sample 1"),
    ],
    ids=["no-phones", "alone", "one-phone"],
)
def test_intervals_without_anything_to_compare_are_skipped(tmp_path, shards, score, change, said):
    (record,) = score(shards, phones(), ["T1"], beside={"intervals": write_intervals(tmp_path / "changed", change)})
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert said in record["reason"]
