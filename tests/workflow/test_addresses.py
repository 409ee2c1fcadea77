"""Addresses with secrets, and files where downloads belong: what a run says, keeps and deletes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from layerwise.addresses import place_of
from tiny_hub import running
from tiny_originals import settings, weights, write

SMOKE = "resources/experiments/smoke.yaml"
SECRET = "s3cr3t"
ARCHIVES = {"audio": "demo-dev-clean.tar.gz", "alignments": "demo_alignments.zip"}


@pytest.fixture
def server(checkout, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.upper().startswith("HTTP")]:
        monkeypatch.delenv(name)
    with running() as web:
        for name in ARCHIVES.values():
            web.files[f"/{name}"] = (checkout / f"resources/demo/{name}").read_bytes()
        web.files["/original.pt"] = write("hubert", tmp_path, settings(), weights("hubert", settings())).read_bytes()
        yield web


def with_sources(checkout, path: Path, sources: dict[str, str], **more) -> str:
    smoke = yaml.safe_load((checkout / SMOKE).read_text())
    path.write_text(yaml.safe_dump(smoke | {"corpus": sources} | more))
    return str(path)


def test_secrets_are_in_no_file_and_no_message(fresh, server, tmp_path):
    """Of archives, of a model, of a mirror, in the configuration and on the command line; the whole run is searched."""
    address = server.address.replace("//", f"//me:{SECRET}@")
    model = f"{address}/original.pt?token={SECRET}#{SECRET}"
    configfile = with_sources(
        fresh,
        tmp_path / "secrets.yaml",
        {"audio": "https://a.example/demo-dev-clean.tar.gz", "keep": True},
        models=[model, "mine"],
        extra_models={"mine": {"source": f"{model}2"}},
        mirrors={"https://a.example/": f"{address}/"},
        probes={"tasks": []},
    )
    command = ["--config", f"corpus={{alignments: '{address}/demo_alignments.zip?token={SECRET}'}}", "--", "report"]
    planned = fresh.plan(*command, configfile=configfile)
    assert SECRET not in planned.output
    run = fresh.snakemake("--cores", "2", "-p", *command, configfile=configfile)
    assert run.returncode == 0, run.output
    assert SECRET not in run.output
    kept = [path for path in fresh.root.rglob("*") if path.is_file()]
    assert len([path for path in kept if path.suffix == ".h5"]) == 2
    assert {path.name for path in kept if path.name.endswith("-demo_alignments.zip.fetched")}
    assert [str(path) for path in kept if SECRET.encode() in path.read_bytes() or SECRET in str(path)] == []
    for words in ("configuration.yaml", "versions.yaml", "report.html"):
        assert "***" in (fresh / "results/smoke" / words).read_text(encoding="utf-8")
    # What was kept says that it is not all, where it is used again.
    again = fresh.snakemake(
        "--cores", "1", "resources/models/mine", "-f", configfile="results/smoke/configuration.yaml"
    )
    assert "write the whole address" in again.output


@pytest.mark.parametrize("kind", ["audio", "alignments"])
def test_file_where_a_download_belongs_is_not_deleted(finished, server, tmp_path, kind):
    configfile = with_sources(
        finished, tmp_path / "there.yaml", {kind: f"{server.address}/{ARCHIVES[kind]}" for kind in ARCHIVES}
    )
    mine = finished / "resources/downloads" / place_of(f"{server.address}/{ARCHIVES[kind]}")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    said = f"{mine.relative_to(finished.root)} is there, but was not fetched by this workflow"
    assert said in finished.plan("tables", configfile=configfile).output
    run = finished.snakemake("--cores", "1", "tables", configfile=configfile)
    assert run.returncode == 1
    assert said in run.output
    assert run.messages == []  # no job was begun
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    run = finished.snakemake("--cores", "2", "results/smoke/corpus/intervals.parquet", configfile=configfile)
    assert run.returncode == 0, run.output
    left = [path.name for path in (finished / "resources/downloads").rglob("*") if path.is_file()]
    assert [name for name in left if not name.endswith(".zip.sha256")] == []  # what to write into the catalogue


def test_address_that_leads_out_of_the_downloads_stays_in_them(fresh, server, tmp_path):
    """Where the package's own folder is on the path of Python, the next run would execute it."""
    name = "/../../../workflow/sitecustomize.py"
    server.files["/workflow/sitecustomize.py"] = server.files[f"/{ARCHIVES['alignments']}"]
    configfile = with_sources(fresh, tmp_path / "out.yaml", {"alignments": f"{server.address}{name}"})
    run = fresh.snakemake("--cores", "2", "results/smoke/corpus/intervals.parquet", configfile=configfile)
    assert run.returncode == 0, run.output
    assert not (fresh / "workflow/sitecustomize.py").exists()
    assert not list(fresh.root.rglob("sitecustomize.py"))
