"""Division into parts: by speaker, by recording where labels follow from the speaker, and by hours."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.probes.errors import ItemError
from layerwise.probes.items import Item, exceeds
from layerwise.probes.parts import cut_to_hours
from task_items import SECONDS, index, items
from tiny_corpus import noise, write_audio

# Labels that follow from the speaker


def spoken(folder: Path, speakers: dict[str, tuple[str, ...]], each: int) -> list[Item]:
    """Recordings of each speaker, all with the same labels."""
    path = write_audio(folder / "x.wav", noise(SECONDS))
    return [
        Item(f"{speaker}-{i}", speaker, None, path, labels) for speaker, labels in speakers.items() for i in range(each)
    ]


def parts_by_speaker(table: pd.DataFrame) -> dict[str, set[str]]:
    return table.groupby("speaker_id")["part"].agg(set).to_dict()


@pytest.mark.parametrize("labels", [lambda name: (name,), lambda name: (name, "same"), lambda name: (name[0],)])
def test_speakers_as_labels_are_divided_by_recording(tmp_path, labels, caplog):
    """The speaker, also beside another label; and one that two of ten share, which is too few for three parts."""
    names = ["ann", "abe", "bob", "cat", "dan", "eve", "fay", "gil", "hal", "ida"]
    table, _ = index(tmp_path, spoken(tmp_path, {name: labels(name) for name in names}, each=5))
    assert parts_by_speaker(table) == {name: {"train", "dev", "test"} for name in names}
    assert "each speaker's recordings are divided" in caplog.text
    assert "that training lacks" not in caplog.text
    again, _ = index(tmp_path, spoken(tmp_path, {name: labels(name) for name in reversed(names)}, each=5))
    assert again["part"].equals(table["part"])


def test_of_two_recordings_of_a_speaker_one_is_trained_on(tmp_path):
    names = [f"s{i}" for i in range(12)]
    table, _ = index(tmp_path, spoken(tmp_path, {name: (name,) for name in names}, each=2))
    assert all("train" in parts for parts in parts_by_speaker(table).values())
    assert set(table["part"]) == {"train", "dev", "test"}


def test_one_recording_of_each_speaker_is_too_few_to_know_them_by(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for dev and test"):
        index(tmp_path, spoken(tmp_path, {f"s{i}": (f"s{i}",) for i in range(12)}, each=1))


def test_sessions_of_single_speakers_are_divided_by_recording(tmp_path):
    path = write_audio(tmp_path / "x.wav", noise(SECONDS))
    found = [Item(f"{s}-{i}", f"s{s}", None, path, (f"session {s}{i % 2}",)) for s in range(6) for i in range(12)]
    table, _ = index(tmp_path, found)
    assert parts_by_speaker(table) == {f"s{s}": {"train", "dev", "test"} for s in range(6)}


@pytest.mark.parametrize("seed", range(8))
def test_labels_that_several_speakers_have_are_divided_by_speaker_and_stay_in_training(tmp_path, seed):
    """Gender and accent follow from the speaker too; the one Scot trains, as nobody could learn from others."""
    accents = {f"s{i}": ("fm"[i % 2], ["us", "uk", "in"][i % 3]) for i in range(18)} | {"s18": ("f", "scot")}
    table, _ = index(tmp_path, spoken(tmp_path, accents, each=2), seed=seed)
    assert {len(parts) for parts in parts_by_speaker(table).values()} == {1}
    counts = table.groupby("part")["speaker_id"].nunique().to_dict()
    assert counts == {"train": 13, "dev": 2, "test": 4}
    for column in (0, 1):
        has = {part: {target[column] for target in rows["target"]} for part, rows in table.groupby("part")}
        assert has["dev"] | has["test"] <= has["train"]


def test_speakers_that_were_named_are_held_out_or_refused(tmp_path):
    found = spoken(tmp_path, {name: (name,) for name in "abcde"}, each=4)
    with pytest.raises(ItemError, match="every dev utterance has a label that training lacks"):
        index(tmp_path, found, held_out={"dev": ["a"], "test": ["b"]})


def test_words_of_few_speakers_are_not_divided_within_speakers(tmp_path):
    with pytest.raises(ItemError, match="no utterance is left for train"):
        index(tmp_path, items(tmp_path, speakers=2))


# Draws


def test_hours_are_cut_by_a_seeded_draw(tmp_path):
    found = items(tmp_path, count=60, speakers=10)
    whole, _ = index(tmp_path, found)
    hours = 15 * SECONDS / 3600
    first, _ = index(tmp_path, found, hours=hours)
    again, _ = index(tmp_path, found, hours=hours)
    more, _ = index(tmp_path, found, hours=1.6 * hours)
    other, _ = index(tmp_path, found, hours=hours, seed=9)
    assert first["part"].value_counts().to_dict() == {"train": 15, "dev": 6, "test": 12}
    assert list(first.index) == list(again.index) != list(other.index)
    assert set(first.index) < set(more.index) < set(whole.index)


@given(milliseconds=st.integers(1, 3_600_000), more=st.sampled_from([0, 1]))
def test_limits_count_samples_whatever_their_decimals(milliseconds, more):
    """4.35 s are 69,600 samples, where a product of floats is less than that."""
    assert exceeds(16 * milliseconds + more, milliseconds / 1000) == bool(more)
    hours = milliseconds / 1000
    one = [Item("a", "s", "train", Path("a.wav"), ("x",), 57_600 * milliseconds + more, 0.0)]
    assert len(cut_to_hours(one, hours, seed=1)) == 1 - more
