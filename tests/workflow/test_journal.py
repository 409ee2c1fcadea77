"""Configuration and versions lie beside the results before any job has run."""

from __future__ import annotations

import yaml

SAVED = "results/smoke/configuration.yaml"


def test_saved_configuration_gives_the_same_plan(smoke, tmp_path):
    assert smoke.plan(configfile=SAVED).jobs == {}
    changed = tmp_path / "more.yaml"
    saved = yaml.safe_load((smoke / SAVED).read_text())
    changed.write_text(yaml.safe_dump(saved | {"properties": ["mel", "phone", "word"]}))
    same = smoke.plan("--config", "properties=[mel, phone, word]")
    assert smoke.plan(configfile=str(changed)).jobs == same.jobs != {}


def test_they_are_kept_when_one_target_runs_and_when_it_fails(fresh):
    archive = fresh / "resources/demo/demo_alignments.zip"
    archive.write_bytes(archive.read_bytes()[:-1])
    run = fresh.snakemake("--cores", "1", "results/smoke/corpus/intervals.parquet", "--config", "strict=true")
    assert run.returncode != 0
    versions = yaml.safe_load((fresh / "results/smoke/versions.yaml").read_text())
    assert versions["command"].startswith("snakemake --configfile=resources/experiments/smoke.yaml --cores 1 results/")
    assert versions["checkout"] is None  # a copy without git
    assert yaml.safe_load((fresh / SAVED).read_text())["strict"] is True


def test_dry_runs_keep_nothing(fresh):
    fresh.plan()
    assert not list((fresh.root).glob("results/*/*"))
