"""A wrong configuration ends the run before any job, in words that say what to mend."""

from __future__ import annotations

import pytest

WRONG = {
    "unknown key": ("cca: {fold: 5}", ["cca.fold:", "did you mean folds?"]),
    "wrong type": ("samples: {count: many}", ["samples.count:", "integer"]),
    "unknown model": ("models: [random-wav2vec-tiny]", ["models:", "did you mean random-wav2vec2-tiny?"]),
    "impossible trials": ("cca: {folds: 4, trials: 3}", ["cca.trials:", "at most 2"]),
    "absent audio": ("corpus: {audio: no/such/archive.tar.gz}", ["corpus.audio:", "no/such/archive.tar.gz"]),
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
