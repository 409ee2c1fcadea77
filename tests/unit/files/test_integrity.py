"""Files that have lost their ends are noticed, and those that have not are left alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from layerwise.figures.look import words_only
from layerwise.figures.rendering import draw, write_charts
from layerwise.files.atomic import END
from layerwise.files.integrity import CutOffError, cut_off, is_whole, refuse_cut_off
from layerwise.representations.store import reading
from layerwise.representations.writer import writing

RECORDS = json.dumps({"records": [{"layer": f"T{number}", "score": 0.5} for number in range(30)]}, indent=1) + "\n"


def write_shard(path: Path) -> None:
    with writing(path, "float16", {"shard": 0}) as writer:
        writer.append("1/frame/T0", np.ones((3000, 48), np.float32), {"definition": "ones"})


WRITERS = {
    "0.h5": write_shard,
    "table.csv": lambda path: path.write_text("layer,score\n" + "T1,0.123456789\n" * 30 + "T11,0.1\n"),
    "words.parquet": lambda path: pd.DataFrame({"label": ["a", "b"] * 30}).to_parquet(path, index=False),
    "T0-T4.json": lambda path: path.write_text(RECORDS),
    "mel.svg": lambda path: draw(words_only("Words.").to_dict(), path, path.with_suffix(".png")),
    "mel.png": lambda path: draw(words_only("Words.").to_dict(), path.with_suffix(".svg"), path),
    "mel_depth.json": lambda path: write_charts({"": words_only("Words.").to_dict()}, {"figure": "depth"}, path),
    "report.html": lambda path: path.write_text("<html><body><p>Words.</p></body></html>"),
}


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def zeros_at_the_end(content: bytes) -> bytes:
    """As a file system leaves them that has noted the length of a file, and not yet its last block."""
    kept = len(content) // 2 // 64 * 64
    return content[:kept] + bytes(len(content) - kept)


DAMAGE = [half, emptied, zeros_at_the_end]


@pytest.fixture(params=WRITERS)
def whole(request, tmp_path) -> Path:
    path = tmp_path / request.param
    WRITERS[request.param](path)
    return path


def test_what_is_written_is_whole(whole):
    assert is_whole(whole)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_what_lost_its_end_is_not(whole, damage):
    whole.write_bytes(damage(whole.read_bytes()))
    assert not is_whole(whole)


def test_representations_that_lost_the_mark_of_their_end_alone_are_whole(tmp_path):
    path = tmp_path / "0.h5"
    write_shard(path)
    path.write_bytes(path.read_bytes().removesuffix(END))
    assert is_whole(path)
    with reading([path]) as (file,):
        assert file["1/frame/T0"].shape == (3000, 48)


def test_formats_that_are_not_known_are_not_judged(tmp_path):
    for name in ("notes.txt", "archive.tar.gz"):
        (tmp_path / name).write_bytes(b"")
        assert is_whole(tmp_path / name)


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "resources/models/mine"
    folder.mkdir(parents=True)
    save_file({"weight": np.zeros((100, 7), np.float32), "bias": np.ones(7, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    return folder


def test_checkpoint_has_all_of_its_weights(checkpoint):
    weights = checkpoint / "model.safetensors"
    assert is_whole(checkpoint)
    content = weights.read_bytes()
    for cut in (0, 4, 20, len(content) // 2, len(content) - 1):
        weights.write_bytes(content[:cut])
        assert not is_whole(checkpoint)


def test_fetched_checkpoint_has_the_files_of_its_manifest(checkpoint):
    files = {path.name: {"size": path.stat().st_size} for path in checkpoint.iterdir()}
    manifest = checkpoint / "manifest.json"
    manifest.write_text(json.dumps({"files": files}))
    assert is_whole(checkpoint)
    for cut in (0, 10):
        whole = manifest.read_text()
        manifest.write_text(whole[:cut])
        assert not is_whole(checkpoint)
        manifest.write_text(whole)
    (checkpoint / "config.json").write_text("{")
    assert not is_whole(checkpoint)
    (checkpoint / "config.json").unlink()
    assert not is_whole(checkpoint)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"files": []}',
        b'{"files": {"config.json": 2}}',
        b'{"files": {"config.json": {}}}',
        b'{"files": {"config.json": {"size": "2"}}}',
        b'{"files": {"../mine/config.json": {"size": 2}}}',
        b'{"files": {"/etc/passwd": {"size": 2}}}',
        b'{"files": {"\\u0000": {"size": 2}}}',
        b'{"files": {"' + b"9" * 5000 + b'": {"size": 2}}}',
        b'{"files": {"config.json": {"size": ' + b"9" * 5000 + b"}}}",
        b"\xff",
        b"[" * 100_000,
    ],
    ids=lambda content: content[:40],
)
def test_damaged_manifest_is_no_end_of_every_plan(checkpoint, content):
    (checkpoint / "manifest.json").write_bytes(content)
    assert cut_off(checkpoint / "results", [checkpoint]) == [checkpoint]


@pytest.mark.parametrize(
    "head",
    [
        *(b"[]", b"null", b"7", b'{"a": []}', b'{"a": {}}', b'{"a": {"data_offsets": []}}'),
        *(b'{"a": {"data_offsets": [0, "x"]}}', b"\xff", b"[" * 100_000),
    ],
    ids=lambda head: head[:40],
)
def test_damaged_head_of_weights_is_no_end_of_every_plan(checkpoint, head):
    (checkpoint / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    assert not is_whole(checkpoint)
    (checkpoint / "model.safetensors").write_bytes(b"\xff" * 8 + head)
    assert not is_whole(checkpoint)


def test_what_is_no_file_is_not_whole(tmp_path, checkpoint):
    tables = tmp_path / "results/smoke/tables"
    tables.mkdir(parents=True)
    os.mkfifo(tables / "a.csv")
    (tables / "b.csv").symlink_to("nowhere.csv")
    assert cut_off(tmp_path / "results/smoke", []) == [tables / "a.csv", tables / "b.csv"]
    os.mkfifo(checkpoint / "manifest.json")
    assert not is_whole(checkpoint)


def test_experiment_is_searched_for_outputs_alone(tmp_path, checkpoint):
    results = tmp_path / "results/smoke"
    for name in (
        "tables/a.csv",
        "logs/b.json",
        "benchmarks/c.csv",
        "audio/d.csv",
        "probes/task/.T1.state/e.json",
        "f.csv",
    ):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("cut off")
    (results / "tables/.g.tmp.csv").write_text("a job writes it")
    (results / "tables/h.csv").write_text("whole\n")
    assert cut_off(results, [checkpoint, tmp_path / "absent"]) == [results / "f.csv", results / "tables/a.csv"]
    (checkpoint / "model.safetensors").write_bytes(b"")
    assert cut_off(tmp_path / "results/other", [checkpoint]) == [checkpoint]


def test_jobs_refuse_what_other_jobs_made_and_nothing_else(tmp_path, checkpoint, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    for path in ("results/a.csv", "mine.csv", "resources/models/mine/config.json"):
        Path(path).write_text("no line ends")
    refuse_cut_off(["mine.csv", "resources/models/mine/config.json", "resources/models/mine"])
    with pytest.raises(CutOffError, match=r"results/a\.csv is cut off.*Run the same command again"):
        refuse_cut_off(["mine.csv", "results/a.csv"])
    Path("resources/models/mine/model.safetensors").write_bytes(b"")
    with pytest.raises(CutOffError, match="resources/models/mine is cut off"):
        refuse_cut_off(["resources/models/mine"])


def test_ten_thousand_scores_take_a_moment(tmp_path):
    for layer in range(100):
        folder = tmp_path / f"scores/phone/model/{layer}"
        folder.mkdir(parents=True)
        for number in range(100):
            (folder / f"T{number}.json").write_text(RECORDS)
    started = time.monotonic()
    assert cut_off(tmp_path, []) == []
    assert time.monotonic() - started < 3  # 0.3 s on a quiet machine
