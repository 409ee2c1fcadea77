"""What a run shows of long jobs while they are at work."""

from __future__ import annotations

import re

import pytest

MODEL = "random-wav2vec2-tiny"
SHARD = f"representations/{MODEL}/0.h5"
SCORES = f"scores/phone/{MODEL}/1/T0-T2"


@pytest.fixture(autouse=True)
def at_each_step(monkeypatch):
    monkeypatch.setenv("LAYERWISE_PROGRESS_SECONDS", "0")


def scored(checkout, *arguments):
    """A run of one job that scores three layers, and the log of the job."""
    target = f"results/smoke/{SCORES}.json"
    run = checkout.snakemake(target, "--cores", "1", *arguments, "--config", "cca={layers_per_job: 3}")
    assert run.returncode == 0, run.output
    return run, (checkout / f"results/smoke/logs/score_layers/phone/{MODEL}/1/T0-T2.log").read_text()


def test_extraction_is_on_the_terminal_and_in_its_log_and_nowhere_else(finished):
    before = (finished / f"results/smoke/{SHARD}").read_bytes()
    run = finished.snakemake("--cores", "2", "--force", f"results/smoke/{SHARD}")
    assert run.returncode == 0, run.output
    form = re.compile(
        rf"^extract_representations \(model={MODEL}, shard=0\) (extracting: [\d,]+ of (\d+) s of audio "
        r"\(\d+ %\), [\d.,]+/(?:s|min), [\d.]+ (?:s|min) left)$",
        re.MULTILINE,
    )
    shown = form.findall(run.output)
    assert len(shown) > 100
    log = (finished / f"results/smoke/logs/extract_representations/{MODEL}/0.log").read_text()
    assert [line for line, _ in shown] == re.findall(r"INFO (extracting: .*)", log)
    assert (finished / f"results/smoke/{SHARD}").read_bytes() == before


def test_scoring_is_on_the_terminal_too(finished):
    run, log = scored(finished)
    for part in ("1 of 3 layers (33 %)", "2 of 3 layers (66 %)"):
        assert f"\nscore_layers (property=phone, model={MODEL}, sample=1, layers=T0-T2) scoring: {part}, " in run.output
        assert f"INFO scoring: {part}, " in log


@pytest.mark.parametrize("said", [["--quiet"], ["--quiet", "progress"], ["--quiet", "all"]], ids=" ".join)
def test_a_quiet_run_leaves_it_to_the_log(finished, said):
    run, log = scored(finished, *said)
    assert "scoring" not in run.output
    assert "INFO scoring: 1 of 3 layers (33 %), " in log


def test_a_run_that_is_quiet_about_rules_shows_it(finished):
    run, _ = scored(finished, "--quiet", "rules")
    assert "scoring: 1 of 3 layers (33 %), " in run.output
