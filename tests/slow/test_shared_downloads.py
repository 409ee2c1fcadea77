"""Two processes with temporary folders of their own fetch into the same twenty folders: always whole files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from layerwise.files import downloads
from tiny_hub import running

WORKFLOW = Path(downloads.__file__).resolve().parents[1]
CONTENT = os.urandom(1 << 20)
FETCH = """
import sys
from pathlib import Path
from layerwise.files.downloads import fetch
from layerwise.models.fetch import fetch_original
address, digest, folders = sys.argv[1], sys.argv[2] or None, map(Path, sys.argv[3:])
for folder in folders:
    fetch(f"{address}/a.tar.gz", folder / "host/a.tar.gz", sha256=digest, note=True, root=folder)
    fetch_original(f"{address}/a.tar.gz", digest, folder / "model")
"""


@pytest.fixture
def dribbling():
    """A server that needs half a second for a file, and now and then hangs up in the middle."""
    with running() as web:
        web.files["/a.tar.gz"] = CONTENT
        handler = web.RequestHandlerClass
        send, count = handler._send, []

        def slowly(self, status, data, headers=None, cut=None):
            count.append(1)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(data) if len(count) % 3 else len(data) // 2, 1 << 16):
                self.wfile.write(data[start : start + (1 << 16)])
                self.wfile.flush()
                time.sleep(0.01)
            self.close_connection = True

        handler._send = slowly
        try:
            yield web
        finally:
            handler._send = send


@pytest.mark.parametrize("digest", [hashlib.sha256(CONTENT).hexdigest(), ""], ids=["with a digest", "without"])
def test_two_temporary_folders_and_one_shared_folder(dribbling, tmp_path, digest):
    folders = [tmp_path / f"shared{turn}" for turn in range(20)]
    for folder in folders:
        folder.mkdir()
    processes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        environment = os.environ | {"PYTHONPATH": str(WORKFLOW), "TMPDIR": str(tmp_path / name)}
        command = [sys.executable, "-c", FETCH, dribbling.address, digest, *map(str, folders)]
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    for folder in folders:
        assert (folder / "host/a.tar.gz").read_bytes() == CONTENT
        assert (folder / "model/checkpoint.pt").read_bytes() == CONTENT
        names = sorted(path.name for path in folder.rglob("*") if path.is_file())
        assert names == ["a.tar.gz", "a.tar.gz.fetched", "checkpoint.pt", "manifest.json", "origin.txt"]
    whole = [asked for asked in dribbling.asked if asked.range is None]
    assert len(whole) == 40  # nobody fetched what the other had
