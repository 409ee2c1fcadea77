"""The workflow where files lie in a storage, and no job sees what another one has left on its machine. 3 minutes."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest
import yaml

from tiny_hub import running
from tiny_models import make

pytestmark = [
    pytest.mark.skipif(find_spec("snakemake_storage_plugin_fs") is None, reason="needs snakemake-storage-plugin-fs"),
    pytest.mark.skipif(shutil.which("rsync") is None, reason="the fs storage plugin copies with rsync"),
]


@pytest.fixture
def stored(tmp_path):
    """The options of a run whose files lie in a folder elsewhere; and that folder."""
    store = tmp_path / "store"
    place = ["--default-storage-provider", "fs", "--default-storage-prefix", str(store), "--shared-fs-usage", "none"]
    return place, store


def test_smoke_experiment_gives_the_same_tables(fresh, smoke, stored):
    place, store = stored
    run = fresh.snakemake("--cores", "2", *place)
    assert run.returncode == 0, run.output
    tables = smoke / "results/smoke/tables"
    assert (store / "results/smoke/tables/scores.csv").read_bytes() == (tables / "scores.csv").read_bytes()
    for table in tables.iterdir():
        assert (store / f"results/smoke/tables/{table.name}").read_bytes() == table.read_bytes(), table.name
    assert (store / "results/smoke/report.html").is_file()
    assert list((store / "results/smoke/audio").iterdir()) == []  # each reader had its own, and it is gone
    assert not (fresh / "results/smoke/tables").exists()
    assert "Nothing to be done" in fresh.snakemake("--cores", "2", *place).output


def test_what_is_fetched_goes_through_the_storage_too(fresh, stored, tmp_path, monkeypatch):
    """Archives, and a model whose layers only its checkpoint knows."""
    place, store = stored
    checkpoint = make("random-wav2vec2-tiny", tmp_path / "tiny", num_hidden_layers=2)
    experiment = yaml.safe_load((fresh / "resources/experiments/smoke.yaml").read_text())
    experiment |= {"models": ["theirs"], "extra_models": {"theirs": {"source": "owner/tiny"}}, "properties": ["phone"]}
    archives = {"audio": "demo-dev-clean.tar.gz", "alignments": "demo_alignments.zip"}
    with running() as hub:
        hub.files |= {f"/{name}": (fresh / f"resources/demo/{name}").read_bytes() for name in archives.values()}
        experiment["corpus"] = {kind: f"{hub.address}/{name}" for kind, name in archives.items()}
        (fresh / "theirs.yaml").write_text(yaml.safe_dump(experiment))
        hub.repositories["owner/tiny"] = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        # Not by forks: huggingface_hub reads its address when it is imported.
        run = fresh.snakemake("--cores", "2", *place, "--", "tables", configfile="theirs.yaml", warm=False)
    assert run.returncode == 0, run.output
    assert run.jobs["fetch_model"] == run.jobs["fetch_archive"] == run.jobs["describe_model"] == 1
    assert len((store / "results/smoke/tables/layers_phone.csv").read_text().splitlines()) == 1 + 3  # T0 to T2


def test_probes_are_refused(checkout, stored):
    place, _ = stored
    run = checkout.snakemake("-n", *place, "--config", "probes={tasks: [demo-intent]}")
    assert run.returncode == 1
    assert "probes={tasks: []}" in run.output
