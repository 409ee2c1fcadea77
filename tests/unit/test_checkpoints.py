"""Checkpoint folders: drawn from a seed, or fetched from a hub (a small one, on this machine)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from transformers import AutoFeatureExtractor

from layerwise import checkpoints
from layerwise.checkpoints import CheckpointError, make_random_checkpoint
from layerwise.models import load
from tiny_models import CATALOGUE, NAMES, make, speech

WORKFLOW = Path(checkpoints.__file__).resolve().parents[1]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# Random weights


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_bytes(tmp_path, name):
    first = contents(make(name, tmp_path / "first"))
    torch.rand(7)  # whatever was drawn before
    assert contents(make(name, tmp_path / "second")) == first
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= set(first)


def test_other_seed_gives_other_weights(tmp_path):
    architecture = CATALOGUE["random-wavlm-tiny"]["architecture"]
    for seed in (3, 4):
        make_random_checkpoint(architecture, seed, tmp_path / str(seed))
    assert (tmp_path / "3/model.safetensors").read_bytes() != (tmp_path / "4/model.safetensors").read_bytes()
    assert (tmp_path / "3/config.json").read_bytes() == (tmp_path / "4/config.json").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_preprocessor_says_whether_the_waveform_is_normalised(tmp_path, name):
    folder = make(name, tmp_path / "model")
    assert AutoFeatureExtractor.from_pretrained(folder).do_normalize == load(folder).normalise


def test_architecture_is_not_changed_by_making_it(tmp_path):
    architecture = dict(CATALOGUE["random-wav2vec2-tiny"]["architecture"])
    make_random_checkpoint(architecture, 1, tmp_path / "model")
    assert architecture == CATALOGUE["random-wav2vec2-tiny"]["architecture"]


def test_what_was_there_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/pytorch_model.bin").write_text("of an older version")
    make("random-wav2vec2-tiny", tmp_path / "model")
    assert "pytorch_model.bin" not in contents(tmp_path / "model")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ({"model_type": "wav2vec99"}, "wav2vec99"),
        ({"hidden_size": 48}, "model_type"),
        (CATALOGUE["random-wav2vec2-tiny"]["architecture"] | {"num_attention_heads": 5}, "no model can be made"),
    ],
)
def test_architecture_that_does_not_exist(tmp_path, architecture, words):
    with pytest.raises(CheckpointError, match=words):
        make_random_checkpoint(architecture, 1, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


# A hub


class Hub(BaseHTTPRequestHandler):
    """What the hub's client asks of it: facts about a repository, its list of files, and the files."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        repositories: dict[str, dict[str, bytes]] = self.server.repositories
        for name, files in repositories.items():
            revisions = ("main", self.server.commit)
            for revision in revisions:
                if path in (f"/api/models/{name}/revision/{revision}", f"/api/models/{name}"):
                    siblings = [{"rfilename": file} for file in files]
                    facts = {"id": name, "modelId": name, "sha": self.server.commit, "siblings": siblings}
                    return self.send(200, json.dumps(facts | {"private": False, "tags": []}).encode(), body)
                if path == f"/api/models/{name}/tree/{revision}":
                    tree = [
                        {"type": "file", "path": file, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                        for file, data in files.items()
                    ]
                    return self.send(200, json.dumps(tree).encode(), body)
                for file, data in files.items():
                    if path == f"/{name}/resolve/{revision}/{file}":
                        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": self.server.commit}
                        return self.send(200, data, body, headers)
            if path.startswith((f"/api/models/{name}/", f"/{name}/resolve/")):
                return self.send(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
        return self.send(404, b"", body, {"X-Error-Code": "RepoNotFound"})

    def send(self, status: int, data: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture
def hub(weights):
    """A hub with one repository; `repositories` and `asked` can be looked at, and changed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    extra = {"README.md": b"# read me", "pytorch_model.bin": b"the same in pickles", "tokenizer.json": b"{}"}
    server.repositories = {"owner/tiny": contents(weights) | extra}
    server.commit, server.asked = COMMIT, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(tmp_path):
    """Fetches in a process of its own, as the client reads its environment once; gives what it raised, or nothing."""

    def run(repository: str, revision: str | None, out: Path, endpoint: str) -> str:
        environment = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(("HF_", "HTTP"))
        }
        environment |= {"PYTHONPATH": str(WORKFLOW), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": endpoint}
        environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        code = (
            "import sys, time; from pathlib import Path; from layerwise.hub import *\n"
            "time.sleep = lambda seconds: None  # the client tries again after up to 8 seconds\n"
            f"try: fetch_checkpoint({repository!r}, {revision!r}, Path({str(out)!r}))\n"
            "except HubError as error: print(error); sys.exit(3)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stderr
        return done.stdout

    return run


def address(server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_repository_is_fetched_without_what_is_not_needed(hub, fetch, weights, tmp_path, revision):
    assert fetch("owner/tiny", revision, tmp_path / "out", address(hub)) == ""
    given, got = contents(weights), contents(tmp_path / "out")
    assert got.pop("origin.txt") == f"owner/tiny, commit {COMMIT}\n".encode()
    assert given.pop("origin.txt") == b"random weights, seed 1\n"
    assert got == given
    assert load(tmp_path / "out").origin == f"owner/tiny, commit {COMMIT}"
    assert not any("pytorch_model.bin" in path or "README" in path for path in hub.asked if "/resolve/" in path)
    assert load(tmp_path / "out").layers(speech(0.3))["T4"].shape == (14, 48)


def test_pickled_weights_are_fetched_where_there_are_no_others(hub, fetch, tmp_path):
    del hub.repositories["owner/tiny"]["model.safetensors"]
    assert fetch("owner/tiny", None, tmp_path / "out", address(hub)) == ""
    assert set(contents(tmp_path / "out")) == {
        "config.json",
        "origin.txt",
        "preprocessor_config.json",
        "pytorch_model.bin",
    }


@pytest.mark.parametrize(
    ("repository", "revision"), [("owner/nothing", None), ("owner/tiny", "f" * 40)], ids=["repository", "revision"]
)
def test_unknown_names_are_refused(hub, fetch, tmp_path, repository, revision):
    said = fetch(repository, revision, tmp_path / "out", address(hub))
    assert said.startswith(f"{repository} (revision {revision or 'main'}) could not be fetched")
    assert "extra_models" in said
    assert not list(tmp_path.glob("*out*"))


def test_hub_that_cannot_be_reached(fetch, tmp_path):
    said = fetch("owner/tiny", None, tmp_path / "out", "http://127.0.0.1:9")
    assert said.startswith("owner/tiny (revision main) could not be fetched")
    assert not list(tmp_path.glob("*out*"))
