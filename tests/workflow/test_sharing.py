"""Another view of the results of an experiment: dry runs beside the finished smoke experiment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

MODEL = "random-wav2vec2-tiny"
MADE = {"index_utterances", "index_alignments", "draw_sample", "make_random_model", "extract_representations"}
SHARES = {"experiment": "view", "shares": "smoke"}


def configured(**changes) -> list[str]:
    given = SHARES | changes
    return ["--config", *(f"{key}={json.dumps(value)}" for key, value in given.items())]


def test_a_view_extracts_and_scores_nothing(smoke):
    jobs = smoke.plan(*configured(properties=["phone"])).jobs
    assert {"collect_scores", "summarise_trends", "plot_property", "write_report"} <= set(jobs)
    assert not set(jobs) & {*MADE, "score_layers", "lend_audio"}


def test_other_numbers_of_cca_score_what_was_extracted(smoke):
    jobs = smoke.plan(*configured(cca={"folds": 8})).jobs
    assert jobs["score_layers"] == 2
    assert not set(jobs) & MADE


def test_another_question_is_scored_and_another_model_extracted(smoke):
    run = smoke.plan(*configured(properties=["phone", "word"], models=["random-wav2vec2-tiny", "random-hubert-tiny"]))
    assert run.jobs["extract_representations"] == 1
    scored = {line for line in run.messages if ", layers " in line}
    assert scored == {
        "word of random-wav2vec2-tiny, layers T0-T4, sample 1",
        "word of random-hubert-tiny, layers T0-T6, sample 1",
        "phone of random-hubert-tiny, layers T0-T6, sample 1",
    }
    assert "draw_sample" not in run.jobs


def test_a_difference_is_refused_before_any_job(smoke):
    run = smoke.snakemake("-n", *configured(samples={"seed": 2}))
    assert run.returncode != 0
    assert "samples.seed: 2 here, 1 in smoke: representations depend on it" in run.output
    assert "Traceback" not in run.output


def test_a_view_has_the_numbers_of_what_it_shares(finished):
    shared = [path for path in (finished / "results/smoke").rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in shared}
    run = finished.snakemake("--cores", "1", "tables", *configured(properties=["phone"]))
    assert run.returncode == 0, run.output
    assert {path: path.stat().st_mtime_ns for path in shared} == before
    lines = [
        [line for line in (finished / f"results/{name}/tables/scores.csv").read_text().split("\n") if "phone" in line]
        for name in ("smoke", "view")
    ]
    assert lines[0] == lines[1] != []
    own = finished / "results/view"
    assert not (own / "representations").exists()
    assert not (own / "scores").exists()
    assert {path.name for part in ("corpus", "samples") for path in (own / part).iterdir()} == {
        "rare_types.csv",  # of what is asked here
        "enough.csv",
    }
    assert finished.plan().jobs == {}


@pytest.mark.parametrize("module", ["corpus/utterances", "sampling", "representations/extract", "scoring/folds"])
def test_nothing_of_the_other_experiment_is_made_whatever_has_changed(smoke, module):
    with smoke.appended("\nCHANGED = True\n", f"workflow/layerwise/{module}.py"):
        jobs = smoke.plan(*configured(properties=["phone"])).jobs
    assert not set(jobs) & {*MADE, "score_layers", "lend_audio"}


def test_an_estimate_counts_what_is_not_shared(smoke):
    run = smoke.snakemake("estimate", "--cores", "1", "--quiet", "all", *configured(cca={"folds": 8}))
    assert run.returncode == 0, run.output
    assert "Taken from smoke: representations of 1 model" in run.output
    assert "Extraction: none" in run.output
    assert "Scores: 17 in 2 jobs" in run.output


def test_pretraining_has_nothing_to_do_with_it(smoke):
    assert smoke.plan("pretrain", *configured()).jobs == smoke.plan("pretrain").jobs != {}


# Other poolings, tables of segments and heads: dry runs beside made-up files of the other experiment

OWN = {"stress": {"rows": {"segments": "stresses.csv"}, "target": {"label": "stress"}}}
ASKED = {"properties": ["phone", "word-centre", "word-last", "stress"], "extra_properties": OWN}
HEADS = {"tasks": ["demo-intent"]}
OF_HEADS = {"index_task", "train_probes", "join_probes"}
SCORED = {"cca": {"folds": 8}}  # so that scores are measured anew, and rows are needed


@pytest.fixture
def rich(finished) -> Path:
    """A copy in which the smoke experiment seems to have asked for more, and to have made it."""
    table = finished / "stresses.csv"
    table.write_text("utterance_id,start,end,stress\nf0-1-0000,0.1,0.3,high\n")
    results = finished / "results/smoke"
    for path in (
        f"representations/{MODEL}/stresses.mean+word.centre/0.h5",
        "segments/stresses.parquet",
        *(f"probes/demo-intent/{MODEL}.{suffix}" for suffix in ("csv", "json", "parquet")),
    ):
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).touch()
    said = yaml.safe_load((results / "configuration.yaml").read_text())
    for journal in ("configuration.yaml", "finished.yaml"):
        (results / journal).write_text(yaml.safe_dump({**said, **ASKED, "probes": {**said["probes"], **HEADS}}))
    return finished


def test_other_poolings_and_tables_are_read_where_they_are(rich):
    run = rich.plan("scores", *configured(**ASKED, **SCORED))
    assert [line for line in run.messages if line.startswith("Extract")] == [
        f"Extract word.last of every layer of {MODEL}, shard 0"
    ]
    assert "read_segments" not in run.jobs
    assert run.jobs["score_layers"] == 4


def test_a_table_that_was_changed_since_is_another_one(rich):
    journal = (rich / "results/smoke/configuration.yaml").stat().st_mtime
    os.utime(rich / "stresses.csv", (journal + 10, journal + 10))
    run = rich.plan("scores", *configured(**ASKED | {"properties": ["phone", "stress"]}))
    assert [line for line in run.messages if line.startswith("Extract")] == [
        f"Extract stresses.mean of every layer of {MODEL}, shard 0"
    ]
    assert run.jobs["read_segments"] == 1
    assert [line.split(",")[0] for line in run.messages if ", layers " in line] == [f"stress of {MODEL}"]


def test_heads_are_read_where_they_are(rich):
    assert not set(rich.plan("probes", *configured(probes=HEADS)).jobs) & OF_HEADS
    assert not set(rich.plan("probes", *configured(probes=HEADS | {"heads_per_job": 2})).jobs) & OF_HEADS
    jobs = rich.plan("probes", *configured(probes=HEADS, models=[MODEL, "random-hubert-tiny"])).jobs
    assert jobs["join_probes"] == 1
    assert rich.plan("probes", *configured(probes=HEADS | {"seed": 2})).jobs["join_probes"] == 1


def test_what_the_other_experiment_has_not_made_is_named(rich):
    (rich / f"results/smoke/probes/demo-intent/{MODEL}.csv").unlink()
    run = rich.snakemake("-n", "probes", *configured(probes=HEADS))
    assert run.returncode != 0
    assert f"results/smoke/probes/demo-intent/{MODEL}.csv" in run.output
    assert "smoke, with which this experiment shares, has not made it: run that one first" in run.output
    assert "Traceback" not in run.output
