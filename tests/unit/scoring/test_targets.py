"""Targets of every kind on representation files with known contents: which rows stand beside which, and chance."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from layerwise.representations.writer import writing
from layerwise.scoring import chance
from layerwise.scoring.properties import property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from tiny_representations import DIMENSIONS, UTTERANCES, contents, write_shards

SETTINGS = ScoreSettings(10, 3, "row", True, [[1e-10, 1e-10], [1e-8, 1e-8], [1e-5, 1e-5]], seed=1)
ROWS = 30 * len(UTTERANCES)
NAMES = np.array(UTTERANCES)


@pytest.fixture
def score(tmp_path):
    """The records of a question, asked of some layers of the tiny model."""

    def run(entry, layers=("T1",), paths=None, settings=SETTINGS, **beside):
        out = tmp_path / "T.json"
        paths = paths or write_shards(tmp_path / "tiny", shards=2)
        score_layers(paths, property_of("mine", entry), "tiny", 1, layers, settings, out, **beside)
        return json.loads(out.read_text(encoding="utf-8"))["records"]

    return run


def targets_file(path, types, names, values=None, unit="row"):
    """A file as a job writes it that looks targets up."""
    with writing(path, "float64", {"shard": 0, "unit": unit, "missing": int((np.asarray(types) < 0).sum())}) as writer:
        writer.append("type", np.asarray(types, np.int64))
        writer.append("names", np.asarray(names, dtype=str))
        if values is not None:
            writer.append("values", np.asarray(values, np.float64))
    return path


def mean(record, metric="pwcca", of="metrics"):
    return float(np.mean([trial[of][metric] for trial in record["trials"]]))


# --- layers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "layers", "ours", "other"), [("C1", ["T1"], 0.02, 0.01), ("T0", ["C1"], 0.01, 0.02)]
)
def test_frames_of_layers_that_are_not_as_far_apart_are_refused_with_the_numbers(score, target, layers, ours, other):
    entry = {"rows": "frame", "layers": "all", "target": {"layer": target}}
    (record,) = score(entry, layers)
    assert record["status"] == "skipped"
    assert f"frames of {ours} s cannot be compared with those of {other} s of {target}" in record["reason"]
    (equal,) = score(entry, [target])
    assert mean(equal) == pytest.approx(1, abs=1e-3)


# --- labels -------------------------------------------------------------------------------------------------------


def test_speakers_are_found_in_the_layer_that_holds_them_by_folds_of_their_own(tmp_path, score):
    """The folds of the experiment keep speakers apart, so that no speaker of the test rows would have been seen."""

    def many(utterance, arrays):
        rng, place = np.random.default_rng(UTTERANCES.index(utterance)), UTTERANCES.index(utterance)
        noise = rng.normal(size=(10, DIMENSIONS))
        arrays["utterance/T0"] = noise.astype(np.float16)
        arrays["utterance/T1"] = (arrays["utterance/T1"] + noise).astype(np.float16)
        arrays["utterance/row"] = 10 * place + np.arange(10)
        arrays["utterance/utterance_id"] = np.array([f"{utterance}{number}" for number in range(10)])
        for name in ("label", "speaker_id", "start", "end"):
            arrays[f"utterance/{name}"] = np.repeat(arrays[f"utterance/{name}"], 10)

    paths = write_shards(tmp_path / "many", shards=2, change=many)
    entry = {"rows": "utterance", "target": {"label": "speaker_id"}}
    by_speaker = replace(SETTINGS, folds=4, trials=2, folds_by="speaker")
    (skipped,) = score(entry, paths=paths, settings=by_speaker)
    assert skipped["status"] == "skipped"
    assert "a held-out fold has only one of the 4 labels" in skipped["reason"]
    assert "all rows of one speaker are in one fold" in skipped["reason"]
    held, silent = score(entry | {"folds_by": "row"}, ["T1", "T0"], paths=paths, settings=by_speaker)
    assert (held["status"], held["n_rows"], held["n_types"]) == ("ok", 10 * len(UTTERANCES), 4)
    assert mean(held) > mean(held, of="chance") + 0.4
    assert abs(mean(silent) - mean(silent, of="chance")) < 0.2


def test_speakers_of_one_utterance_each_cannot_be_learned(tmp_path, score):
    def apart(utterance, arrays):
        for name in ("utterance/label", "utterance/speaker_id"):
            arrays[name] = np.array([utterance])

    entry = {"rows": "utterance", "target": {"label": "speaker_id"}}
    (record,) = score(entry, paths=write_shards(tmp_path / "apart", change=apart))
    assert record["status"] == "skipped"
    assert "0 of 24 labels occur in more than one row" in record["reason"]


def test_a_column_of_a_table_is_a_label_and_rows_without_one_are_left_out(tmp_path, score):
    labels = np.concatenate([np.arange(30) % 3 for _ in UTTERANCES])
    labels[::5] = -1
    file = targets_file(tmp_path / "t.h5", labels, ["high", "low", "mid"])
    (record,) = score({"rows": "phone", "target": {"label": "tone"}}, targets=file)
    assert (record["n_rows"], record["n_missing"], record["n_types"]) == (ROWS - ROWS // 5, ROWS // 5, 3)
    assert abs(mean(record) - mean(record, of="chance")) < 0.15  # the tone has nothing to do with the layer


def test_random_labels_score_at_chance(tmp_path, score):
    rng = np.random.default_rng(3)
    file = targets_file(tmp_path / "t.h5", rng.integers(0, 4, ROWS), list("abcd"))
    records = score({"rows": "phone", "target": {"label": "x"}}, ["T0", "T1"], targets=file)
    for record in records:
        assert abs(mean(record) - mean(record, of="chance")) < 0.1


def test_what_a_speaker_has_is_shuffled_between_speakers(tmp_path, score):
    """Where rows of a speaker are in training and in test, any value that speakers have can be read off a layer."""

    def spoken(utterance, arrays):
        place = ("84", "174", "251", "422").index(utterance.split("-")[0])
        arrays["phone/T1"][:, place] += 6

    of_speaker = {"84": 0, "174": 0, "251": 1, "422": 1}
    types = [of_speaker[name.split("-")[0]] for name in UTTERANCES for _ in range(30)]
    paths = write_shards(tmp_path / "spoken", change=spoken)
    by_speaker = targets_file(tmp_path / "s.h5", types, ["f", "m"], unit="speaker")
    by_row = targets_file(tmp_path / "r.h5", types, ["f", "m"], unit="row")
    entry = {"rows": "phone", "target": {"label": "gender"}}
    (kept,), (lost,) = (score(entry, paths=paths, targets=file) for file in (by_speaker, by_row))
    assert mean(kept) == mean(lost) > 0.9
    assert mean(kept, of="chance") > 0.9  # these speakers are known whatever is said of them
    assert mean(lost, of="chance") < 0.3


def test_frames_have_what_their_utterance_has(tmp_path, score):
    types = np.arange(len(UTTERANCES)) % 3
    order = np.argsort(NAMES)  # as tables of samples are sorted
    file = targets_file(tmp_path / "t.h5", types[order], ["a", "b", "c"], unit="utterance")

    def marked(utterance, arrays):
        arrays["frame/T2"][:, types[UTTERANCES.index(utterance)]] += 5

    paths = write_shards(tmp_path / "marked", change=marked)
    (record,) = score({"rows": "frame", "target": {"label": "dialect"}}, ["T2"], paths=paths, targets=file)
    assert mean(record) > 0.9
    assert record["n_rows"] == sum(len(contents(name)["frame/T2"]) for name in UTTERANCES)


# --- numbers ------------------------------------------------------------------------------------------------------


def test_a_planted_linear_image_is_read_off_its_layer(tmp_path, score):
    rows = np.concatenate([contents(name)["phone/T1"] for name in UTTERANCES]).astype(np.float64)
    image = rows @ np.random.default_rng(5).normal(size=(DIMENSIONS, 2))
    image[7] = np.nan
    types = np.where(np.isfinite(image).all(axis=1), np.arange(ROWS), -1)
    file = targets_file(tmp_path / "t.h5", types, np.full(ROWS, ""), np.nan_to_num(image))
    planted, other = score({"rows": "phone", "target": {"columns": ["f1", "f2"]}}, ["T1", "T0"], targets=file)
    assert mean(planted, "mean_cca") > 0.999
    assert abs(mean(other, "mean_cca")) < 0.2
    assert planted["n_missing"] == 1
    assert [planted["trials"][0][name] for name in ("dx", "dy")] == [DIMENSIONS, 2]  # the layer is view x


def test_vectors_of_labels_stand_beside_the_rows_that_have_them(tmp_path, score):
    labels = np.concatenate([contents(name)["phone/label"] for name in UTTERANCES])
    names = np.array(["AA", "B", "CH", "EH"])  # D has no vector
    types = np.array([np.flatnonzero(names == label)[0] if label in names else -1 for label in labels])
    values = np.random.default_rng(8).normal(size=(4, 3))
    file = targets_file(tmp_path / "t.h5", types, names, values)
    telling, silent = score({"rows": "phone", "target": {"vectors": "v.txt"}}, ["T1", "T0"], targets=file)
    assert telling["n_missing"] == (labels == "D").sum()
    assert mean(telling) > mean(silent) + 0.3
    # What no word of the sample has is no dimension: it neither flags a score nor changes it.
    sparse = targets_file(tmp_path / "s.h5", types, names, np.column_stack([np.zeros(4), values, np.full((4, 2), 7.0)]))
    (same,) = score({"rows": "phone", "target": {"vectors": "s.txt"}}, ["T1"], targets=sparse)
    assert (same["status"], same["trials"][0]["dy"]) == ("ok", 3)
    assert mean(same) == pytest.approx(mean(telling))


# --- other models -------------------------------------------------------------------------------------------------


def test_a_layer_of_another_model_over_the_same_frames(tmp_path, score):
    def noisier(utterance, arrays):
        rng = np.random.default_rng(1000 + UTTERANCES.index(utterance))
        arrays["frame/T1"] = (arrays["frame/T1"] + 0.1 * rng.normal(size=arrays["frame/T1"].shape)).astype(np.float16)

    other = write_shards(tmp_path / "other", shards=2, change=noisier)
    same, crossed = score({"rows": "frame", "target": {"model": "other", "layer": "same"}}, ["T1", "T2"], other=other)
    assert mean(same) > 0.9
    assert mean(crossed) == pytest.approx(1, abs=1e-6)  # T2 is the same in both
    (fixed,) = score({"rows": "frame", "target": {"model": "other", "layer": "T0"}}, ["T1"], other=other)
    assert 0.5 < mean(fixed) < mean(same)


def test_every_layer_of_another_model_in_turn(tmp_path, score):
    other = write_shards(tmp_path / "other", shards=2)
    entry = {"rows": "phone", "target": {"model": "other", "layer": "all"}}
    records = score(entry, ["T0", "T1"], other=other, other_layers=["T0", "T1"])
    assert [(record["layer"], record["other_layer"]) for record in records] == [
        ("T0", "T0"),
        ("T0", "T1"),
        ("T1", "T0"),
        ("T1", "T1"),
    ]
    assert [mean(record) > 0.99 for record in records] == [True, False, False, True]


def test_models_whose_frames_differ_are_refused_with_the_numbers(tmp_path, score):
    other = write_shards(tmp_path / "other", shards=2)
    for path in other:
        with h5py.File(path, "r+") as file:
            file.attrs["stride_seconds"] = 0.04
    entry = {"rows": "frame", "target": {"model": "other", "layer": "same"}}
    (record,) = score(entry, other=other)
    assert record["status"] == "skipped"
    assert "frames of 0.02 s cannot be compared with those of 0.04 s of other same" in record["reason"]

    def shorter(utterance, arrays):
        if utterance == UTTERANCES[3]:
            for name in arrays:
                if name.startswith("frame/T"):
                    arrays[name] = arrays[name][:-1]

    (record,) = score(entry, other=write_shards(tmp_path / "shorter", shards=2, change=shorter))
    assert record["status"] == "skipped"
    assert "both models must give a frame at the same times" in record["reason"]


# --- chance -------------------------------------------------------------------------------------------------------


def test_units_are_exchanged_as_a_whole():
    units = np.repeat(["a", "b", "c", "d"], [3, 1, 2, 4])
    values = {"a": 1, "b": 2, "c": 3, "d": 4}
    target = np.array([values[unit] for unit in units])
    drawn = [target[chance.of_units(units, "mine", seed, 1)] for seed in range(30)]
    for shuffled in drawn:
        of_unit = {unit: set(shuffled[units == unit]) for unit in values}
        assert all(len(found) == 1 for found in of_unit.values())
        assert set.union(*of_unit.values()) == {1, 2, 3, 4}
    assert len({tuple(shuffled) for shuffled in drawn}) > 5
