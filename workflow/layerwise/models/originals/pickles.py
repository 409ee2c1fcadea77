"""Files of torch, zipped or older: where tensors lie, and their values when asked for; nothing is run (`unpickler`).

The values of a tensor are read only when they are asked for: a plan needs no weights (nor torch), and the states of an
optimiser, twice the size of the model, stay on the disk. What a file declares is compared with what it has before
anything is made of it: places of tensors with their blocks, blocks with the file, shapes of arrays with their bytes.

`torch.load(weights_only=True)` (2.13) cannot read FaST-VGS's `args.pkl`, reads all weights, and allows calls that fill
memory (`bytearray(2 * 10**9)`).
"""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from layerwise.errors import shown
from layerwise.files.atomic import impostor
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain
from layerwise.models.originals.pickled_values import (
    STORAGES,
    NotRead,
    PickleError,
    RefusedCall,
    StoredTensor,
    UnsafePickleError,
)
from layerwise.models.originals.unpickler import Unpickler

if TYPE_CHECKING:
    import torch

# Without the numbers of tensors, which lie beside it: what fairseq saves of a large model, with the places of its
# optimiser's states and a dictionary of 50,000 words, is 2 MB. One byte can ask for 180 of memory.
PICKLE = Limit("LAYERWISE_MAX_PICKLE", 1 << 23, "bytes in its pickle")
# Of an archive of torch: 100 bytes for each block of numbers, of which models have a thousand, optimisers two more.
DIRECTORY = Limit("LAYERWISE_MAX_ARCHIVE_DIRECTORY", 1 << 24, "bytes in its directory")
# Tensors may be views of one block: tied weights twice of all of it, expanded ones many times of one number. More than
# a few times what the file has would only be memory that somebody else pays for.
SHARING = Limit("LAYERWISE_MAX_TENSOR_SHARING", 8, "times as many bytes in its tensors as it has itself")

_FIRST_BYTES = 1 << 18  # of a plain file, read before it is known where its pickle ends
_MAGIC = 0x1950A86A20F9469CFC6C  # what torch.save wrote first, before version 1.6 made archives


@dataclass(frozen=True)
class Pickled:
    """A pickled file.

    Attributes:
        content: what it holds: dict, list, tuple, set, str, bytes, numbers, arrays, `StoredTensor` and `Record`.
    """

    path: Path
    content: object
    _root: str = ""  # folder of the zip archive
    _places: Mapping[str, tuple[int, int]] | None = None  # where there is no archive: key → first byte, and bytes
    _size: int = 0  # bytes of the file

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, torch.Tensor]:
        """The values of tensors, by their names; in a zip archive, their checksums are compared.

        Raises:
            PickleError: the file is damaged, or its tensors have many times the bytes that it has.
        """
        import torch

        sizes = dict(STORAGES.values())
        whole = sum(math.prod(tensor.shape) * sizes[tensor.storage.dtype] for tensor in stored.values())
        SHARING.require(-(-whole // max(self._size, 1)), str(self.path), PickleError)
        storages = {tensor.storage.key: tensor.storage for tensor in stored.values()}
        with _explained(self.path):
            flat = {}
            for key, data in self._read(storages):
                dtype = getattr(torch, storages[key].dtype)
                if len(data) != storages[key].count * dtype.itemsize:
                    raise PickleError(
                        f"{self.path} is damaged: block {shown(key)} has {len(data)} bytes, "
                        f"{storages[key].count * dtype.itemsize} are expected"
                    )
                flat[key] = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
            return {
                name: torch.as_strided(flat[tensor.storage.key], tensor.shape, tensor.strides, tensor.offset)
                for name, tensor in stored.items()
            }

    def _read(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        if self._places is None:
            with open_plain(self.path) as file, zipfile.ZipFile(file) as archive:
                for key in keys:
                    yield key, archive.read(f"{self._root}/data/{key}")
            return
        with open_plain(self.path) as file:
            for key in keys:
                offset, size = self._places[key]
                file.seek(offset)
                yield key, file.read(size)


def read(path: Path) -> Pickled:
    """What a file of `pickle.dump` or of `torch.save`, in its present or its older format, holds.

    Raises:
        UnsafePickleError: it asks for something to be called.
        PickleError: it is absent, cut short, damaged, or no such file.
    """
    path = Path(path)
    with _explained(path), open_plain(path) as file:
        start = file.read(40)
        file.seek(0)
        if not start:
            raise PickleError(f"{path} is empty")
        if remark := impostor(start):
            raise PickleError(f"{path} cannot be read: it begins with {start!r}{remark}")
        if not start.startswith(b"PK"):
            return _read_plain(path, file)
        if not zipfile.is_zipfile(file):
            raise PickleError(f"{path} is cut short: it begins as a torch file, but lacks the end of one")
        return _read_archive(path, file)


class _Short:
    """A file of which no more than a little is read at once: the directory of an archive is."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        DIRECTORY.require(size, str(self._path), PickleError)
        return self._file.read(size)


def _read_archive(path: Path, file: BinaryIO) -> Pickled:
    """torch's format since 1.6: an uncompressed zip with a pickle, and each storage in a file of its own."""
    whole = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(_Short(path, file)) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickles = [name for name in entries if re.fullmatch(r"[^/]*/data\.pkl", name)]
        if len(pickles) != 1:
            raise PickleError(
                f"{path} is a zip archive, but none of torch.save: it holds "
                f"{', '.join(map(shown, list(entries)[:5]))}, …"
            )
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise PickleError(
                f"{path} is compressed: torch.save makes no such archive, and it could unpack to any size"
            )
        if len(entries) < len(archive.infolist()):
            raise PickleError(f"{path} is damaged: it holds two parts of one name")
        for entry in entries.values():
            if entry.file_size != entry.compress_size or entry.header_offset + entry.file_size > whole:
                raise PickleError(
                    f"{path} is damaged: {shown(entry.filename)} in it should have {entry.file_size} bytes, "
                    f"all of it has {whole}"
                )
        if sum(entry.file_size for entry in entries.values()) > whole:
            raise PickleError(f"{path} is damaged: its parts overlap")
        root = pickles[0].removesuffix("/data.pkl")
        order = entries.get(f"{root}/byteorder")
        if order and (order.file_size != len(b"little") or archive.read(order) != b"little"):
            raise PickleError(f"{path} was written on a big-endian machine: load and save it on a little-endian one")
        PICKLE.require(entries[pickles[0]].file_size, str(path), PickleError)
        unpickler = Unpickler(io.BytesIO(archive.read(pickles[0])))
        content = unpickler.load()
    sizes = dict(STORAGES.values())
    for storage in unpickler.storages.values():
        block = entries.get(f"{root}/data/{storage.key}")
        if block is None:
            raise PickleError(f"{path} is damaged: it lacks block {shown(storage.key)} of its numbers")
        if block.file_size != storage.count * sizes[storage.dtype]:
            raise PickleError(
                f"{path} is damaged: block {shown(storage.key)} has {block.file_size} bytes, "
                f"{storage.count * sizes[storage.dtype]} are expected"
            )
    return Pickled(path, content, _root=root, _size=whole)


def _read_plain(path: Path, file: BinaryIO) -> Pickled:
    """A plain pickle, or torch's older format: pickles of a magic number, a version, the system, the content and a list
    of storages, then for each storage its number of elements (8 bytes) and its bytes."""
    whole = os.fstat(file.fileno()).st_size
    start = io.BytesIO(file.read(_FIRST_BYTES))
    if whole > _FIRST_BYTES:
        try:
            return _read_start(path, file, start, whole)
        except Exception:  # perhaps only because the bytes end here: if not, it is raised again below
            start = io.BytesIO(start.getvalue() + file.read(PICKLE.value + 1 - _FIRST_BYTES))
    try:
        return _read_start(path, file, start, whole)
    except Exception:
        if whole > PICKLE.value and not start.read(1):
            PICKLE.require(whole, f"{path} without an end of its pickle", PickleError)
        raise


def _read_start(path: Path, file: BinaryIO, start: io.BytesIO, whole: int) -> Pickled:
    content = Unpickler(start).load()
    if not isinstance(content, int) or content != _MAGIC:
        return Pickled(path, content, _places={}, _size=whole)
    _version, system = Unpickler(start).load(), Unpickler(start).load()
    if not system["little_endian"]:
        raise PickleError(f"{path} was written on a big-endian machine: load and save it on a little-endian one")
    unpickler = Unpickler(start)
    content, keys = unpickler.load(), Unpickler(start).load()
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise ValueError("a list of blocks that is none")
    sizes = dict(STORAGES.values())
    places = {}
    file.seek(start.tell())
    for key in keys:
        storage = unpickler.storages[key]
        first, size = file.tell() + 8, storage.count * sizes[storage.dtype]
        count = file.read(8)  # fewer where the file ends, which is said below
        if len(count) == 8 and int.from_bytes(count, "little") != storage.count:
            raise PickleError(
                f"{path} is damaged: block {shown(key)} is of {int.from_bytes(count, 'little')} numbers, its "
                f"tensors are of a block of {storage.count}"
            )
        places[key] = (first, size)
        file.seek(first + size)
    missing = set(unpickler.storages) - set(places)
    if missing or file.tell() > whole:
        raise PickleError(f"{path} is cut short: {file.tell()} bytes are expected, it has {whole}")
    return Pickled(path, content, _places=places, _size=whole)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes the readers raise into an error that names the file."""
    try:
        yield
    except PickleError:
        raise
    except RefusedCall as call:
        raise UnsafePickleError(
            f"{path} is refused: it asks for a call of {call}, which could run anything and which no checkpoint needs; "
            "nothing of it was run. Get the file from its authors again, and compare its checksum"
        ) from None
    except NotRead as error:
        raise PickleError(f"{path} is refused: it holds {error}") from None
    except OSError as error:
        raise PickleError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # an unpickler raises almost any kind on damaged bytes
        raise PickleError(
            f"{path} cannot be read: it is cut short, damaged, or no file of pickle.dump or torch.save "
            f"({type(error).__name__}: {error})"
        ) from error
