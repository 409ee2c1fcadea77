"""Runs beside each other: in one checkout, in two that share what is fetched, and without any locks. 2 minutes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tiny_hub import running

SMOKE = "resources/experiments/smoke.yaml"
RESULTS, SHARD = "results/smoke", "representations/random-wav2vec2-tiny/0.h5"
ARCHIVES = {"audio": "demo-dev-clean.tar.gz", "alignments": "demo_alignments.zip"}


def start(checkout, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", "--configfile", SMOKE, "--cores", "1", *arguments]
    said = (checkout / "said").open("w")
    return subprocess.Popen(command, cwd=checkout.root, stdout=said, stderr=subprocess.STDOUT)


def assert_same_tables(checkout, undisturbed) -> None:
    for table in (undisturbed / f"{RESULTS}/tables").iterdir():
        assert (checkout / f"{RESULTS}/tables/{table.name}").read_bytes() == table.read_bytes(), table.name


def test_second_run_in_a_checkout_is_refused_and_the_first_undisturbed(finished, smoke):
    shutil.rmtree(finished / f"{RESULTS}/scores")
    shutil.rmtree(finished / f"{RESULTS}/tables")
    first = start(finished, "tables")
    deadline = time.monotonic() + 60
    while not list(finished.root.glob(".snakemake/locks/*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = finished.snakemake("--cores", "1", "tables")
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.output
    assert "--unlock" in second.output
    assert first.wait(120) == 0, (finished / "said").read_text()
    assert_same_tables(finished, smoke)


def test_two_checkouts_share_what_is_fetched(checkout, smoke, tmp_path):
    """Both start at once with nothing there: each file is fetched once, and nobody takes away what the other reads."""
    copies = [checkout.copy(tmp_path / name) for name in ("one", "two")]
    for name in ("downloads", "corpora", "models"):
        (tmp_path / "shared" / name).mkdir(parents=True)
        for copy in copies:
            (copy / f"resources/{name}").symlink_to(tmp_path / "shared" / name)
    with running() as web:
        for name in ARCHIVES.values():
            web.files[f"/{name}"] = (checkout / f"resources/demo/{name}").read_bytes()
        corpus = ", ".join(f"{kind}: '{web.address}/{name}'" for kind, name in ARCHIVES.items())
        arguments = ["--cores", "1", "--config", f"corpus={{{corpus}}}", "--", "tables"]
        with ThreadPoolExecutor() as pool:
            for run in pool.map(lambda copy: copy.snakemake(*arguments, seconds=200), copies):
                assert run.returncode == 0, run.output
        assert sorted(asked.path for asked in web.asked) == sorted(f"/{name}" for name in ARCHIVES.values())
    for copy in copies:
        assert_same_tables(copy, smoke)
    hidden = [path for path in (tmp_path / "shared").rglob(".*") if path.name != ".snakemake_timestamp"]
    assert hidden == []


NO_LOCKS = """
#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
int flock64(int file, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_run_on_a_file_system_without_locks(finished, smoke, tmp_path, monkeypatch):
    """Every flock of every process answers as an NFS mount without a lock daemon."""
    (tmp_path / "locks.c").write_text(NO_LOCKS)
    library = tmp_path / "locks.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "locks.c"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    probe = "import fcntl; fcntl.flock(open('locks.c'), fcntl.LOCK_EX)"
    assert b"No locks" in subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True).stderr
    (finished / f"{RESULTS}/{SHARD}").unlink()
    (finished / f"{RESULTS}/tables/scores.csv").unlink()
    run = start(finished, "extract", "tables")
    said = finished / "said"
    assert run.wait(200) == 0, said.read_text()
    assert set(re.findall(r"^(extract_representations|lend_audio) +(\d+)$", said.read_text(), re.MULTILINE)) == {
        ("extract_representations", "1"),
        ("lend_audio", "1"),
    }
    assert_same_tables(finished, smoke)
