"""Write representations: one HDF5 file a model and shard, its paths as `layout` builds them.

Frames carry `utterance_id`, `speaker_id` (one an utterance, in order) and borders; segments carry `row`, `label`,
`utterance_id`, `speaker_id`, `start`. A file without the attribute `complete`, written last, is not read; `END` stands
behind what HDF5 knows of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from layerwise.files.atomic import END, replaced

FLUSH_BYTES = 2**20  # rows are gathered to about this much before they are written
CHUNK_BYTES = 2**18
FLOAT16_MAX = float(np.finfo(np.float16).max)


class RepresentationWriter:
    """Appends rows to datasets of one file; use `writing`."""

    def __init__(self, file: h5py.File, dtype: str) -> None:
        self._file = file
        self._dtype = np.dtype(dtype)
        self._waiting: dict[str, list[np.ndarray]] = defaultdict(list)
        self._bytes: dict[str, int] = defaultdict(int)
        self._attributes: dict[str, dict] = {}
        self._borders: dict[str, list[int]] = {}

    def append(self, path: str, rows: np.ndarray, attributes: dict | None = None) -> None:
        """Add rows (n × d, or n) to the dataset at `path`; matrices are stored in the float type of the file.

        Args:
            attributes: facts about the dataset, its definition in words among them.
        """
        self._attributes.setdefault(path, attributes or {})
        # No rows are still a view of all of an utterance's frames, and would keep them in memory.
        self._waiting[path].append(rows if len(rows) else rows.copy())
        self._bytes[path] += rows.nbytes
        if self._bytes[path] >= FLUSH_BYTES and rows.dtype.kind != "U":  # text waits until its width is known
            self._flush(path)

    def extend_borders(self, path: str, lengths: Iterable[int]) -> None:
        """Note how many rows the next utterances have; `path` becomes a dataset of (utterances + 1) borders."""
        borders = self._borders.setdefault(path, [0])
        for length in lengths:
            borders.append(borders[-1] + length)

    def close(self, attributes: dict) -> None:
        """Write what is waiting, then the attributes, then `complete`."""
        for path in list(self._waiting):
            self._flush(path)
        for path, borders in self._borders.items():
            self._create(path, np.array(borders, np.int64))
        for path, facts in self._attributes.items():
            _describe(self._file[path], facts)
        _describe(self._file, attributes)
        self._file.flush()
        self._file.attrs["complete"] = True

    def _flush(self, path: str) -> None:
        rows = np.concatenate(self._waiting.pop(path))
        self._bytes.pop(path)
        if rows.dtype.kind == "U":
            rows = np.char.encode(rows, "utf-8")
            rows = rows.astype(_text_dtype(rows.dtype.itemsize))
        elif rows.dtype.kind == "f" and rows.ndim == 2:
            rows = rows.astype(self._stored_dtype(path, rows))
        if path not in self._file:
            self._create(path, rows)
            return
        dataset = self._file[path]
        end = dataset.shape[0]
        dataset.resize(end + len(rows), axis=0)
        dataset[end:] = rows
        dataset.flush()  # what HDF5 would write later, when it forgets the dataset, may fail unnoticed on a full disk

    def _stored_dtype(self, path: str, rows: np.ndarray) -> np.dtype:
        """float16 while the magnitudes of the layer fit; a layer that turns out not to is written again as float32.

        What was written before keeps its rounding, and the attribute `rounded` says so.
        """
        if path in self._file and self._file[path].dtype != np.float16:
            return self._file[path].dtype
        if self._dtype != np.float16 or not rows.size or np.abs(rows).max() <= FLOAT16_MAX:
            return self._dtype
        if path in self._file:
            written = self._file[path][:].astype(np.float32)
            del self._file[path]
            self._create(path, written)
            self._attributes[path] = {**self._attributes[path], "rounded": "float16"}
        return np.dtype(np.float32)

    def _create(self, path: str, rows: np.ndarray) -> None:
        width = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
        chunks = (max(1, CHUNK_BYTES // width), *rows.shape[1:])
        shape = (None, *rows.shape[1:])
        self._file.create_dataset(path, data=rows, maxshape=shape, chunks=chunks, fletcher32=True).flush()


def _describe(owner: h5py.Group | h5py.Dataset, facts: dict) -> None:
    for name, value in facts.items():
        if isinstance(value, str):  # as bytes: h5py writes no other letters than those of ASCII itself
            value = value.encode("utf-8", "backslashreplace")
            owner.attrs.create(name, value, dtype=_text_dtype(len(value)))
        else:
            owner.attrs.create(name, value)


def _text_dtype(width: int) -> np.dtype:
    return h5py.string_dtype(length=max(1, width))


@contextmanager
def writing(path: Path, dtype: str, attributes: dict) -> Iterator[RepresentationWriter]:
    """A writer to a file that appears under its name only when it is complete."""
    with replaced(path) as temporary:
        # The format that h5py writes by default has no checksums of what describes the data.
        with h5py.File(temporary, "w", libver="v110", locking=False) as file:
            writer = RepresentationWriter(file, dtype)
            yield writer
            writer.close(attributes)
        with temporary.open("ab") as stream:
            stream.write(END)
