"""Measures beyond CCA: what they need is located and fetched once, and a change repeats the scores of its measure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tiny_hub import running

SECRET = "s3cr3t"
MODEL = "random-wav2vec2-tiny"
PHONES = {"rows": "frame", "target": {"intervals": "phone"}, "measure": {"abx": {"context": "any"}}}
CLUSTERS = {"rows": "phone", "target": {"label": "label"}, "measure": {"mutual_information": {"clusters": 8}}}


def configured(properties, own) -> list[str]:
    changes = {"properties": properties, "extra_properties": own}
    return ["--config", *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in changes.items())]


def rated(*files: str) -> dict:
    return {"rows": "word", "target": {"ratings": list(files)}, "measure": "word_similarity"}


def test_intervals_are_located_once_for_all_questions_of_frames(checkout):
    plan = checkout.plan(*configured(["mel", "mi-phone", "word-discrimination"], {}))
    assert "locate_intervals" not in plan.jobs
    asked = ["word-segmentation", "abx-within", "abx-across", "word-discrimination-dtw"]
    plan = checkout.plan(*configured(asked, {}))
    assert plan.jobs["locate_intervals"] == plan.jobs["draw_sample"]


def test_sets_of_ratings_are_fetched_where_they_are_asked_for(checkout, tmp_path):
    assert "fetch_vectors" not in checkout.plan(*configured(["phone"], {"unused": rated("men")})).jobs
    plan = checkout.plan(*configured(["word-similarity", "mine"], {"mine": rated("men", "rg-65")}))
    assert plan.jobs["fetch_vectors"] == 13
    (tmp_path / "mine.csv").write_text("word1,word2,rating\na,b,1\n")
    plan = checkout.plan(*configured(["mine"], {"mine": rated(str(tmp_path / "mine.csv"))}))
    assert "fetch_vectors" not in plan.jobs


def test_a_set_that_is_not_there_is_refused(checkout):
    run = checkout.snakemake("-n", *configured(["mine"], {"mine": rated("menn")}))
    assert run.returncode != 0
    assert "extra_properties.mine.target.ratings: menn does not exist" in run.output
    assert "did you mean men?" in run.output


@pytest.fixture(scope="module")
def server():
    proxies = {name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith("HTTP")}
    with running() as web:
        yield web
    os.environ.update(proxies)


def words_rated(sample: Path) -> str:
    words = sorted(pd.read_parquet(sample)["label"].unique())[:12]
    rows = [f"{a},{b},{(7 * i + 3 * j) % 10}" for i, a in enumerate(words) for j, b in enumerate(words[:i])]
    return "\n".join(["word1,word2,similarity", *rows]) + "\n"


@pytest.fixture(scope="module")
def measured(smoke, server, tmp_path_factory):
    """A copy of the smoke experiment that asks other measures too: its configuration and the first run."""
    checkout = smoke.copy(tmp_path_factory.mktemp("measured") / "checkout")
    ratings = words_rated(checkout / "results/smoke/samples/1/words.parquet")
    server.files["/rated.csv"] = ratings.encode()
    (checkout / "men").write_text(ratings.replace("similarity", "rating"))
    address = f"{server.address}/rated.csv?token={SECRET}".replace("//", f"//me:{SECRET}@")
    own = {"phones": PHONES, "clusters": CLUSTERS, "mine": rated(address, "./men")}
    asked = configured(["mel", "phone", "word-segmentation", *own], own)
    run = checkout.snakemake("--cores", "1", "report", *asked)
    assert run.returncode == 0, run.output
    return checkout, asked, run


def records(checkout, name: str) -> list[dict]:
    files = sorted((checkout / f"results/smoke/scores/{name}/{MODEL}/1").glob("*.json"))
    return [record for file in files for record in json.loads(file.read_text())["records"]]


def scored(run) -> set[str]:
    """The properties whose scores a plan repeats."""
    return {line.split(" of ")[0] for line in run.messages if ", layers " in line}


def test_every_measure_has_its_scores_and_its_rows_of_the_table(measured):
    checkout, _, run = measured
    assert (run.jobs["locate_intervals"], run.jobs["fetch_vectors"]) == (1, 1)
    assert "extract_representations" not in run.jobs
    table = pd.read_csv(checkout / "results/smoke/tables/scores.csv")
    for name, metric in {
        "phones": "abx_error",
        "clusters": "ami",
        "mine": "similarity",
        "word-segmentation": "f1",
    }.items():
        assert {record["status"] for record in records(checkout, name)} == {"ok"}
        rows = table[(table["property"] == name) & (table["metric"] == metric)]
        assert rows["layer"].unique().tolist() == ["T0", "T1", "T2", "T3", "T4"]
        assert rows[["score", "chance"]].notna().all(axis=None)
    sets = records(checkout, "mine")[0]["trials"][0]["sets"]
    assert len(sets) == 2
    assert len({each["correlation"] for each in sets.values()}) == 1  # the same pairs, from the net and from here


def test_secrets_of_addresses_are_in_no_file_and_no_message(measured):
    """Snakemake keeps what a job was given, and the report has what was asked."""
    checkout, asked, run = measured
    assert SECRET not in run.output
    assert SECRET not in checkout.plan("report", *asked).output
    kept = [path for path in checkout.root.rglob("*") if path.is_file()]
    assert [str(path) for path in kept if SECRET.encode() in path.read_bytes() or SECRET in str(path)] == []


def test_a_finished_experiment_has_nothing_to_do(measured):
    checkout, asked, _ = measured
    assert checkout.plan("report", *asked).jobs == {}


@pytest.mark.parametrize(
    ("module", "repeated"),
    {
        "scoring/measures/abx": {"phones"},
        "scoring/scores/abx": {"phones"},
        "scoring/measures/clusters": {"clusters"},
        "scoring/measures/boundaries": {"word-segmentation"},
        "scoring/measures/word_similarity": {"mine"},
        "scoring/measures/cca": {"mel", "phone"},
        "targets/locating": {"phones", "word-segmentation"},
        "scoring/records": {"mel", "phone", "phones", "clusters", "mine", "word-segmentation"},
    }.items(),
    ids=lambda value: value if isinstance(value, str) else " ".join(sorted(value)),
)
def test_an_edit_repeats_the_scores_of_its_measure(measured, module, repeated):
    checkout, asked, _ = measured
    with checkout.appended("\nCHANGED = True\n", f"workflow/layerwise/{module}.py"):
        run = checkout.plan("scores", *asked)
    assert scored(run) == repeated
    assert ("locate_intervals" in run.jobs) == (module == "targets/locating")


def test_another_option_repeats_that_question_alone(measured):
    checkout, asked, _ = measured
    other = [part.replace("clusters: 8", "clusters: 9") for part in asked]
    assert other != asked
    assert scored(checkout.plan("scores", *other)) == {"clusters"}


def test_an_edited_set_of_ratings_repeats_what_reads_it(measured):
    checkout, asked, _ = measured
    path = checkout / "men"
    before = path.read_text()
    path.write_text(before.replace(",0\n", ",1\n"))
    try:
        assert scored(checkout.plan("scores", *asked)) == {"mine"}
    finally:
        path.write_text(before)
