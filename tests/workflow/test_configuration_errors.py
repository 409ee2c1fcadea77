"""A wrong configuration ends the run before any job, in words that say what to mend."""

from __future__ import annotations

import pytest

WRONG = {
    "unknown key": ("cca: {fold: 5}", ["cca.fold:", "did you mean folds?"]),
    "wrong type": ("samples: {count: many}", ["samples.count:", "integer"]),
    "key of YAML's own": ("corpus: {phones: {no: N}}", ["corpus.phones.False:", "put it in quotes"]),
    "no number": ("probes: {cache_gb: .inf}", ["probes.cache_gb:", "must be a finite number"]),
    "unknown model": ("models: [random-wav2vec-tiny]", ["models:", "did you mean random-wav2vec2-tiny?"]),
    "impossible trials": ("cca: {folds: 4, trials: 3}", ["cca.trials:", "at most 2"]),
    "impossible intervals": ("cca: {intervals: speakers}", ["cca.intervals:", "cca.folds_by must be speaker"]),
    "absent audio": ("corpus: {audio: no/such/archive.tar.gz}", ["corpus.audio:", "no/such/archive.tar.gz"]),
    "absent metadata": ("corpus: {metadata: no/speakers.csv}", ["corpus.metadata:", "no/speakers.csv does not exist"]),
    "metadata without ids": (
        "corpus: {metadata: config.yaml}",
        ["corpus.metadata:", "speaker_id, utterance_id or path"],
    ),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_is_refused_with_the_path_of_the_key(checkout, tmp_path, content, words):
    configuration = tmp_path / "wrong.yaml"
    configuration.write_text(content + "\n")
    run = checkout.snakemake("--cores", "1", configfile=str(configuration))
    assert run.returncode != 0
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
    assert run.jobs == {}
    assert not (checkout / "results").exists()


def test_says_all_that_is_wrong_at_once(checkout, tmp_path):
    configuration = tmp_path / "wrong.yaml"
    configuration.write_text("metrik: pwcca\nsamples: {count: 0}\n")
    run = checkout.snakemake("-n", configfile=str(configuration))
    assert run.returncode != 0
    assert "metrik:" in run.output
    assert "samples.count:" in run.output


def test_results_from_elsewhere_are_checked_before_any_job(checkout, tmp_path):
    external = tmp_path / "external.csv"
    external.write_text("task,model,layer,metric,value\nintent,random-wav2vec2-tiny,T9,accuracy,0.5\n")
    configuration = tmp_path / "wrong.yaml"
    configuration.write_text(f"models: [random-wav2vec2-tiny]\nprobes: {{external: {external}}}\n")
    run = checkout.snakemake("-n", configfile=str(configuration))
    assert run.returncode != 0
    for word in ("probes.external:", "line 2, column layer:", "'T9'", "T0 to T4"):
        assert word in run.output
    assert "Traceback" not in run.output
