"""Targets that are looked up: fetched and looked up once, and only where a chosen property asks for it."""

from __future__ import annotations

import json

BY_NAME = {"rows": "word", "target": {"vectors": "glove"}}


def asked(checkout, properties, **own):
    return checkout.plan("--config", f"properties={json.dumps(properties)}", f"extra_properties={json.dumps(own)}")


def test_vectors_are_fetched_where_they_are_asked_for(checkout):
    plan = asked(checkout, ["phone", "glove", "syntactic"])
    samples = plan.jobs["draw_sample"]
    assert plan.jobs["fetch_vectors"] == 2
    assert plan.jobs["look_up_targets"] == 2 * samples
    # The same file for two properties is fetched once
    plan = asked(checkout, ["glove", "lower"], lower={**BY_NAME, "target": {"vectors": "glove", "case": "lower"}})
    assert (plan.jobs["fetch_vectors"], plan.jobs["look_up_targets"]) == (1, 2 * samples)


def test_nothing_is_fetched_for_other_questions_or_for_files_that_are_here(checkout, tmp_path):
    plan = asked(checkout, ["phone", "word"], unused=BY_NAME)
    assert "fetch_vectors" not in plan.jobs
    assert "look_up_targets" not in plan.jobs
    (tmp_path / "vectors.txt").write_text("the 1 2\n")
    plan = asked(checkout, ["mine"], mine={"rows": "word", "target": {"vectors": str(tmp_path / "vectors.txt")}})
    assert "fetch_vectors" not in plan.jobs
    assert plan.jobs["look_up_targets"] == plan.jobs["draw_sample"]


def test_columns_are_looked_up_and_labels_of_the_rows_are_not(checkout, tmp_path):
    plan = asked(checkout, ["starts", "word"], starts={"rows": "word", "target": {"columns": ["start"]}})
    assert plan.jobs["look_up_targets"] == plan.jobs["draw_sample"]
    # A table of segments is looked up for each sample too, of which there is one here
    (tmp_path / "mine.csv").write_text("utterance_id,start,end,stress\nu,0,1,2\n")
    own = {"rows": {"segments": str(tmp_path / "mine.csv")}, "target": {"label": "stress"}}
    plan = asked(checkout, ["stress", "gender"], stress=own)
    assert (plan.jobs["look_up_targets"], plan.jobs["read_segments"]) == (2, 1)


def test_a_file_of_vectors_that_is_not_there_is_refused(checkout):
    own = {"mine": {"rows": "word", "target": {"vectors": "gloves"}}}
    run = checkout.snakemake("-n", "--config", "properties=[mine]", f"extra_properties={json.dumps(own)}")
    assert run.returncode != 0
    assert "extra_properties.mine.target.vectors: gloves does not exist" in run.output
    assert "did you mean glove?" in run.output
