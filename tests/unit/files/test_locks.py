"""One at a time, on file systems with locks and on those without."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time

import pytest

from layerwise.files import locks
from layerwise.files.disk_space import DiskSpaceError
from layerwise.files.links import LinkError
from layerwise.files.locks import LockError, held


@pytest.fixture(
    params=[None, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=lambda code: errno.errorcode.get(code, "locks")
)
def file_system(request, monkeypatch):
    """One that has locks, and some that answer every request for one as network mounts do."""

    def refuse(*_):
        raise OSError(request.param, "no locks here")

    if request.param is not None:
        monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("file_system")
def test_one_at_a_time(tmp_path):
    inside, most = [], []

    def work() -> None:
        with held(tmp_path / ".audio.lock", "another job has it ready"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("file_system")
def test_lock_of_a_block_that_failed_is_free(tmp_path):
    with pytest.raises(RuntimeError), held(tmp_path / ".lock", "never"):
        raise RuntimeError
    with held(tmp_path / ".lock", "never"):
        pass


@pytest.mark.parametrize("name", [".lock", ".lock.held"])
def test_folder_is_no_lock(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(LinkError, match=f"{name} is a folder, where a file .* remove it"), held(tmp_path / ".lock", ""):
        pytest.fail("it was held")


def test_other_file_is_no_lock(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.link(victim, tmp_path / ".lock")
    with pytest.raises(LinkError, match="a hard link"), held(tmp_path / ".lock", "never"):
        pytest.fail("it was held")
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (errno.EACCES, LockError, "no lock can be made there.*make the folder writable"),
        (errno.EROFS, LockError, "no lock can be made there"),
        (errno.EIO, LockError, "no lock can be made there"),
        (errno.ENOSPC, DiskSpaceError, "is full"),
    ],
)
def test_folder_that_takes_no_lock_is_named(tmp_path, monkeypatch, code, kind, said):
    def refuse(**_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(locks.tempfile, "TemporaryFile", refuse)
    with pytest.raises(kind, match=f"{tmp_path}.*{said}"), held(tmp_path / ".lock", "never"):
        pytest.fail("it was held")


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("name", [".lock", ".lock.held"])
def test_link_is_no_lock(tmp_path, name):
    """It would be another file's, which may be emptied."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / name).symlink_to(victim)
    with pytest.raises(LinkError, match="is a link to"), held(tmp_path / ".lock", "never"):
        pytest.fail("it was held")
    assert victim.read_text() == "mine"
