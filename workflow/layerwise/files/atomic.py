"""Files that are either whole or absent, after an error, a kill and a power cut.

A file gets its name only when its content is on the disk. Otherwise the file system may record the name first, and a
power cut leaves an empty, half or zero-filled file.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.disk_space import DISK_FULL, DiskSpaceError
from layerwise.files.links import refuse_link
from layerwise.files.locks import held

GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"  # what files of these formats begin with
END = b"\nlayerwise: the end\n"  # of files whose format ends with nothing of its own, such as HDF5, which ignores it
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}  # of folders on some network file systems
_FULL_BYTES = 1 << 16  # libraries written in C do not always say why they could not write


def begins_with(path: Path, mark: bytes) -> bool:
    """Whether a file is there and of the format that begins with `mark`: a name may say nothing of it, or be wrong."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark


def impostor(start: bytes) -> str:
    """What a file of another format often is in truth, told from its first bytes, as a remark for an error; or ""."""
    if start.lstrip()[:1] == b"<":
        return " (a web page, perhaps an error of the server)"
    if start.startswith(b"version https://git-lfs"):
        return " (a pointer of Git LFS: `git lfs pull` fetches the file itself)"
    return ""


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary sibling of `path` to write to; it takes the name `path` when the block ends without an error.

    The sibling keeps the target's suffix, because writers such as pandas choose a format by it, and lies
    in the target's folder, because a rename is atomic only within one file system. Parent folders are created. On an
    error the sibling is removed and whatever was at `path` stays as it was.

    Raises:
        DiskSpaceError: the disk became full in the block.
        LinkError: a link lies where the sibling belongs; one at `path` is replaced itself, not what it leads to.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The same name every time: the next job overwrites what a killed one left, and Snakemake runs one at a time.
    temporary = target.with_name(f".{target.stem}.tmp{target.suffix}")
    refuse_link(temporary, "file")
    temporary.unlink(missing_ok=True)  # it may be another file, too, which would be written to
    try:
        with room_for(target):
            yield temporary
            give_name(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary sibling folder to fill; it replaces what is at `path` when the block ends without an error.

    Left-overs of a run that was killed are removed first. On an error it is removed and `path` stays as it was.

    Raises:
        DiskSpaceError: the disk became full in the block.
        LinkError: a link lies where the sibling belongs, or at `path`.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    refuse_link(target, "folder")
    refuse_link(temporary, "folder")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        with room_for(target):
            yield temporary
            give_name(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def resumed_folder(path: str | os.PathLike[str], label: str, content: str) -> Iterator[Path]:
    """As `replaced_folder`, but what an error or a kill left in the sibling is still there the next time.

    One at a time: where another run has put the same there meanwhile, that is given, and stays.

    Args:
        label, content: name and text of a file in the folder that says what is put there: a sibling where it says
            something else is emptied first. Whoever fills the folder checks what lies in it nevertheless.

    Raises:
        LinkError: a link lies at `path`, or where the sibling or its label belongs.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    for folder in (target, temporary):
        refuse_link(folder, "folder")
        refuse_link(folder / label, "file")
    with held(target.with_name(f".{target.name}.lock"), f"another run has {target} ready"):
        if _says(target / label, content):
            yield target
            return
        if not _says(temporary / label, content):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            (temporary / label).write_text(content, encoding="utf-8")
        yield temporary
        give_name(temporary, target)


def _says(path: Path, content: str) -> bool:
    expected = content.encode()
    return path.is_file() and path.stat().st_size == len(expected) and path.read_bytes() == expected


def give_name(temporary: Path, target: Path) -> None:
    """Bring a file, or a folder with all in it, to the disk, and only then under its name, instead of what is there."""
    if temporary.is_dir():
        for path in temporary.rglob("*"):
            if not path.is_symlink():
                _sync(path)
        if _holds(target, temporary):  # another checkout that shares the folder made the same, and may be reading it
            shutil.rmtree(temporary)
            return
        shutil.rmtree(target, ignore_errors=True)
    _sync(temporary)
    os.replace(temporary, target)
    _sync(target.parent)


@contextmanager
def room_for(target: Path) -> Iterator[None]:
    """Say which disk is full, and what to do, where a block that writes `target` ends because of it.

    Raises:
        DiskSpaceError: it did.
    """
    try:
        yield
    except LayerwiseError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) in DISK_FULL or shutil.disk_usage(target.parent).free < _FULL_BYTES:
            raise DiskSpaceError(
                f"the disk of {target.parent} became full while {target.name} was written: make room and run the same "
                "command again; what is finished stays"
            ) from error
        raise


def _holds(target: Path, made: Path) -> bool:
    """Whether all files of `made` lie in `target`, with the same bytes."""
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    return bool(files) and all(
        (target / name).is_file() and filecmp.cmp(target / name, made / name, shallow=False) for name in files
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (path.is_dir() and error.errno in _NO_SYNC):
            raise
    finally:
        os.close(descriptor)
