"""What is said of rows before a layer is scored is what the score then says."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from layerwise.files.catalogues import read_yaml
from layerwise.scoring.enough import DrawnRows, enough
from layerwise.scoring.properties import property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from synthetic_views import CHECKOUT

SHIPPED = read_yaml(CHECKOUT / "resources/properties.yaml")
SETTINGS = ScoreSettings(
    folds=5, trials=2, folds_by="row", standardise=True, epsilons=[[1e-10, 1e-10], [1e-6, 1e-6]], seed=3
)
MEL = 5
QUESTIONS = {
    "phone": property_of("phone", SHIPPED["phone"]),
    "speaker": property_of("speaker", SHIPPED["phone"] | {"target": {"label": "speaker_id"}}),
    "clusters": property_of("clusters", SHIPPED["phone"] | {"measure": {"mutual_information": {"clusters": 4}}}),
    "discrimination": property_of("discrimination", SHIPPED["phone"] | {"measure": "word_discrimination"}),
}


def changed(**changes):
    return ScoreSettings(**(vars(SETTINGS) | changes))


def segments(counts, utterances, speakers, seed=0):
    """As many segments of each label as `counts` says, in utterances of speakers by turns."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat([f"L{number:02d}" for number in range(len(counts))], counts))
    place = np.sort(random.integers(utterances, size=len(labels)))
    names = np.array([f"{number % speakers}-1-{number:04d}" for number in range(utterances)])[place]
    return DrawnRows(names, np.array([name.split("-")[0] for name in names]), labels)


def scored(tmp_path, question, drawn, layer, how):
    """The record of a layer of noise on these rows."""
    path, out = tmp_path / "0.h5", tmp_path / "T1.json"
    random = np.random.default_rng(1)
    with h5py.File(path, "w", libver="v110") as file:
        columns = {"utterance_id": drawn.utterances, "speaker_id": drawn.speakers}
        if drawn.frames is None:
            columns["label"] = drawn.labels
            columns["row"], columns["start"] = np.arange(drawn.count), np.zeros(drawn.count)
            columns["end"] = columns["start"] + 1
        else:
            file["1/frame/offsets"] = np.cumsum([0, *drawn.frames])
            file["1/target/mel"] = random.normal(size=(drawn.count, MEL)).astype(np.float32)
        for name, values in columns.items():
            kept = np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
            file[f"1/{question.rows.folder}/{name}"] = kept
        file[f"1/{question.rows.folder}/T1"] = random.normal(size=(drawn.count, layer)).astype(np.float32)
        if drawn.frames is not None:
            text = h5py.string_dtype(length=1)
            file["1/frame/T1"].attrs.create("grid", "", dtype=text)
        file.attrs["shard"], file.attrs["stride_seconds"], file.attrs["complete"] = 0, 0.02, True
    score_layers([path], question, "noise", 1, ["T1"], how, out)
    (record,) = json.loads(out.read_text(encoding="utf-8"))["records"]
    return record


@pytest.mark.parametrize("name", QUESTIONS)
@given(
    counts=st.lists(st.sampled_from([1, 2, 5, 9, 40]), min_size=1, max_size=12),
    layer=st.sampled_from([2, 8, 30]),
    utterances=st.sampled_from([1, 4, 12, 60]),
    speakers=st.sampled_from([1, 3, 8]),
    by=st.sampled_from(["row", "utterance", "speaker"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_score_goes_as_it_was_said(tmp_path, name, counts, layer, utterances, speakers, by):
    drawn, question, how = segments(counts, utterances, speakers), QUESTIONS[name], changed(folds_by=by)
    said = enough(question, drawn, layer, 0, how, 1)
    record = scored(tmp_path, question, drawn, layer, how)
    assert said.rows == record["n_rows"]
    assert said.speakers == record["n_speakers"]
    assume("constant over" not in record["reason"])  # which only the layer's numbers say
    assert said.status == record["status"], (said.reason, record["reason"])
    if record["trials"] and said.train is not None:
        assert said.train == min(trial["n_train"] for trial in record["trials"])
        assert said.test == min(trial["n_test"] for trial in record["trials"])
        assert said.types == record["n_types"]


@given(
    frames=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    layer=st.sampled_from([3, 12]),
    by=st.sampled_from(["row", "utterance"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_frames_go_as_it_was_said(tmp_path, frames, layer, by):
    names = np.array([f"{number}-1-0000" for number in range(len(frames))])
    drawn = DrawnRows(names, names, frames=np.array(frames))
    question = property_of("few", SHIPPED["intra"] | {"target": {"layer": "T1"}})
    how = changed(folds_by=by)
    said, record = enough(question, drawn, layer, layer, how, 1), scored(tmp_path, question, drawn, layer, how)
    assert (said.rows, said.dy) == (record["n_rows"], layer)
    assume("constant over" not in record["reason"])  # rows drawn by chance may be alike, which no count foretells
    assert said.status == record["status"], (said.reason, record["reason"])
