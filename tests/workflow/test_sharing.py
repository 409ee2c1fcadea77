"""Another view of the results of an experiment: dry runs beside the finished smoke experiment."""

from __future__ import annotations

import yaml

MADE = {"index_utterances", "index_alignments", "draw_sample", "make_random_model", "extract_representations"}
SHARES = {"experiment": "view", "shares": "smoke"}


def configured(**changes) -> list[str]:
    given = SHARES | changes
    return ["--config", *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in given.items())]


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
    assert {path.name for path in (finished / "results/view").iterdir()}.isdisjoint(
        {"corpus", "samples", "representations", "scores"}
    )
    assert finished.plan().jobs == {}
