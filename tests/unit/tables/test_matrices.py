"""Layers beside every layer of another model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from layerwise.files.own_files import RereadError
from layerwise.scoring.confidence import corrected_half, overlap_of
from layerwise.scoring.properties import property_of, read_properties
from layerwise.tables.jackknife import read_jackknife
from layerwise.tables.matrices import COLUMNS, read_matrices, summarise_matrices
from layerwise.tables.scores import MalformedScoreError, SkippedScoreError, collect_scores
from layerwise.tables.trends import read_trends, summarise_trends
from synthetic_scores import record, with_jackknife, write_matrix, write_score

PAIRS = property_of("pairs", {"rows": "frame", "target": {"model": "other", "layer": "all"}})
BLOCKS = {"b-model": 3, "a-model": 2, "other": 2}


@pytest.fixture
def summarise(tmp_path):
    """Makes the table of score files and returns it."""

    def run(files, properties=None, folds_by="utterance", intervals="corpus", models=BLOCKS, **options):
        out = tmp_path / "layer_matrices.csv"
        asked = {"pairs": PAIRS} if properties is None else properties
        summarise_matrices(
            files,
            dict.fromkeys(asked, ("pwcca",)),
            asked,
            list(models),
            models,
            10,
            folds_by,
            intervals,
            out=out,
            **options,
        )
        return read_matrices(out)

    return run


def test_every_pair_has_a_row_in_the_order_of_depth(tmp_path, summarise):
    table = summarise(reversed(write_matrix(tmp_path, "pairs", BLOCKS, 2)))
    assert list(table.columns) == COLUMNS
    assert list(table["model"].unique()) == list(BLOCKS)
    chosen = table[table["model"] == "a-model"]
    pairs = [(f"T{one}", f"T{other}") for one in range(3) for other in range(3)]
    assert list(zip(chosen["layer"], chosen["other_layer"], strict=True)) == pairs
    assert set(table["other_model"]) == {"other"}
    assert set(table["status"]) == {"ok"}


def test_numbers_are_those_of_the_scores(tmp_path, summarise):
    row = summarise(write_matrix(tmp_path, "pairs", BLOCKS, 2)).set_index(["model", "layer", "other_layer"])
    row = row.loc[("a-model", "T1", "T2")]
    values = [0.65 + 0.01 * trial + 0.02 * sample for sample in (1, 2) for trial in range(3)]
    half = corrected_half(np.std(values, ddof=1), 6, overlap_of(10))
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["std"] == pytest.approx(np.std(values, ddof=1))
    assert (row["low"], row["high"]) == (pytest.approx(row["mean"] - half), pytest.approx(row["mean"] + half))
    assert (row["n"], row["n_rows"], row["interval"]) == (6, 1000, "corpus")
    assert row["chance"] == pytest.approx(0.1)


def test_skipped_and_flagged_pairs_say_so(tmp_path, summarise):
    def status(property_name, model, layers):
        return {"T1 T1": ("flagged", "kept 3 of 48"), "T2 T0": ("skipped", "too few")}.get(layers, ("ok", ""))

    table = summarise(write_matrix(tmp_path, "pairs", {"a-model": 2}, 2, status=status))
    table = table.set_index(["layer", "other_layer"])
    flagged, skipped = table.loc[("T1", "T1")], table.loc[("T2", "T0")]
    assert (flagged["status"], flagged["reason"], flagged["n"]) == ("flagged", "kept 3 of 48", 6)
    assert (skipped["status"], skipped["reason"], skipped["n"]) == ("skipped", "too few", 0)
    assert np.isnan([skipped["mean"], skipped["low"], skipped["chance"]]).all()
    assert skipped["interval"] == ""
    assert (table["status"] == "ok").sum() == 7


def test_of_single_scores_there_are_no_intervals(tmp_path, summarise):
    table = summarise(write_matrix(tmp_path, "pairs", {"a-model": 2}, 2, samples=1, trials=1))
    assert table["mean"].notna().all()
    assert table[["std", "low", "high"]].isna().all(axis=None)
    assert set(table["interval"]) == {""}


def test_a_strict_experiment_refuses_skipped_pairs(tmp_path, summarise):
    files = write_matrix(tmp_path, "pairs", {"a-model": 2}, 2, status=lambda *_: ("skipped", "too few"))
    with pytest.raises(SkippedScoreError, match="pairs, a-model, T0-T2: too few"):
        summarise(files, strict=True)


def test_intervals_of_speakers_are_those_of_the_other_tables(tmp_path, summarise):
    """The same replicates, of a layer and of a pair."""
    share, values = {"a": [0.5, 0.4], "b": [0.5, 0.6]}, {"a": [0.5, 0.62], "b": [0.54, 0.6]}
    made = [record("pairs", "m", f"T{i}", 1, [{"pwcca": 0.5}, {"pwcca": 0.6}]) for i in (0, 1)]
    made = [with_jackknife(each, share, values) for each in made]
    plain = [write_score(tmp_path / "plain", each) for each in made]
    paths = {name: tmp_path / f"{name}.csv" for name in ("scores", "jackknife", "trends")}
    collect_scores(
        plain,
        dict.fromkeys(["pairs"], ("pwcca",)),
        ["pairs"],
        ["m"],
        {"m": 1},
        paths["scores"],
        jackknife=paths["jackknife"],
    )
    summarise_trends(paths["scores"], 10, paths["trends"], paths["jackknife"])
    file = write_score(tmp_path / "pairs", *(each | {"other_layer": f"T{i}"} for each in made for i in (0, 1)))
    found = summarise([file], folds_by="speaker", intervals="speakers", models={"m": 1})
    expected = read_trends(paths["trends"])
    assert set(found["interval"]) == {"speakers"}
    for name in ("mean", "low", "high"):
        assert found.loc[found["other_layer"] == "T1", name].to_numpy() == pytest.approx(expected[name].to_numpy())


def test_of_one_group_of_speakers_there_is_no_interval_and_the_reason_says_so(tmp_path, summarise):
    share, values = {"a": [1.0], "b": [0.0]}, {"a": [0.5], "b": [0.5]}
    made = with_jackknife(record("pairs", "m", "T0", 1, [{"pwcca": 0.5}]), share, values) | {"other_layer": "T0"}
    (row,) = summarise(
        [write_score(tmp_path, made)], folds_by="speaker", intervals="speakers", models={"m": 1}
    ).to_dict("records")
    assert (row["interval"], row["reason"]) == ("", "no interval: one group of speakers was tested")
    assert np.isnan(row["low"])


def test_folds_of_its_own_have_intervals_about_the_corpus(tmp_path, summarise):
    entry = {"rows": "frame", "target": {"model": "other", "layer": "all"}, "folds_by": "utterance"}
    files = write_matrix(tmp_path, "pairs", {"a-model": 2}, 2)
    table = summarise(files, read_properties({"pairs": entry}), folds_by="speaker", intervals="speakers")
    assert set(table["interval"]) == {"corpus"}
    with pytest.raises(MalformedScoreError, match="lacks 'jackknife'"):
        summarise(files, folds_by="speaker", intervals="speakers")


def test_a_model_beside_itself_and_two_properties_stay_apart(tmp_path, summarise):
    two = {"pairs": PAIRS, "others": property_of("others", {"rows": "word", "target": {"model": "b", "layer": "all"}})}
    files = [*write_matrix(tmp_path, "others", {"other": 2}, 1), *write_matrix(tmp_path, "pairs", {"other": 2}, 2)]
    table = summarise(files, two)
    assert list(table["property"].unique()) == ["pairs", "others"]
    assert dict(zip(table["property"], table["other_model"], strict=True)) == {"pairs": "other", "others": "b"}


def test_records_of_layers_and_of_pairs_are_told_apart(tmp_path, summarise):
    pairs = write_matrix(tmp_path / "pairs", "pairs", {"a-model": 2}, 2)
    with pytest.raises(MalformedScoreError, match="it compares T0 with 'T0', and one layer is expected"):
        collect_scores(
            pairs, dict.fromkeys(["pairs"], ("pwcca",)), ["pairs"], ["a-model"], BLOCKS, tmp_path / "scores.csv"
        )
    layer = write_score(tmp_path / "layer", record("pairs", "a-model", "T1", 1, [{"pwcca": 0.5}]))
    with pytest.raises(MalformedScoreError, match="a record lacks 'other_layer'"):
        summarise([layer])
    wrong = record("pairs", "a-model", "T1", 1, [{"pwcca": 0.5}]) | {"other_layer": "all"}
    with pytest.raises(MalformedScoreError, match="'all' is not a layer's name"):
        summarise([write_score(tmp_path / "wrong", wrong)])


def test_a_pair_in_two_files_is_refused(tmp_path, summarise):
    files = [
        *write_matrix(tmp_path / "1", "pairs", {"a-model": 2}, 2),
        *write_matrix(tmp_path / "2", "pairs", {"a-model": 2}, 2),
    ]
    with pytest.raises(MalformedScoreError, match="and so does"):
        summarise(files)


def test_without_scores_the_table_has_its_head(tmp_path, summarise):
    table = summarise([], {})
    assert list(table.columns) == COLUMNS
    assert table.empty


def test_the_same_files_give_the_same_bytes_in_any_order(tmp_path, summarise):
    files = write_matrix(tmp_path, "pairs", BLOCKS, 2)
    summarise(files)
    first = (tmp_path / "layer_matrices.csv").read_bytes()
    summarise(files[::-1])
    assert (tmp_path / "layer_matrices.csv").read_bytes() == first
    assert b"nan" not in first.lower()


def test_an_experiment_of_pairs_alone_has_empty_tables_of_layers(tmp_path):
    scores, jackknife = tmp_path / "scores.csv", tmp_path / "jackknife.csv"
    collect_scores([], dict.fromkeys([], ("pwcca",)), [], ["m"], {"m": 2}, scores, jackknife=jackknife)
    summarise_trends(scores, 10, tmp_path / "trends.csv", jackknife)
    assert read_trends(tmp_path / "trends.csv").empty
    assert read_jackknife(jackknife) == {}
    assert list(pd.read_csv(scores).columns)[:3] == ["property", "model", "layer"]


@pytest.mark.parametrize("layer", ["weighted", ""])
def test_a_table_that_is_none_of_ours_is_refused(tmp_path, summarise, layer):
    summarise(write_matrix(tmp_path, "pairs", {"a-model": 2}, 2))
    table = tmp_path / "layer_matrices.csv"
    table.write_text(table.read_text().replace(",other,T1,", f",other,{layer},"))
    with pytest.raises(RereadError, match=f"'{layer}' in column layer"):
        read_matrices(table)
