"""Whether files that the workflow made are still whole, by their ends.

Files get their names when they are whole (`layerwise.files.atomic`), but a faulty or full disk or a broken copy can cut
them off later. Each format that the workflow writes has an end of its own, so a few bytes of each file are enough. Not
noticed are a table (CSV) that was cut exactly between two lines, and changed bytes in the middle of a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.atomic import END
from layerwise.files.plain_files import open_plain

MANIFEST = "manifest.json"  # in a fetched checkpoint folder: source, revision, and size and sha256 of each file

_LOOK_BYTES = 64
_MANIFEST_BYTES = 10 << 20  # of ten thousand files, where checkpoints have ten
_HEAD_BYTES = 16 << 20  # of a hundred thousand tensors, where models have some hundreds
_ENDS = {
    ".csv": b"\n",
    ".h5": END,
    ".html": b"</html>",
    ".json": b"}\n",
    ".parquet": b"PAR1",
    ".png": b"IEND\xaeB`\x82",
    ".svg": b"</svg>\n",
}
_NOT_OUTPUTS = {"logs", "benchmarks", "audio"}


class CutOffError(LayerwiseError):
    """A file that a job needs has lost its end."""


def is_whole(path: str | os.PathLike[str]) -> bool:
    """Whether a file has its end, or a checkpoint folder all bytes of its weights; True for formats not known here."""
    path = os.fspath(path)
    if os.path.isdir(path):
        return _is_whole_checkpoint(Path(path))
    suffix = os.path.splitext(path)[1]
    if suffix not in _ENDS:
        return True
    if not os.path.isfile(path):  # a link to nowhere, or a pipe, which would be waited for
        return False
    with open(path, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _LOOK_BYTES))
        if stream.read().endswith(_ENDS[suffix]):
            return True
        # HDF5 (format 1.10) notes its length where a file begins: one that ends there has lost `END` alone.
        stream.seek(28)
        return suffix == ".h5" and size == int.from_bytes(stream.read(8), "little") > 0


def cut_off(results: Path, checkpoints: Iterable[Path]) -> list[Path]:
    """The files below the folder of an experiment, and the checkpoint folders, that are there but not whole.

    Logs, benchmarks and hidden files are not looked at: no job reads them but the one that wrote them.
    """
    found = []
    for folder, folders, names in os.walk(results):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if folder == os.fspath(results):
            folders[:] = [name for name in folders if name not in _NOT_OUTPUTS]
        found += [os.path.join(folder, name) for name in sorted(names) if not name.startswith(".")]
    found += [os.fspath(folder) for folder in checkpoints if folder.is_dir()]
    return [Path(path) for path in found if not is_whole(path)]


def refuse_cut_off(inputs: Iterable[str]) -> None:
    """Check the inputs of a job that other jobs have made: those below `results/`, and folders below `resources/`.

    Raises:
        CutOffError: one is not whole.
    """
    for path in inputs:
        made = path.startswith("results/") or (path.startswith("resources/") and os.path.isdir(path))
        if made and not is_whole(path):
            raise CutOffError(f"{path} is cut off, as by a power cut. Run the same command again: it is made again")


def _is_whole_checkpoint(folder: Path) -> bool:
    """Whether weights are as long as their own heads, or the manifest of what was fetched, say."""
    sizes = _listed_sizes(folder / MANIFEST)
    return (
        sizes is not None
        and all(_size_of(folder / name) == size for name, size in sizes.items())
        and all(_is_whole_safetensors(path) for path in folder.glob("*.safetensors"))
    )


def _listed_sizes(manifest: Path) -> dict[str, int] | None:
    """Bytes of each file that a manifest lists, none where there is none; None: it is damaged, or a stranger's."""
    try:
        content = json.loads(_beginning(manifest, _MANIFEST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    listed = content.get("files") if isinstance(content, dict) else None
    if not isinstance(listed, dict):
        return None
    sizes = {name: facts.get("size") if isinstance(facts, dict) else None for name, facts in listed.items()}
    is_plain = all(
        isinstance(size, int) and name == Path(name).name and "\0" not in name for name, size in sizes.items()
    )
    return sizes if is_plain else None


def _size_of(path: Path) -> int | None:
    """Bytes of a file; None: it is none, or its name is none."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def _is_whole_safetensors(path: Path) -> bool:
    """Whether a file has the bytes of all tensors that its head lists (8 bytes of length, then JSON)."""
    try:
        size = path.stat().st_size
        length = int.from_bytes(_beginning(path, 8), "little")
        if length > min(size, _HEAD_BYTES):
            return False
        head = json.loads(_beginning(path, 8 + length)[8:])
        ends = [facts["data_offsets"][1] for name, facts in head.items() if name != "__metadata__"]
        return size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, IndexError, TypeError):
        return False  # no head that says where tensors lie


def _beginning(path: Path, most: int) -> bytes:
    with open_plain(path) as stream:
        return stream.read(most)
