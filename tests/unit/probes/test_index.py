"""The table of a task's utterances, and all that may be wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.probes.errors import ItemError
from layerwise.probes.items import Item
from task_items import SECONDS, index, items
from tiny_corpus import noise, write_audio


def test_other_rates_are_counted_at_16_khz(tmp_path):
    path = write_audio(tmp_path / "low.wav", noise(SECONDS, rate=8000), rate=8000)
    table, problems = index(tmp_path, [*items(tmp_path), Item("low", "s0", None, path, ("label 0",))])
    assert table.loc["low", "num_samples"] == SECONDS * 16000
    assert problems.empty


@pytest.mark.parametrize(
    ("channels", "problem"),
    [(2, "not mono"), (0, "no audio")],
)
def test_recordings_that_cannot_be_used_are_left_out_by_name(tmp_path, channels, problem):
    found = items(tmp_path)
    path = tmp_path / "bad.wav"
    if channels:
        write_audio(path, np.stack([noise(SECONDS)] * channels, axis=1))
    bad = Item("bad", "s0", None, path, ("label 0",))
    table, problems = index(tmp_path, [*found, bad])
    assert "bad" not in table.index
    assert problems[["utterance_id", "problem"]].to_numpy().tolist() == [["bad", problem]]


def test_long_audio_is_left_out_of_every_part_by_name(tmp_path):
    long = write_audio(tmp_path / "long.wav", noise(1.0))
    found = [*items(tmp_path), Item("long", "s1", None, long, ("label 0",))]
    table, problems = index(tmp_path, found, max_seconds=0.5)
    assert "long" not in table.index
    assert problems["detail"].tolist() == ["1.0 s, max_seconds is 0.5"]
    assert "long" in index(tmp_path, found, max_seconds=1.0)[0].index


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    same = [Item(i.item_id, i.speaker_id, None, i.path, ("yes",)) for i in items(tmp_path)]
    with pytest.raises(ItemError, match="have the label yes: there is nothing to tell apart"):
        index(tmp_path, same)


def test_an_empty_part_is_refused(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for dev and test"):
        index(tmp_path, items(tmp_path, part="train"))


def test_a_label_that_only_test_has_is_warned_of(tmp_path, caplog):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    rows = [
        ("a", "train", "yes"),
        ("b", "train", "no"),
        ("c", "dev", "yes"),
        ("d", "test", "maybe"),
        ("e", "test", "no"),
    ]
    table, _ = index(tmp_path, [Item(name, "", part, path, (label,)) for name, part, label in rows])
    assert "d" in table.index
    assert "1 of 2 test utterances have a label that training lacks, and will count as wrong: maybe" in caplog.text


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_part_of_which_training_has_no_label_is_refused(tmp_path, part):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    rows = [("a", "train", "yes"), ("b", "train", "no"), ("c", "dev", "yes"), ("d", "test", "no")]
    found = [Item(name, "", own, path, ("maybe" if own == part else label,)) for name, own, label in rows]
    with pytest.raises(ItemError, match=rf"every {part} utterance has a label that training lacks \(maybe\)"):
        index(tmp_path, found)


def test_repeated_ids_are_refused(tmp_path):
    found = items(tmp_path)
    with pytest.raises(ItemError, match="more than once: item-00"):
        index(tmp_path, [*found, found[0]])


def test_the_order_of_candidates_does_not_matter(tmp_path):
    found = items(tmp_path, count=40)
    index(tmp_path, found, hours=0.001)
    before = (tmp_path / "items.parquet").read_bytes()
    index(tmp_path, found[::-1], hours=0.001)
    assert (tmp_path / "items.parquet").read_bytes() == before
