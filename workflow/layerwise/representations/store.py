"""Read representation files, whoever wrote them.

A file may hold only what `writer` writes: plain data under plain names. Refused are links, virtual and external data,
foreign filters (HDF5 would load code for them), and data that takes more memory than the file has bytes. Damage is an
error, never other numbers, because all that is written has a checksum. HDF5 has none for text of variable width, so all
text has a fixed width: `fact` and `strings` read it. Data that somebody else wrote without a checksum is read, and its
damage is not noticed.

Nothing is locked: one job writes a file, under another name than it is read by. HDF5 would ask for a lock even to read,
and some network file systems have none to give.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from layerwise.errors import LayerwiseError
from layerwise.files.plain_files import require_plain
from layerwise.representations import layout

FLOATS = ("float16", "float32", "float64")
_FACT_BYTES = 1 << 20  # of an attribute: a text of some words, or a number
_SUPERBLOCK = b"\x89HDF\r\n\x1a\n\x03"  # what files of format 1.10 begin with
_AGAIN = "delete it and extract again"
_WIDEST_STEP = 8  # of places that are read together: so many times what is wanted of them takes memory, at most
_NAMED = 20  # names of a folder that a message lists


class RepresentationError(LayerwiseError):
    """A representation file is not whole, or does not hold what was asked for."""


@contextmanager
def reading(paths: Iterable[Path]) -> Iterator[list[h5py.File]]:
    """The shards of a model, open for reading, in order of their first utterance.

    Raises:
        RepresentationError: a file is missing, no HDF5, or was not completed; or two are of the same shard.
    """
    with ExitStack() as stack:
        files: dict[int, h5py.File] = {}
        for path in map(Path, paths):
            try:
                require_plain(path, RepresentationError)
                _require_checksums(path)
                file = stack.enter_context(h5py.File(path, "r", locking=False))
            except (OSError, RepresentationError) as error:
                raise RepresentationError(f"{path} cannot be read as HDF5: {error}") from error
            with _explained(file):
                if "complete" not in file.attrs or fact(file, "complete") is not True:
                    raise RepresentationError(f"{path} was not completed: {_AGAIN}")
            shard = fact(file, "shard")
            if type(shard) is not int or shard < 0:
                raise RepresentationError(f"{path} is shard {shard!r}; a whole number from 0 is expected: {_AGAIN}")
            if shard in files:
                raise RepresentationError(f"{path} and {files[shard].filename} are both shard {shard}: {_AGAIN}")
            files[shard] = file
        yield [files[shard] for shard in sorted(files)]


def _require_checksums(path: Path) -> None:
    """Refuse HDF5's older format, whose metadata has no checksums: reading a damaged file may never end.

    HDF5 also accepts a header further into the file; here it must be at the start.
    """
    with path.open("rb") as stream:
        start = stream.read(len(_SUPERBLOCK))
    if not start.startswith(_SUPERBLOCK[:8]):
        raise RepresentationError(f"it begins with {start!r}, and HDF5 with {_SUPERBLOCK[:8]!r}")
    if start != _SUPERBLOCK:
        raise RepresentationError("it is of an older format than is written here")


@contextmanager
def _explained(part: h5py.File | h5py.Dataset) -> Iterator[None]:
    """Turn whatever HDF5 raises on a damaged file into an error that names the file."""
    name = part.file.filename
    try:
        yield
    except RepresentationError:
        raise
    except Exception as error:  # h5py gives each of libhdf5's errors the Python class that it thinks fits
        raise RepresentationError(
            f"{name} cannot be read: {error}. If its disk can, it is damaged: {_AGAIN}"
        ) from error


def dataset(file: h5py.File, path: str) -> h5py.Dataset:
    """The dataset at `path`.

    Raises:
        RepresentationError: the file has no such dataset, and the message says what lies beside it; it is damaged, or
            not what is written here.
    """
    with _explained(file):
        parts = path.split("/")
        for number in range(1, len(parts) + 1):
            place = "/".join(parts[:number])  # before it, there are no links
            if (kind := _link(file, place)) is None:
                there = (
                    ", ".join(itertools.islice(file[path.rpartition("/")[0] or "/"], _NAMED)) if place == path else ""
                )
                raise RepresentationError(
                    f"{file.filename} has no /{path}; in /{path.rpartition('/')[0]} there is {there or 'nothing'}"
                )
            if kind != h5py.h5l.TYPE_HARD:
                raise RepresentationError(f"{file.filename}: /{path} is a link to elsewhere, at /{place}: {_AGAIN}")
        found = file[path]
        if not isinstance(found, h5py.Dataset):
            raise RepresentationError(f"{file.filename}: /{path} is no dataset: {_AGAIN}")
        _require_plain(found, file)
        return found


def _link(file: h5py.File, place: str) -> int | None:
    """The kind of the link at a place; None if there is none."""
    links, name = file.id.links, place.encode()
    return links.get_info(name).type if links.exists(name) else None


def _require_plain(data: h5py.Dataset, file: h5py.File) -> None:
    """Refuse a dataset that is not stored as `writer` stores it, or claims to be larger than what is stored."""
    plan, dtype, shape = data.id.get_create_plist(), data.dtype, data.shape
    filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        _refuse(data, "lies in other files")
    if filters - {h5py.h5z.FILTER_FLETCHER32}:
        _refuse(data, f"is stored with the filters {sorted(filters)}")
    if dtype.kind not in "iufS" or (dtype.kind != "S" and dtype.itemsize > 8):
        _refuse(data, f"is of type {dtype}")
    if shape is None or len(shape) not in (1, 2):
        _refuse(data, f"has the shape {shape}")
    size, whole = math.prod(shape) * dtype.itemsize, file.id.get_filesize()
    chunk = math.prod(plan.get_chunk()) * dtype.itemsize if plan.get_layout() == h5py.h5d.CHUNKED else 0
    if size > whole or (size and not max(size, chunk) <= data.id.get_storage_size() <= whole):
        _refuse(data, f"has the shape {shape}, for which the file has too few bytes")


def _refuse(data: h5py.Dataset, found: str) -> NoReturn:
    raise RepresentationError(f"{data.file.filename}: {data.name} {found}: {_AGAIN}")


def fact(owner: h5py.File | h5py.Dataset, name: str) -> object:
    """An attribute of a file or dataset, as a bool, number or str.

    Raises:
        RepresentationError: there is none, it is neither, or the file is damaged.
    """
    with _explained(owner):
        if name not in owner.attrs:
            raise RepresentationError(f"{owner.file.filename}: {owner.name} has no attribute {name}: {_AGAIN}")
        attribute = owner.attrs.get_id(name)
        kind, size = attribute.dtype.kind, attribute.dtype.itemsize
        text = h5py.check_string_dtype(attribute.dtype)
        is_fact = kind in "biuf" or (
            text is not None and text.length is not None
        )  # of other texts HDF5 may read for ever
        if attribute.shape != () or not is_fact or size > _FACT_BYTES:
            raise RepresentationError(
                f"{owner.file.filename}: the attribute {name} of {owner.name} is no number or text: {_AGAIN}"
            )
        value = owner.attrs[name]
        return value.decode() if isinstance(value, bytes) else value.item() if isinstance(value, np.generic) else value


def numbers(data: h5py.Dataset) -> np.ndarray:
    """All of a list of whole numbers."""
    with _explained(data):
        if data.ndim != 1 or data.dtype.kind not in "iu":
            _refuse(data, f"is of type {data.dtype} and shape {data.shape}; a list of whole numbers is expected")
        return data[:]


def seconds(data: h5py.Dataset) -> np.ndarray:
    """All of a list of times."""
    with _explained(data):
        if data.ndim != 1 or data.dtype.kind != "f":
            _refuse(data, f"is of type {data.dtype} and shape {data.shape}; a list of times is expected")
        return data[:]


def strings(data: h5py.Dataset) -> np.ndarray:
    """A list of texts as an array of str."""
    with _explained(data):
        if data.ndim != 1 or data.dtype.kind != "S":
            _refuse(data, f"is of type {data.dtype} and shape {data.shape}; a list of texts is expected")
        return data.asstr()[:].astype(str) if data.shape[0] else np.array([], dtype=str)


def rows(files: Sequence[h5py.File], path: str) -> Rows:
    """The matrix at `path` of all shards, as one view."""
    return Rows([dataset(file, path) for file in files])


def joined(files: Sequence[h5py.File], path: str) -> np.ndarray:
    """The numbers at `path` of all shards, in order."""
    return np.concatenate([numbers(dataset(file, path)) for file in files])


def joined_strings(files: Sequence[h5py.File], path: str) -> np.ndarray:
    """The text at `path` of all shards, in order."""
    return np.concatenate([strings(dataset(file, path)) for file in files])


def all_strings(files: Sequence[h5py.File], name: str) -> set[str]:
    """The text of every dataset `/<sample>/<span>/<name>`, of all samples and spans."""
    found: set[str] = set()
    for file in files:
        with _explained(file):
            paths = [
                layout.rows_path(sample, span, name) for sample in _groups(file, "") for span in _groups(file, sample)
            ]
            there = [path for path in paths if _link(file, path) is not None]
        found.update(*(strings(dataset(file, path)).tolist() for path in there))
    return found


def _groups(file: h5py.File, place: str) -> list[str]:
    """Names of the groups that lie at a place, links left out."""
    inside = [name for name in (file[place] if place else file) if "/" not in name]
    plain = [name for name in inside if _link(file, f"{place}/{name}".lstrip("/")) == h5py.h5l.TYPE_HARD]
    return [name for name in plain if isinstance(file[f"{place}/{name}"], h5py.Group)]


def _rounded(part: h5py.Dataset) -> np.dtype:
    with _explained(part):
        if "rounded" not in part.attrs:
            return part.dtype
        rounded = fact(part, "rounded")
        if rounded not in FLOATS:
            _refuse(part, f"was rounded to {rounded!r}; one of {', '.join(FLOATS)} is expected")
        return np.dtype(rounded)


class Rows:
    """The rows of one matrix in all shards, read like one dataset: `rows[start:stop]`.

    Attributes:
        shape: (rows, dimensions) of all shards together.
        dtype: float32 where a shard had to store the layer as such.
        attrs: `rounded`, the coarsest type that any row went through.
    """

    def __init__(self, parts: Sequence[h5py.Dataset]) -> None:
        self._parts = parts
        shapes, dtypes = [part.shape for part in parts], [part.dtype for part in parts]
        for part, shape, dtype in zip(parts, shapes, dtypes, strict=True):
            if len(shape) != 2 or dtype.kind != "f" or shape[1] != shapes[0][-1] or not shape[1]:
                wide = f" and {shapes[0][-1]} wide, as in {parts[0].file.filename}" if len(shape) == 2 else ""
                _refuse(part, f"is of type {dtype} and shape {shape}; a matrix of floats is expected{wide}")
        self._starts = np.cumsum([0, *(shape[0] for shape in shapes)])
        self.shape = (int(self._starts[-1]), shapes[0][1])
        self.dtype = np.result_type(*dtypes)
        through = [_rounded(part) for part in parts]
        self.attrs = {"rounded": min(through, key=lambda dtype: dtype.itemsize)}

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        pieces = [np.empty((0, self.shape[1]), self.dtype)]
        while start < stop:
            number = int(np.searchsorted(self._starts, start, side="right")) - 1
            first = start - self._starts[number]
            with _explained(self._parts[number]):
                pieces.append(self._parts[number][first : first + stop - start])
            start += len(pieces[-1])
        return pieces[1] if len(pieces) == 2 and pieces[1].dtype == self.dtype else np.concatenate(pieces)


class Rearranged:
    """The rows of a view in another order, read in slices too: row i is the view's row `places[i]`.

    Places close to each other, like those of one utterance, are read as one stretch of the view.

    Attributes:
        shape: (places, dimensions).
        dtype, attrs: as the view has them.
    """

    def __init__(self, view: Rows, places: np.ndarray) -> None:
        self._view = view
        self._places = places
        self.shape = (len(places), view.shape[1])
        self.dtype, self.attrs = view.dtype, view.attrs

    def __getitem__(self, rows: slice) -> np.ndarray:
        places = self._places[rows]
        steps = np.diff(places)
        ends = np.flatnonzero((steps < 0) | (steps > _WIDEST_STEP)) + 1
        found = np.empty((len(places), self.shape[1]), self.dtype)
        for stretch in np.split(np.arange(len(places)), ends) if len(places) else ():
            here = places[stretch]
            found[stretch] = self._view[here[0] : here[-1] + 1][here - here[0]]
        return found
