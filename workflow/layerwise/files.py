"""Files that are either whole or absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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

    The sibling keeps the target's suffix, because writers such as matplotlib and pandas choose a format by it, and lies
    in the target's folder, because a rename is atomic only within one file system. Parent folders are created. On an
    error the sibling is removed and whatever was at `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # One name, whoever writes: what a killed job left is overwritten by the next one, and Snakemake runs one at a time.
    temporary = target.with_name(f".{target.stem}.tmp{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary sibling folder to fill; it replaces what is at `path` when the block ends without an error.

    Left-overs of a run that was killed are removed first. On an error it is removed and `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def resumed_folder(path: str | os.PathLike[str], label: str, content: str) -> Iterator[Path]:
    """As `replaced_folder`, but what an error or a kill left in the sibling is still there the next time.

    Args:
        label, content: name and text of a file in the folder that says what is put there: a sibling where it says
            something else is emptied first.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    said = temporary / label
    if not said.is_file() or said.read_text(encoding="utf-8") != content:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        said.write_text(content, encoding="utf-8")
    yield temporary
    shutil.rmtree(target, ignore_errors=True)
    os.replace(temporary, target)
