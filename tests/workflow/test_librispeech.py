"""The way of LibriSpeech, from its catalogue entry to scores: the same code and layout, the demo's audio behind it.

A server on this machine has the demo's archives at the paths of openslr.org and zenodo.org, and `mirrors` leads there.
In the catalogue, sizes and checksums are those of the demo; nothing else is changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from layerwise.addresses import place_of
from tiny_hub import running

AUDIO = "/resources/12/dev-clean.tar.gz"
ALIGNMENTS = "/record/2619474/files/librispeech_alignments.zip"
DEMO = {AUDIO: "resources/demo/demo-dev-clean.tar.gz", ALIGNMENTS: "resources/demo/demo_alignments.zip"}
TABLE = "results/librispeech/corpus/utterances.parquet"
FOLDER, NAME = place_of(f"https://www.openslr.org{AUDIO}").split("/")
PART = f"resources/downloads/{FOLDER}/.{NAME}.download"


@pytest.fixture
def server(smoke):
    with running() as web:
        web.files |= {path: (smoke / archive).read_bytes() for path, archive in DEMO.items()}
        yield web


@pytest.fixture
def librispeech(finished):
    """A checkout that has the model already."""
    catalogue = finished / "resources/corpora.yaml"
    text = catalogue.read_text()
    facts = yaml.safe_load(text)
    demo, real = (facts[name]["splits"]["dev-clean"] for name in ("demo", "librispeech"))
    for kind in ("audio", "alignments"):
        for key in set(real[kind]) - {"source"}:
            assert text.count(str(real[kind][key])) == 1
            text = text.replace(str(real[kind][key]), str(demo[kind][key]))
    catalogue.write_text(text)
    return finished


@pytest.fixture
def configuration(librispeech, server, tmp_path, monkeypatch) -> str:
    for name in [name for name in os.environ if name.upper().startswith("HTTP")]:
        monkeypatch.delenv(name)
    smoke = yaml.safe_load((librispeech / "resources/experiments/smoke.yaml").read_text())
    mirrors = {f"https://{host}/": f"{server.address}/" for host in ("www.openslr.org", "zenodo.org")}
    # Words are ranked by the split itself: the demo has no training alignments.
    corpus = {"name": "librispeech", "split": "dev-clean", "word_list": ["dev-clean"]}
    path = tmp_path / "librispeech.yaml"
    path.write_text(yaml.safe_dump(smoke | {"experiment": "librispeech", "corpus": corpus, "mirrors": mirrors}))
    return str(path)


def ranges(server, path: str) -> list[str | None]:
    return [asked.range for asked in server.asked if asked.path == path]


def downloads(librispeech) -> list[str]:
    return sorted(path.name for path in (librispeech / "resources/downloads").rglob("*") if path.is_file())


def test_scores_are_those_of_the_demo(librispeech, server, configuration, smoke):
    """Although the server cuts the connection once, and is too busy once."""
    cut = server.cut_once[AUDIO] = len(server.files[AUDIO]) // 3
    server.answers[ALIGNMENTS] = iter([(503, {"Retry-After": "1"}, b"busy")])
    scores = "tables/scores.csv"
    run = librispeech.snakemake("--cores", "2", f"results/librispeech/{scores}", configfile=configuration)
    assert run.returncode == 0, run.output
    assert ranges(server, AUDIO) == [None, f"bytes={cut}-"]
    assert ranges(server, ALIGNMENTS) == [None, None]
    made, expected = librispeech / "results/librispeech", smoke / "results/smoke"
    assert (made / scores).read_bytes() == (expected / scores).read_bytes()
    for table in ("corpus/utterances.parquet", "corpus/intervals.parquet", "samples/1/phones.parquet"):
        assert (made / table).read_bytes() == (expected / table).read_bytes()
    # Downloads and unpacked audio are gone, and not missed.
    assert downloads(librispeech) == []
    assert not list((librispeech / "resources/corpora").rglob("*.flac"))
    again = librispeech.plan(f"results/librispeech/{scores}", configfile=configuration)
    assert again.jobs == {}


def test_corrupted_archive_is_refused(librispeech, server, configuration):
    whole = server.files[AUDIO]
    server.files[AUDIO] = whole[:-1] + bytes([whole[-1] ^ 1])
    run = librispeech.snakemake("--cores", "1", TABLE, configfile=configuration)
    assert run.returncode == 1
    for data in (whole, server.files[AUDIO]):
        assert hashlib.md5(data).hexdigest() in run.output
    assert "Traceback" not in run.output
    assert len(server.asked) == 2
    assert downloads(librispeech) == []
    assert not list((librispeech / "resources/corpora").rglob("*.flac"))
    assert not (librispeech / TABLE).exists()


def test_killed_download_is_resumed(librispeech, server, configuration):
    server.cut[AUDIO], server.stall = len(server.files[AUDIO]) // 2, True
    command = [sys.executable, "-m", "snakemake", "--configfile", configuration, "--cores", "1", TABLE]
    begun = subprocess.Popen(
        command, cwd=librispeech.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        while not ((part := librispeech / PART).is_file() and part.stat().st_size > server.cut[AUDIO] - 1_000_000):
            assert time.monotonic() < deadline
            assert begun.poll() is None
            time.sleep(0.05)
    finally:
        os.killpg(begun.pid, signal.SIGKILL)
        begun.wait()
        server.cut.clear()
        server.stall = False
    had = part.stat().st_size
    server.asked.clear()

    locked = librispeech.snakemake("--cores", "1", TABLE, configfile=configuration)
    assert locked.returncode == 1
    assert re.search("lock", locked.output, re.IGNORECASE)
    assert librispeech.snakemake("--unlock", configfile=configuration).returncode == 0
    run = librispeech.snakemake("--cores", "1", TABLE, configfile=configuration)
    assert run.returncode == 0, run.output
    assert ranges(server, AUDIO) == [f"bytes={had}-"]
    assert (librispeech / TABLE).is_file()
    assert downloads(librispeech) == []
