"""Arrays that this workflow saved, read again: as they were written, with no pickle and no compression in them."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_array_header_2_0, read_magic

from layerwise.files.own_files import RereadError, rereading
from layerwise.files.plain_files import require_plain

_MAGIC = b"\x93NUMPY"


def read_arrays(path: Path, kinds: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Lists from a file of np.savez.

    Args:
        kinds: name → what its dtype is, such as `int16`, or `U` for text of any width.

    Raises:
        RereadError: it is another file.
    """
    require_stored(path)
    _require_possible(path)
    with _loading(path), np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in kinds}
    for name, kind in kinds.items():
        _require_list(path, arrays[name], kind)
    return arrays


def read_array(path: Path, kind: str) -> np.ndarray:
    """A list from a file of np.save.

    Raises:
        RereadError: it is another file.
    """
    with rereading(path):
        require_plain(path, lambda found: RereadError(path, found))
    with _loading(path):
        # Mapped, its shape is compared with the file before it takes memory.
        values = np.array(np.lib.format.open_memmap(path, mode="r"))
    _require_list(path, values, kind)
    return values


@contextmanager
def _loading(path: Path) -> Iterator[None]:
    """Turns whatever numpy and zipfile raise on a damaged file into an error that names the file."""
    try:
        yield
    except RereadError:
        raise
    except Exception as error:
        raise RereadError(path, f"{type(error).__name__}: {error}") from error


def require_stored(path: Path) -> None:
    """Refuse what is no zip, is compressed (numpy and torch never do that), or declares more bytes than it has.

    Raises:
        RereadError: it is.
    """
    with rereading(path):
        require_plain(path, lambda found: RereadError(path, found))
    with _loading(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise RereadError(path, "it is compressed")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise RereadError(path, "it says that it holds more bytes than it has")


def _require_possible(path: Path) -> None:
    """Refuse a file of np.savez with an array that says it is larger than what is stored of it."""
    with _loading(path), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                if not file.peek(len(_MAGIC)).startswith(_MAGIC):  # no array, which is said when it is asked for
                    continue
                version = read_magic(file)
                shape, _, dtype = (read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(file)
            if math.prod(shape) * max(1, dtype.itemsize) > member.file_size:
                raise RereadError(path, f"{member.filename} says it has the shape {shape}, and has too few bytes")


def _require_list(path: Path, values: object, kind: str) -> None:
    if not isinstance(values, np.ndarray):  # a member of the zip that is no array is given as its bytes
        raise RereadError(path, f"{type(values).__name__} where an array is expected")
    if (
        values.ndim != 1
        or not values.dtype.itemsize
        or (values.dtype != kind if kind != "U" else values.dtype.kind != "U")
    ):
        raise RereadError(path, f"an array of type {values.dtype} and shape {values.shape} where {kind} is expected")
