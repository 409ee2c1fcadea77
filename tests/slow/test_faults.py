"""Kills, files without ends and full disks, stage by stage: the next run ends as an undisturbed one. 6 minutes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tiny_hub import running

MODEL = "random-wav2vec2-tiny"
SMOKE = "resources/experiments/smoke.yaml"
RESULTS = "results/smoke"
UTTERANCES, INTERVALS = (f"{RESULTS}/corpus/{name}.parquet" for name in ("utterances", "intervals"))
PHONES = f"{RESULTS}/samples/1/phones.parquet"
SHARD, SCORES = f"{RESULTS}/representations/{MODEL}/0.h5", f"{RESULTS}/tables/scores.csv"
PHONE_SCORES = f"{RESULTS}/scores/phone/{MODEL}/1/T0-T4.json"
CHECKPOINT = f"resources/models/{MODEL}"
ARCHIVE = "resources/demo/demo-dev-clean.tar.gz"

# In every process of a run: one that is about to give the file of the pattern beside this one its name cuts it in half,
# says its number, and waits to be killed: the worst moment, every time.
FREEZE = """
import fnmatch, os, pathlib, time
here, replace = pathlib.Path(__file__).parent, os.replace
def freeze(old, new):
    if fnmatch.fnmatch(os.path.abspath(new), (here / "pattern").read_text()):
        if os.path.isfile(old):
            os.truncate(old, os.path.getsize(old) // 2)
        (here / "number").write_text(str(os.getpid()))
        replace(here / "number", here / "frozen")
        time.sleep(600)
    replace(old, new)
os.replace = freeze
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--configfile", SMOKE, "--cores", "2", *arguments]


def made(checkout) -> dict[str, bytes]:
    """All that jobs have made, but for what says when and how."""
    folders = [checkout / RESULTS, checkout / CHECKPOINT]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    found = {str(path.relative_to(checkout.root)): path.read_bytes() for path in files}
    unlike = (f"{RESULTS}/logs/", f"{RESULTS}/benchmarks/", f"{RESULTS}/versions", f"{RESULTS}/configuration")
    return {name: content for name, content in found.items() if not name.startswith(unlike)}


def assert_as_undisturbed(checkout, undisturbed) -> None:
    """Byte for byte, and nothing lies about that a killed job was writing."""
    found, expected = made(checkout), made(undisturbed)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not list(checkout.root.rglob("resources/**/.*.tmp"))


@contextmanager
def frozen(checkout, arguments: list[str], pattern: str, folder: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """A run whose job stands still before it gives a file its name, and the number of that job's process."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(FREEZE)
    (folder / "pattern").write_text(pattern)
    (folder / "frozen").unlink(missing_ok=True)
    with (folder / "said").open("w") as said:
        run = subprocess.Popen(
            command(*arguments),
            cwd=checkout.root,
            env=os.environ | {"PYTHONPATH": str(folder)},
            start_new_session=True,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: (folder / "frozen").exists() or run.poll() is not None)
        assert run.poll() is None, (folder / "said").read_text()
        yield run, int((folder / "frozen").read_text())
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def wait_for(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Kills: what is being given its name, what has been deleted so that the stage is repeated, what is asked for.

STAGES = {
    "download": ("*/resources/downloads/*.tar.gz", [UTTERANCES], [UTTERANCES]),
    "unpack": ("*/resources/corpora/*/audio", [UTTERANCES], [UTTERANCES]),
    "list": (f"*/{UTTERANCES}", [UTTERANCES], [UTTERANCES]),
    "align": (f"*/{INTERVALS}", [INTERVALS], [INTERVALS]),
    "sample": (f"*/{PHONES}", [PHONES], [PHONES]),
    "model": (f"*/{CHECKPOINT}", [CHECKPOINT], [CHECKPOINT]),
    "extract": (f"*/{SHARD}", [SHARD], [SHARD]),
    "score": (f"*/{PHONE_SCORES}", [PHONE_SCORES, SCORES], [SCORES]),
    "plot": ("*/plots/mel_depth.png", [f"{RESULTS}/plots/mel_depth.svg", f"{RESULTS}/report.html"], []),
    "report": ("*/report.html", [f"{RESULTS}/report.html"], []),
}


@pytest.mark.parametrize("stage", STAGES)
def test_killed_run_goes_on_to_the_same_results(finished, smoke, tmp_path, stage):
    """First the job alone is killed, then Snakemake with all of its jobs, as by a power cut."""
    pattern, deleted, targets = STAGES[stage]
    for name in deleted:
        shutil.rmtree(finished / name) if (finished / name).is_dir() else (finished / name).unlink()
    with running() as web:
        web.files["/demo.tar.gz"] = (finished / ARCHIVE).read_bytes()
        source = ["--config", f"corpus={{audio: '{web.address}/demo.tar.gz'}}", "--"] if stage == "download" else []
        arguments = [*source, *targets]

        with frozen(finished, arguments, pattern, tmp_path / "freeze") as (run, job):
            os.kill(job, signal.SIGKILL)
            assert run.wait(120) == 1
        with frozen(finished, arguments, pattern, tmp_path / "freeze") as (run, _):
            os.killpg(run.pid, signal.SIGKILL)

        assert finished.snakemake("--unlock").returncode == 0
        run = finished.snakemake("--cores", "2", *arguments)
        assert run.returncode == 0, run.output
    assert_as_undisturbed(finished, smoke)


# Lost ends. The ages stay, as after a power cut.


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def zeros_at_the_end(content: bytes) -> bytes:
    return half(content) + bytes(len(content) - len(content) // 2)


def damage(path: Path, how: Callable[[bytes], bytes]) -> None:
    before = path.stat()
    path.write_bytes(how(path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


LOST = {  # a file of each kind and of each rule that makes one of its own
    UTTERANCES: half,
    f"{RESULTS}/corpus/alignment_problems.csv": emptied,
    PHONES: zeros_at_the_end,
    f"{CHECKPOINT}/model.safetensors": half,
    SHARD: zeros_at_the_end,
    PHONE_SCORES: half,
    SCORES: zeros_at_the_end,
    f"{RESULTS}/plots/overview.svg": half,
    f"{RESULTS}/report.html": zeros_at_the_end,
}


@pytest.mark.parametrize("name", LOST)
def test_file_without_its_end_is_made_again(finished, smoke, name):
    damage(finished / name, LOST[name])
    output = CHECKPOINT if name.startswith(CHECKPOINT) else name
    run = finished.snakemake("--cores", "2", output)
    assert run.returncode == 0, run.output
    assert run.output.count("cut off, as by a power cut; it is made again") == 1
    assert f"{output}: cut off, as by a power cut; it is made again" in run.output
    assert_as_undisturbed(finished, smoke)


def test_all_files_without_their_ends_are_made_again(finished, smoke):
    for name in made(finished):
        if not name.startswith(CHECKPOINT):
            damage(finished / name, zeros_at_the_end)
    run = finished.snakemake("--cores", "2")
    assert run.returncode == 0, run.output
    # What no table or plot needs is deleted alone.
    assert finished.snakemake("--cores", "2", "extract", "all").returncode == 0
    assert_as_undisturbed(finished, smoke)


# Full disks


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own for a folder, with what is in the folder."""
    with_content = folder.with_name(f"{folder.name}.before")
    folder.rename(with_content)
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        shutil.copytree(with_content, folder, symlinks=True, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, left: int) -> Path:
    """Write a file that leaves so many bytes free."""
    ballast = folder / "ballast"
    with ballast.open("wb") as stream:
        stream.write(bytes(shutil.disk_usage(folder).free - left))
    return ballast


def assert_says_what_to_do(said: str, folder: str, name: str) -> None:
    assert f"DiskSpaceError: the disk of {folder} became full while {name} was written: make room and run" in said


def test_disk_that_becomes_full_in_an_extraction(finished, smoke, tmp_path):
    (finished / SHARD).unlink()
    (finished / SCORES).unlink()
    with disk(finished / "results", "60m"):
        begun = (finished / SHARD).with_name(".0.tmp.h5")
        with (tmp_path / "said").open("w") as said:
            run = subprocess.Popen(command("extract"), cwd=finished.root, stdout=said, stderr=subprocess.STDOUT)
        wait_for(lambda: begun.exists() or run.poll() is not None)
        ballast = fill(finished / "results", left=0)
        assert run.wait(120) == 1
        assert_says_what_to_do((tmp_path / "said").read_text(), str(Path(SHARD).parent), "0.h5")
        assert not begun.exists()
        ballast.unlink()
        again = finished.snakemake("--cores", "2", "extract", "tables")
        assert again.returncode == 0, again.output
        assert_as_undisturbed(finished, smoke)


def test_disk_that_is_full_at_the_scores(finished, smoke):
    (finished / PHONE_SCORES).unlink()
    (finished / SCORES).unlink()
    with disk(finished / "results", "60m"):
        ballast = fill(finished / "results", left=16384)
        run = finished.snakemake("--cores", "2", SCORES)
        assert run.returncode == 1
        assert_says_what_to_do(run.output, str(Path(PHONE_SCORES).parent), Path(PHONE_SCORES).name)
        ballast.unlink()
        again = finished.snakemake("--cores", "2", SCORES)
        assert again.returncode == 0, again.output
        assert_as_undisturbed(finished, smoke)


def test_disk_that_is_too_small_for_a_download(finished, smoke):
    (finished / UTTERANCES).unlink()
    (finished / "resources/downloads").mkdir()
    with running() as web, disk(finished / "resources/downloads", "1m"):
        web.files["/demo.tar.gz"] = (finished / ARCHIVE).read_bytes()
        arguments = ["--cores", "2", "--config", f"corpus={{audio: '{web.address}/demo.tar.gz'}}", "--", UTTERANCES]
        run = finished.snakemake(*arguments)
        assert run.returncode == 1
        assert f"DiskSpaceError: downloading {web.address}/demo.tar.gz needs" in run.output
        assert "are free on the disk of resources/downloads/127.0.0.1_" in run.output
        subprocess.run(["mount", "-o", "remount,size=30m", finished / "resources/downloads"], check=True)
        again = finished.snakemake(*arguments)
        assert again.returncode == 0, again.output
        assert_as_undisturbed(finished, smoke)
