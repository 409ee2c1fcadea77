"""Audio that is unpacked once, lent to jobs, and deleted when none holds it."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from layerwise.corpus import lending, unpacking
from layerwise.corpus.lending import lend_audio, take_back_audio
from layerwise.files.digests import DownloadError
from layerwise.files.disk_space import DiskSpaceError
from small_disk import small_disk
from tiny_corpus import SPLIT, write_archive
from tiny_hub import running

NAME = f"LibriSpeech/{SPLIT}/1/2/1-2-0003.flac"


def checks_of(archive: Path) -> dict:
    return {"size": archive.stat().st_size, "md5": None, "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}


@pytest.fixture
def archive(tmp_path) -> Path:
    return write_archive(tmp_path / "given.tar.gz", {NAME: b"audio"})


@pytest.fixture
def lend(tmp_path, archive):
    """Lends to a reader of an experiment; gives the link."""

    def run(reader: str = "index", experiment: str = "a", url: str | None = None, **changes) -> Path:
        link = tmp_path / "results" / experiment / "audio" / reader
        options = {"checks": checks_of(archive), "made_from": 1, "mirrors": {}, "keep": False} | changes
        lend_audio(url, options.pop("archive", archive), SPLIT, tmp_path / "corpus/audio", link, **options)
        return link

    return run


@pytest.fixture
def unpacked(monkeypatch) -> list[Path]:
    """What has been unpacked."""
    archives: list[Path] = []
    unpack = unpacking.unpack_audio
    monkeypatch.setattr(unpacking, "unpack_audio", lambda path, *rest: (archives.append(path), unpack(path, *rest)))
    return archives


def take_back(tmp_path) -> bool:
    return take_back_audio(tmp_path / "corpus/audio", tmp_path / "results")


def test_readers_share_one_folder(lend, archive, unpacked, tmp_path):
    links = [lend("index"), lend("wavlm-base.0"), lend("index", "b")]
    assert [(link / NAME).read_bytes() for link in links] == [b"audio"] * 3
    assert all(link.is_symlink() for link in links)
    assert unpacked == [archive]
    assert archive.is_file()
    assert sorted(path.name for path in (tmp_path / "corpus").iterdir()) == ["audio", "audio.json"]


def test_readers_that_begin_together_unpack_once(lend, archive, unpacked, tmp_path):
    threads = [threading.Thread(target=lend, args=(f"model.{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unpacked == [archive]
    assert len(list((tmp_path / "results/a/audio").iterdir())) == 4


def test_links_survive_a_move_of_the_checkout(lend, tmp_path):
    assert not os.readlink(lend()).startswith("/")


def test_audio_is_taken_back_when_nobody_holds_it(lend, tmp_path):
    links = [lend("index"), lend("wavlm-base.0", "b")]
    for link in links:
        assert not take_back(tmp_path)
        assert (links[-1] / NAME).exists()
        link.unlink()  # as Snakemake does when the job has succeeded
    assert take_back(tmp_path)
    assert not list((tmp_path / "corpus").iterdir())
    assert not take_back(tmp_path)


def test_link_to_a_folder_that_is_gone_is_replaced(lend, unpacked, tmp_path):
    link = lend()
    (tmp_path / "corpus/audio").rename(tmp_path / "gone")
    assert not link.exists()
    assert (lend() / NAME).exists()
    assert len(unpacked) == 2


@pytest.mark.parametrize("left", ["folder without a label", "folder of another source"])
def test_other_audio_is_replaced(lend, unpacked, tmp_path, left):
    link = lend()
    (link / "old").touch()
    if left == "folder without a label":
        (tmp_path / "corpus/audio.json").unlink()
    lend(made_from=1 if left == "folder without a label" else 2)
    assert len(unpacked) == 2
    assert not (link / "old").exists()


@pytest.mark.parametrize("keep", [False, True])
def test_archive_from_the_network(lend, archive, tmp_path, keep):
    with running() as web:
        web.files["/a.tar.gz"] = archive.read_bytes()
        local = tmp_path / "downloads/a.tar.gz"
        mirrors = {"https://www.openslr.org/": f"{web.address}/"}
        link = lend(url="https://www.openslr.org/a.tar.gz", archive=local, mirrors=mirrors, keep=keep)
        assert (link / NAME).exists()
        assert local.exists() == keep
        lend("wavlm-base.0", url="https://www.openslr.org/a.tar.gz", archive=local, mirrors=mirrors)
        assert len(web.asked) == 1


def test_download_that_is_here_is_used_if_it_is_the_right_one(lend, archive, tmp_path):
    local = tmp_path / "downloads/host/a.tar.gz"
    with running() as web:
        web.files["/a.tar.gz"] = archive.read_bytes()
        lend(url=f"{web.address}/a.tar.gz", archive=local, keep=True)
        lend(url=f"{web.address}/a.tar.gz", archive=local, made_from=2, keep=True)
        assert len(web.asked) == 1
        local.write_bytes(archive.read_bytes()[::-1])
        lend(url=f"{web.address}/a.tar.gz", archive=local, made_from=3)
        assert len(web.asked) == 2
    assert list(local.parent.iterdir()) == []  # the note is gone with it


def test_file_that_somebody_put_there_is_not_deleted(lend, archive, tmp_path):
    """At the place of the download: it is used if its digest says that it is the archive, and else refused."""
    local = tmp_path / "downloads/host/a.tar.gz"
    local.parent.mkdir(parents=True)
    local.write_bytes(archive.read_bytes())
    lend(url="http://127.0.0.1:9/a.tar.gz", archive=local)
    assert local.read_bytes() == archive.read_bytes()
    for made_from, (content, checks) in enumerate(
        [(b"mine", checks_of(archive)), (b"mine", {"size": None, "md5": None, "sha256": None})], start=2
    ):
        local.write_bytes(content)
        with pytest.raises(DownloadError, match=r"was not fetched by this workflow.*neither used nor deleted"):
            lend(url="http://127.0.0.1:9/a.tar.gz", archive=local, made_from=made_from, checks=checks)
        assert local.read_bytes() == content


def test_wrong_archive_is_refused_and_stays(lend, archive, tmp_path):
    with pytest.raises(DownloadError, match=r"given\.tar\.gz: found sha256 .*expected 0000"):
        lend(checks={"size": None, "md5": None, "sha256": "0" * 64})
    assert archive.is_file()
    assert not (tmp_path / "corpus/audio").exists()
    assert not (tmp_path / "results/a/audio/index").is_symlink()


def test_audio_that_does_not_fit_is_not_unpacked(lend, archive, unpacked, monkeypatch):
    size = archive.stat().st_size
    small_disk(monkeypatch, size)
    with pytest.raises(
        DiskSpaceError, match=rf"unpacking .*given\.tar\.gz \(1\.1 times its size\) needs .*{size} bytes are"
    ):
        lend()
    assert unpacked == []


def test_disk_that_becomes_full_in_the_middle(lend, monkeypatch, tmp_path):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpacking, "unpack_audio", fail)
    with pytest.raises(DiskSpaceError, match="became full while"):
        lend()
    monkeypatch.undo()
    assert (lend() / NAME).exists()


def test_factor_holds_for_the_demo(tmp_path):
    """And with blocks that are not full."""
    archive = Path(lending.__file__).parents[3] / "resources/demo/demo-dev-clean.tar.gz"
    unpacking.unpack_audio(archive, SPLIT, tmp_path / "audio")
    used = sum(path.stat().st_blocks * 512 for path in (tmp_path / "audio").rglob("*"))
    assert 0.99 * archive.stat().st_size < used < lending.UNPACKED * archive.stat().st_size
