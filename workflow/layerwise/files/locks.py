"""One process at a time, also on file systems that have no locks.

The locks are those of filelock. By itself (4.3.1) it uses a soft lock only where flock answers ENOSYS, but mounts of
NFS and Lustre may answer ENOLCK or EOPNOTSUPP. It also accepts a hard link to another file as its lock.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.disk_space import DISK_FULL, DiskSpaceError
from layerwise.files.links import LinkError, refuse_link

log = logging.getLogger(__name__)

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}  # as mounts of NFS and Lustre without locks answer


class LockError(LayerwiseError):
    """No lock can be made."""


@contextmanager
def held(path: Path, other: str) -> Iterator[None]:
    """Hold the lock file `path`, which is gone afterwards; wait for whoever holds it.

    The lock is the operating system's, and ends with the process, however that ends. Where the file system has none, a
    file beside it stands for it (NAME.held): one that a killed process left is taken over on the same machine, and
    named in the log on others.

    Args:
        other: what is waited for, as the log says it: `another job has … ready`.

    Raises:
        LinkError: a link lies there: another lock than this one would be held, or another file emptied.
        LockError: no lock can be made there, such as in a folder that is only read.
        DiskSpaceError: there is no room for it.
    """
    # Imported here: thousands of score jobs import this module and lock nothing. Each would start 0.1 s later.
    from filelock import FileLock, SoftFileLock, Timeout

    for place in (path, path.with_name(f"{path.name}.held")):
        refuse_link(place, "file")
        if place.exists() and place.stat().st_nlink > 1:
            raise LinkError(f"{place} is another file too (a hard link), which would be emptied: remove it")
    try:
        lock = FileLock(path) if _has_locks(path.parent) else SoftFileLock(path.with_name(f"{path.name}.held"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting until %s; it holds %s", other, lock.lock_file)
            lock.acquire()
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DiskSpaceError(
                f"the disk of {path.parent} is full: make room and run the same command again"
            ) from error
        raise LockError(
            f"{path.parent}: no lock can be made there ({error.strerror or error}), and so nothing else: make the "
            "folder writable, or use another"
        ) from error
    try:
        yield
    finally:
        if isinstance(lock, FileLock):  # the other kind deletes its file itself
            path.unlink(missing_ok=True)  # before it is free: who waits for it notices, and makes another
        lock.release()


def _has_locks(folder: Path) -> bool:
    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
    return True
