"""A new question on rows that are there extracts nothing, and new rows are one more pass for all of them."""

from __future__ import annotations

import json

MODEL = "random-wav2vec2-tiny"
ASKED = ["mel", "phone"]


def planned(checkout, properties, **own):
    arguments = [f"properties={json.dumps([*ASKED, *properties])}", f"extra_properties={json.dumps(own)}"]
    return checkout.plan("--configfile", "resources/experiments/smoke.yaml", "--config", *arguments)


def passes(run) -> list[str]:
    return [line for line in run.messages if line.startswith("Extract")]


def extracted(rows, model=MODEL):
    return f"Extract {rows} of every layer of {model}, shard 0"


def test_questions_on_spans_that_are_there_extract_nothing(smoke):
    mine = {"rows": "word", "target": {"label": "speaker_id"}}
    run = planned(smoke, ["word", "speaker", "energy", "mine"], mine=mine)
    assert passes(run) == []
    assert run.jobs["score_layers"] == 4
    assert run.jobs["measure_acoustics"] == 1


def test_other_poolings_and_tables_are_one_pass_together(smoke, tmp_path):
    table = tmp_path / "stresses.csv"
    table.write_text("utterance_id,start,end,stress\nf0-1-0000,0.1,0.3,high\n")
    stress = {"rows": {"segments": str(table)}, "target": {"label": "stress"}}
    run = planned(smoke, ["word-centre", "word-quarter-1", "stress"], stress=stress)
    assert passes(run) == [extracted("word.centre+word.quarter_1+stresses.mean")]
    assert run.jobs["score_layers"] == 3


def test_what_was_extracted_before_stays(finished, tmp_path):
    """As a pass is named by its rows: what a folder of the representations is called is what it holds."""
    made = finished / f"results/smoke/representations/{MODEL}/word.centre"
    arguments = ["--configfile", "resources/experiments/smoke.yaml", "--config", "properties=[mel,phone,word-centre]"]
    run = finished.snakemake("--cores", "2", "scores", *arguments)
    assert run.returncode == 0, run.output
    assert [path.name for path in made.iterdir()] == ["0.h5"]
    again = planned(finished, ["word-centre", "word-last"])
    assert passes(again) == [extracted("word.last")]
    assert again.jobs["score_layers"] == 1
    # Another model has nothing yet, so that all goes into one pass.
    models = ["--config", f"models=[{MODEL},random-hubert-tiny]", "properties=[mel,phone,word-centre,word-last]"]
    both = finished.plan("--configfile", "resources/experiments/smoke.yaml", *models)
    assert sorted(passes(both)) == [
        "Extract every layer of random-hubert-tiny, shard 0",
        extracted("word.centre+word.last", "random-hubert-tiny"),
        extracted("word.last"),
    ]


def test_words_of_a_question_repeat_no_score(smoke):
    plain = {"rows": "phone", "target": {"label": "speaker_id"}}
    named = planned(smoke, ["mine"], mine=plain | {"title": "who speaks", "called": "speakers", "ranked": False})
    assert named.jobs["score_layers"] == planned(smoke, ["mine"], mine=plain).jobs["score_layers"] == 1
