"""Checkpoints from the network: from a hub, or by their address; the servers are on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from layerwise.files import downloads
from layerwise.files.catalogues import CatalogueError
from layerwise.files.digests import DownloadError, note_digest
from layerwise.models import catalogue, hub
from layerwise.models import fetch as fetching
from layerwise.models.by_name import load
from layerwise.models.fetch import fetch_original
from tiny_hub import COMMIT, OLDER, running
from tiny_models import make, speech

WORKFLOW = Path(hub.__file__).resolve().parents[2]
WEIGHTS = "model.safetensors"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return make("random-wav2vec2-tiny", tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture
def server(weights):
    """A hub with one repository."""
    with running() as hub:
        extra = {
            "README.md": b"# read me",
            "pytorch_model.bin": b"the same in pickles",
            "tokenizer.json": b"{}",
            "adapter.deu.safetensors": b"of one language",
            "onnx/model.safetensors": b"of another program",
        }
        files = contents(weights)
        files.pop("origin.txt")
        hub.repositories["owner/tiny"] = files | extra
        hub.older["owner/tiny"] = files | {"config.json": files["config.json"] + b"\n"}
        yield hub


@pytest.fixture
def start(tmp_path, server):
    """Begins to fetch in a process of its own, as the client reads its environment once."""

    def begin(repository: str, revision: str | None = None, **changes: str) -> subprocess.Popen:
        environment = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(("HF_", "HTTP"))
        }
        environment |= {"PYTHONPATH": str(WORKFLOW), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": server.address}
        environment |= {"HF_HUB_DISABLE_TELEMETRY": "1"} | changes
        code = (
            "import sys, time; from pathlib import Path; from layerwise.models.hub import *\n"
            "time.sleep = lambda seconds: None  # a further try waits for seconds\n"
            f"try: fetch_checkpoint({repository!r}, {revision!r}, Path({str(tmp_path / 'out')!r}))\n"
            "except HubError as error: print(error); sys.exit(3)\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return begin


@pytest.fixture
def fetch(start):
    """Fetches; gives what was raised, or nothing."""

    def run(*arguments, **changes: str) -> str:
        process = start(*arguments, **changes)
        said, errors = process.communicate(timeout=60)
        assert process.returncode in (0, 3), errors
        return said

    return run


# From a hub


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_repository_is_fetched_without_what_is_not_needed(server, fetch, weights, tmp_path, revision):
    assert fetch("owner/tiny", revision) == ""
    given, got = contents(weights), contents(tmp_path / "out")
    assert got.pop("origin.txt") == f"owner/tiny, commit {COMMIT}\n".encode()
    assert given.pop("origin.txt") == b"random weights, seed 1\n"
    manifest = json.loads(got.pop("manifest.json"))
    assert got == given
    assert {name for name in server.repositories["owner/tiny"] if server.asked_of(name)} == set(given)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out"]
    files = {name: {"size": len(data), "sha256": sha256(data)} for name, data in given.items()}
    assert manifest == {"source": "owner/tiny", "revision": COMMIT, "files": files}
    model = load(tmp_path / "out")
    assert model.origin == f"owner/tiny, commit {COMMIT}"
    assert model.layers(speech(0.3))["T4"].shape == (14, 48)


def test_pinned_revision_is_fetched(server, fetch, tmp_path):
    assert fetch("owner/tiny", OLDER) == ""
    assert (tmp_path / "out/config.json").read_bytes() == server.older["owner/tiny"]["config.json"]
    assert json.loads((tmp_path / "out/manifest.json").read_text())["revision"] == OLDER
    assert all(OLDER in asked.path for asked in server.asked)


def test_token_is_sent(server, fetch):
    assert fetch("owner/tiny", HF_TOKEN="hf_secret") == ""
    assert {asked.token for asked in server.asked} == {"Bearer hf_secret"}


def test_token_is_not_sent_to_where_the_hub_keeps_its_files(server, fetch, tmp_path):
    with running() as store:
        sent = store.files["/blob"] = server.repositories["owner/tiny"][WEIGHTS]
        store.cut["/blob"] = len(sent) // 2 + 1
        server.stored_at[WEIGHTS] = f"{store.address}/blob"
        assert fetch("owner/tiny", HF_TOKEN="hf_secret") == ""
        assert [(asked.token, asked.range) for asked in store.asked] == [
            (None, None),
            (None, f"bytes={len(sent) // 2 + 1}-"),
        ]
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == sent


def test_pickled_weights_are_fetched_where_there_are_no_others(server, fetch, tmp_path):
    del server.repositories["owner/tiny"][WEIGHTS]
    assert fetch("owner/tiny") == ""
    got = set(contents(tmp_path / "out"))
    assert got == {"config.json", "origin.txt", "manifest.json", "preprocessor_config.json", "pytorch_model.bin"}


def test_settings_of_the_input_are_fetched_wherever_they_stand(server, fetch, tmp_path):
    """And obeyed: they count before those of the other file, which the model came with."""
    files = server.repositories["owner/tiny"]
    assert b'"do_normalize": false' in files["preprocessor_config.json"]
    files["processor_config.json"] = b'{"feature_extractor": {"do_normalize": true}}'
    assert fetch("owner/tiny") == ""
    assert {"preprocessor_config.json", "processor_config.json"} <= set(contents(tmp_path / "out"))
    assert load(tmp_path / "out").normalise


@pytest.mark.parametrize("alone", [False, True], ids=["beside a model", "alone"])
@pytest.mark.parametrize("name", ["adapter_config.json", "pytorch_adapter.bin"])
def test_repository_with_an_adapter_is_refused(server, fetch, tmp_path, name, alone):
    files = server.repositories["owner/tiny"]
    if alone:
        files.clear()
    files[name] = b"{}"
    said = fetch("owner/tiny")
    assert said.startswith(f"owner/tiny holds an adapter ({name}), and adapters are not applied: merge it first")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["config.json", "weights"])
def test_repository_without_a_model(server, fetch, tmp_path, missing):
    files = server.repositories["owner/tiny"]
    for name in [missing] if missing in files else [WEIGHTS, "pytorch_model.bin"]:
        del files[name]
    said = fetch("owner/tiny")
    assert said.startswith("owner/tiny holds no model of transformers")
    assert "README.md" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("repository", "revision"), [("owner/nothing", None), ("owner/tiny", "f" * 40)], ids=["repository", "revision"]
)
def test_unknown_names_are_refused(fetch, tmp_path, repository, revision):
    said = fetch(repository, revision)
    assert said.startswith(f"{repository} (revision {revision or 'main'}) could not be fetched")
    assert "extra_models" in said
    assert not list(tmp_path.glob("*out*"))


def test_hub_that_cannot_be_reached(fetch, tmp_path):
    said = fetch("owner/tiny", HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith("owner/tiny (revision main) could not be fetched")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_file_that_is_not_the_announced_one_is_refused(server, fetch, tmp_path, name):
    sent = server.repositories["owner/tiny"][name]
    server.announced[name] = sent[:-1] + bytes([sent[-1] ^ 1])
    said = fetch("owner/tiny")
    assert "owner/tiny (revision main) could not be fetched" in said
    assert name in said
    wanted = {"config.json": "git_sha1", WEIGHTS: f"sha256 {sha256(sent)}, expected"}[name]
    assert wanted in said
    assert not (tmp_path / "out").exists()
    assert name not in contents(tmp_path / ".out.part")
    assert not [left for left in contents(tmp_path / ".out.part") if name in left]
    server.announced.clear()  # the mirror is mended
    assert fetch("owner/tiny") == ""
    assert (tmp_path / "out" / name).read_bytes() == sent


def test_hub_that_states_no_digests_is_told_of(server, start, tmp_path):
    server.digests = False
    process = start("owner/tiny")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"states no digest of {WEIGHTS}" in errors
    assert (tmp_path / "out" / WEIGHTS).exists()


def test_connection_that_breaks_is_taken_up_at_once(server, fetch, tmp_path):
    sent = server.repositories["owner/tiny"][WEIGHTS]
    server.cut[WEIGHTS] = len(sent) // 3 + 1
    assert fetch("owner/tiny") == ""
    starts = [0, len(sent) // 3 + 1, 2 * (len(sent) // 3 + 1)]
    assert [asked.range for asked in server.asked_of(WEIGHTS)] == [None, *(f"bytes={n}-" for n in starts[1:])]
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == sent


@pytest.fixture
def killed(server, start, tmp_path):
    """A fetch that was killed with half of the weights here; gives how many bytes those are."""
    server.cut[WEIGHTS], server.stall = len(server.repositories["owner/tiny"][WEIGHTS]) // 2, True
    process = start("owner/tiny")
    part = tmp_path / ".out.part" / f".{WEIGHTS}.download"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    server.cut.clear()
    server.stall = False
    server.asked.clear()
    assert not (tmp_path / "out").exists()
    return part.stat().st_size


def test_killed_fetch_is_resumed(server, fetch, tmp_path, killed):
    assert fetch("owner/tiny") == ""
    sent = server.repositories["owner/tiny"][WEIGHTS]
    assert 0 < killed < len(sent)
    assert [asked.range for asked in server.asked_of(WEIGHTS)] == [f"bytes={killed}-"]
    assert server.asked_of("config.json") == []  # it was whole
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == sent
    assert not (tmp_path / ".out.part").exists()
    assert not [name for name in contents(tmp_path / "out") if name.startswith(".")]


def test_killed_fetch_of_another_revision_is_not_resumed(server, fetch, tmp_path, killed):
    assert fetch("owner/tiny", OLDER) == ""
    assert [asked.range for asked in server.asked_of(WEIGHTS)] == [None]
    assert (tmp_path / "out/config.json").read_bytes() == server.older["owner/tiny"]["config.json"]


def test_part_of_a_file_that_has_changed_since_is_not_used(server, fetch, tmp_path, killed):
    files = server.repositories["owner/tiny"]
    files[WEIGHTS] = files[WEIGHTS][::-1]
    assert fetch("owner/tiny") == ""
    assert [asked.range for asked in server.asked_of(WEIGHTS)] == [f"bytes={killed}-"]  # but the server sent all
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == files[WEIGHTS]


# A hub that lies, and who was there before


@pytest.mark.parametrize(
    "name", ["model.safetensors/../../x.py", "model\\x.safetensors", "model\n.safetensors", "modelä.bin"]
)
def test_names_that_are_paths_are_refused(server, fetch, tmp_path, name):
    files = server.repositories["owner/tiny"]
    del files[WEIGHTS], files["pytorch_model.bin"]
    files[name if name.startswith("model.") else name.replace(".bin", ".safetensors")] = b"x"
    said = fetch("owner/tiny")
    assert said.startswith("owner/tiny lists 'model")
    assert "which is no plain name of a file" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_other_names_do_not_matter(server, fetch, tmp_path):
    server.repositories["owner/tiny"] |= {"../../x.py": b"", "a/../b": b"", "/etc/passwd": b"", ".x": b"", "\n": b""}
    assert fetch("owner/tiny") == ""
    assert not (tmp_path / "x.py").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"sha": "main"},
        {"sha": "../x"},
        {"sha": None},
        {"siblings": None},
        {"siblings": [{}]},
        {"siblings": [{"rfilename": 7}]},
        {"siblings": "config.json"},
        {"siblings": [{"rfilename": "config.json", "size": -1}, {"rfilename": WEIGHTS}]},
        {"siblings": [{"rfilename": "config.json", "blobId": "0\n"}, {"rfilename": WEIGHTS}]},
        {
            "siblings": [
                {"rfilename": "config.json", "lfs": {"size": 1, "sha256": "x", "pointerSize": 1}},
                {"rfilename": WEIGHTS},
            ]
        },
        [],
        "[" * 100_000,
        "{",
        "",
    ],
    ids=str,
)
def test_listing_that_is_none(server, fetch, tmp_path, change):
    path = "/api/models/owner/tiny/revision/main"
    facts = {"id": "owner/tiny", "sha": COMMIT, "siblings": []}
    body = change if isinstance(change, str) else json.dumps(facts | change if isinstance(change, dict) else change)
    for asked in (path, "/api/models/owner/tiny"):
        server.answers[asked] = iter([(200, {"Content-Type": "application/json"}, body.encode())])
    said = fetch("owner/tiny")
    assert said.startswith("owner/tiny")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_commit_is_the_one_that_was_asked_for(server, fetch, tmp_path):
    facts = {"id": "owner/tiny", "sha": COMMIT, "siblings": [{"rfilename": "config.json"}, {"rfilename": WEIGHTS}]}
    server.answers[f"/api/models/owner/tiny/revision/{OLDER}"] = iter([(200, {}, json.dumps(facts).encode())])
    assert f"the hub answers with commit '{COMMIT}' for revision {OLDER}" in fetch("owner/tiny", OLDER)


@pytest.mark.parametrize("token", ["hf_s3cr3t x", "hf_s3cr3tä", "hf_\x7fs3cr3t"])
def test_token_that_is_none_is_not_shown(fetch, token):
    said = fetch("owner/tiny", HF_TOKEN=token)
    assert "the token of the hub (HF_TOKEN) holds a character that no token has" in said
    assert "s3cr3t" not in said


def test_secrets_of_a_hubs_address_are_not_shown(server, fetch, tmp_path):
    endpoint = server.address.replace("//", "//me:s3cr3t@")
    assert fetch("owner/tiny", HF_ENDPOINT=endpoint) == ""
    assert not any(b"s3cr3t" in data for data in contents(tmp_path / "out").values())
    assert "s3cr3t" not in fetch("owner/none", HF_ENDPOINT=endpoint)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_file_that_was_planted_in_what_is_not_finished_is_replaced(server, fetch, tmp_path, name):
    part = tmp_path / ".out.part"
    part.mkdir()
    (part / "origin.txt").write_text(f"owner/tiny, commit {COMMIT}\n")
    (part / name).write_bytes(b"planted")
    (part / "planted.pt").write_bytes(b"planted")
    (part / "folder").mkdir()
    assert fetch("owner/tiny") == ""
    got = contents(tmp_path / "out")
    assert got[name] == server.repositories["owner/tiny"][name]
    assert not {"planted.pt", "folder"} & set(got)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "planted.pt"])
def test_file_that_was_planted_in_a_finished_folder_is_refused(server, fetch, tmp_path, name):
    assert fetch("owner/tiny") == ""
    (tmp_path / "out" / ".snakemake_timestamp").touch()
    assert fetch("owner/tiny") == ""
    (tmp_path / "out" / name).write_bytes(b"planted")
    said = fetch("owner/tiny")
    assert f"{tmp_path / 'out' / name}" in said
    assert "Remove the folder: the same command fetches it again" in said
    assert (tmp_path / "out" / name).read_bytes() == b"planted"


@pytest.mark.parametrize("name", [".out.part", "out", ".out.lock", ".out.part/origin.txt", ".out.part/config.json"])
def test_links_are_not_followed(server, fetch, tmp_path, tmp_path_factory, name):
    victim = tmp_path_factory.mktemp("elsewhere")
    if "/" in name:
        (tmp_path / name).parent.mkdir()
    if name.endswith("config.json"):
        (tmp_path / ".out.part/origin.txt").write_text(f"owner/tiny, commit {COMMIT}\n")
    (tmp_path / name).symlink_to(victim)
    said = fetch("owner/tiny")
    if name.endswith("config.json"):  # what lies in a folder that is not finished is replaced
        assert said == ""
        assert not (tmp_path / "out/config.json").is_symlink()
    else:
        assert f"{tmp_path / name} is a link to {victim}" in said
    assert list(victim.iterdir()) == []


# By an address

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def address(server, monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    server.files["/models/tiny.pt"] = CONTENT
    return f"{server.address}/models/tiny.pt"


def test_original_with_the_right_digest(address, tmp_path, caplog):
    fetch_original(f"{address}?download=true", sha256(CONTENT).upper(), tmp_path / "out")
    got = contents(tmp_path / "out")
    assert got["tiny.pt"] == CONTENT
    assert got["origin.txt"].decode() == f"{address}?download=true\n"
    facts = {"size": len(CONTENT), "sha256": sha256(CONTENT)}
    manifest = {"source": f"{address}?download=true", "revision": None, "files": {"tiny.pt": facts}}
    assert json.loads(got["manifest.json"]) == manifest
    assert set(got) == {"tiny.pt", "origin.txt", "manifest.json"}
    assert not caplog.records


def test_original_without_a_digest_is_told_of(address, tmp_path, caplog):
    fetch_original(address, None, tmp_path / "out")
    assert sha256(CONTENT) in caplog.text
    assert "no sha256 was given" in caplog.text


def test_original_with_a_wrong_digest_is_refused(address, tmp_path):
    with pytest.raises(DownloadError, match=f"sha256 {sha256(CONTENT)}, expected {'0' * 64}"):
        fetch_original(address, "0" * 64, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert set(contents(tmp_path / ".out.part")) == {"origin.txt"}


def test_original_of_another_name_is_found_when_loaded(server, address, tmp_path):
    server.files["/get"] = CONTENT
    fetch_original(f"{server.address}/get", None, tmp_path / "out")
    assert (tmp_path / "out/checkpoint.pt").read_bytes() == CONTENT


@pytest.mark.parametrize("known", [True, False], ids=["with a digest", "without"])
def test_planted_original_is_replaced_or_refused(server, address, tmp_path, known):
    """Although origin.txt says that it is the one."""
    digest = sha256(CONTENT) if known else None
    part, out = tmp_path / ".out.part", tmp_path / "out"
    part.mkdir()
    (part / "origin.txt").write_text(f"{address}\n")
    (part / "tiny.pt").write_bytes(b"planted")
    fetch_original(address, digest, out)
    assert (out / "tiny.pt").read_bytes() == CONTENT
    (out / "tiny.pt").write_bytes(b"planted")
    if known:
        with pytest.raises(DownloadError, match=r"tiny\.pt: found sha256 .* expected .*Remove the folder"):
            fetch_original(address, digest, out)
    (out / "tiny.pt").write_bytes(CONTENT)
    (out / "more.pt").write_bytes(b"planted")
    with pytest.raises(DownloadError, match=r"more\.pt does not belong to the checkpoint"):
        fetch_original(address, digest, out)
    assert len(server.asked) == 1


@pytest.mark.parametrize("end", ["/../../../x.pt", "/%2e%2e%2fx.pt", "/..%5cx.pt", "/a/.x.pt"])
def test_original_lies_in_its_folder(server, address, tmp_path, end):
    for path in ("/x.pt", "/../x.pt", "/..\\x.pt", "/a/.x.pt", "/../../../x.pt"):
        server.files[path] = CONTENT
    fetch_original(server.address + end, sha256(CONTENT), tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {"x.pt", "origin.txt", "manifest.json"}
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == set()


def test_secrets_of_an_original_are_not_kept(server, address, tmp_path, caplog):
    secret = address.replace("//", "//me:s3cr3t@") + "?token=s3cr3t"
    with caplog.at_level("INFO", "layerwise"):
        fetch_original(secret, None, tmp_path / "out")
        fetch_original(secret, None, tmp_path / "out")
    assert len(server.asked) == 1
    assert "s3cr3t" not in caplog.text
    assert not any(b"s3cr3t" in data for data in contents(tmp_path / "out").values())
    fetch_original(secret + "2", None, tmp_path / "out")  # another address, which is not taken for the first
    assert len(server.asked) == 2


def test_interrupted_original_is_resumed_by_the_next_job(server, address, tmp_path):
    server.cut["/models/tiny.pt"] = 2000
    with pytest.raises(DownloadError, match="4 tries"):
        fetch_original(address, sha256(CONTENT), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    server.asked.clear()
    fetch_original(address, sha256(CONTENT), tmp_path / "out")
    assert [asked.range for asked in server.asked] == ["bytes=8000-", "bytes=10000-"]
    assert (tmp_path / "out/tiny.pt").read_bytes() == CONTENT


def test_whole_part_is_only_checked(server, address, tmp_path):
    """A job may be killed between the last byte and the new name."""
    tag = f'"{hashlib.sha1(CONTENT).hexdigest()}"'
    (tmp_path / ".tiny.pt.download").write_bytes(CONTENT)
    (tmp_path / ".tiny.pt.download.etag").write_text(tag)
    downloads.fetch(address, tmp_path / "tiny.pt", sha256=sha256(CONTENT))
    assert [asked.range for asked in server.asked] == [f"bytes={len(CONTENT)}-"]
    assert contents(tmp_path) == {"tiny.pt": CONTENT}


def test_part_that_is_too_long_is_thrown_away(server, address, tmp_path):
    tag = f'"{hashlib.sha1(CONTENT).hexdigest()}"'
    (tmp_path / ".tiny.pt.download").write_bytes(CONTENT + b"?")
    (tmp_path / ".tiny.pt.download.etag").write_text(tag)
    downloads.fetch(address, tmp_path / "tiny.pt")
    assert contents(tmp_path) == {"tiny.pt": CONTENT}


def test_absent_page_is_not_asked_for_twice(server, address, tmp_path):
    with pytest.raises(DownloadError, match=r"\(1 try\): .*404"):
        downloads.fetch(f"{address}.gone", tmp_path / "tiny.pt")
    assert len(server.asked) == 1


def test_loading_a_model_by_hand_says_where_its_files_belong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "locate", lambda path: tmp_path / path)
    with pytest.raises(
        CatalogueError, match=r"best_bundle\.pth must be fetched by hand, from .*resources/models/fast-vgs/"
    ):
        load("fast-vgs")


def test_manifest_lists_what_is_there(tmp_path):
    (tmp_path / "origin.txt").write_text("somewhere\n")
    (tmp_path / "a.pt").write_bytes(b"abc")
    listed = fetching.write_manifest(tmp_path, "somewhere", "1")
    assert listed == {"a.pt": {"size": 3, "sha256": sha256(b"abc")}}
    assert fetching.write_manifest(tmp_path, "somewhere", "1") == listed  # itself it does not list


def test_a_download_without_a_digest_is_noted_with_a_warning(tmp_path, caplog):
    archive = tmp_path / "commands.tar.gz"
    archive.write_bytes(b"what came")
    note = note_digest(archive, "https://example.org/commands.tar.gz")
    assert note == tmp_path / "commands.tar.gz.sha256"
    assert note.read_text() == f"{hashlib.sha256(b'what came').hexdigest()}  commands.tar.gz\n"
    assert "no digest is known to check it by" in caplog.text
    assert caplog.records[-1].levelname == "WARNING"
