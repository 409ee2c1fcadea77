"""Where phones and words lie: written for the utterances of a sample, and read by score jobs."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from layerwise.files.own_tables import write_parquet
from layerwise.representations.store import RepresentationError
from layerwise.targets.located import read_located
from layerwise.targets.locating import locate_intervals

UTTERANCES = pd.DataFrame({"utterance_id": ["b", "a", "c"], "speaker_id": ["s2", "s1", "s1"]})
INTERVALS = pd.DataFrame(
    [
        ("b", "word", "two", 0.5, 1.0),
        ("a", "word", "größe", 0.0, 0.4),
        ("b", "word", "one", 0.0, 0.5),
        ("elsewhere", "word", "three", 0.0, 1.0),
        ("a", "phone", "AA", 0.1, 0.2),
    ],
    columns=["utterance_id", "tier", "label", "start", "end"],
)


@pytest.fixture
def located(tmp_path):
    def write(utterances=UTTERANCES, intervals=INTERVALS):
        for name, table in (("utterances", utterances), ("intervals", intervals)):
            write_parquet(pa.Table.from_pandas(table, preserve_index=False), tmp_path / f"{name}.parquet")
        out = tmp_path / "located.h5"
        locate_intervals(tmp_path / "utterances.parquet", tmp_path / "intervals.parquet", out)
        return out

    return write


def test_intervals_of_the_sample_are_sorted_by_utterance_and_time(located):
    found = read_located(located(), "word")
    assert found.utterances.tolist() == ["a", "b", "c"]
    assert found.speakers.tolist() == ["s1", "s2", "s1"]
    assert found.utterances[found.utterance].tolist() == ["a", "b", "b"]
    assert found.label.tolist() == ["größe", "one", "two"]
    assert found.start.tolist() == [0.0, 0.0, 0.5]
    assert found.end.tolist() == [0.4, 0.5, 1.0]
    assert read_located(located(), "phone").label.tolist() == ["AA"]


def test_the_order_of_tables_does_not_matter(located):
    before = located().read_bytes()
    assert located(UTTERANCES[::-1], INTERVALS.sample(frac=1, random_state=1)).read_bytes() == before


def test_a_tier_may_have_nothing(located):
    found = read_located(located(intervals=INTERVALS[INTERVALS["tier"] == "word"]), "phone")
    assert (len(found.label), len(found.start), len(found.utterances)) == (0, 0, 3)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("word/start", np.zeros(2), "its datasets differ in length: delete it and run again"),
        ("word/utterance", np.array([0, 1, 3]), "an interval is of no utterance: delete it and run again"),
        ("word/utterance", np.array([0, 1, -1]), "an interval is of no utterance"),
        ("speaker_id", np.array([b"s1"]), "its datasets differ in length"),
    ],
)
def test_another_file_is_refused(located, name, values, said):
    path = located()
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values
    with pytest.raises(RepresentationError, match=said):
        read_located(path, "word")
