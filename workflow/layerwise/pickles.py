"""Pickled files, torch's among them, read without running anything that they say.

A pickle is a program: it may name any function of any module and have it called. Here no name is ever looked up outside
this file: a short table builds containers, numbers, arrays and descriptions of tensors, an object of any other class
becomes a `Record` of what it was given, and a call of anything else is refused by name. `torch.load(weights_only=True)`
would refuse the original checkpoints that hold an argparse.Namespace, omegaconf or fairseq objects; so one reader, as
strict, serves them all. It reads the values of a tensor only when they are asked for: a plan needs no weights (nor
torch), and the states of an optimiser, twice the size of the model, stay on the disk.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from layerwise.errors import LayerwiseError
from layerwise.files import impostor

if TYPE_CHECKING:
    import torch


class PickleError(LayerwiseError):
    """A pickled file is absent, damaged, or of a kind that cannot be read."""


class UnsafePickleError(PickleError):
    """A pickled file asks for something to be called that no checkpoint needs."""


class _ForeignClass(type):
    """What a name in a pickle stands for, never the thing itself; its call is refused, unless it only holds data."""

    name: str
    written: str

    def __call__(cls, *args):
        if not _DATA_CALLS.fullmatch(cls.name):
            raise _RefusedCall(cls.written if cls.written == cls.name else f"{cls.name} (written {cls.written})")
        return cls.__new__(cls, *args)


class Record(metaclass=_ForeignClass):
    """An object of a class that is not built.

    Attributes:
        name: of the class, with its module.
        args: what it would have been made from.
        state: what would have been its attributes, where it has any.
        elements, items: what would have been appended, as to a list, or set, as in a dict.
    """

    __slots__ = ("args", "elements", "items", "state")
    name = written = ""

    def __new__(cls, *args, **_kwargs):
        record = object.__new__(cls)
        record.args, record.state, record.elements, record.items = args, None, [], {}
        return record

    def __setstate__(self, state) -> None:
        # Attributes of a class with __slots__ come second in a pair.
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = {**(state[0] or {}), **state[1]}
        self.state = state

    def append(self, element) -> None:
        self.elements.append(element)

    def extend(self, elements) -> None:
        self.elements.extend(elements)

    def __setitem__(self, key, value) -> None:
        self.items[key] = value

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Storage(NamedTuple):
    """A block of numbers in a file: its key there, their torch dtype, and how many."""

    key: str
    dtype: str
    count: int


class StoredTensor(NamedTuple):
    """A tensor whose values are still in the file: element (i, j, …) is number offset + i·strides[0] + j·strides[1]…"""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


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

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, torch.Tensor]:
        """The values of tensors, by their names; in a zip archive, their checksums are compared.

        Raises:
            PickleError: the file is damaged.
        """
        import torch

        storages = {tensor.storage.key: tensor.storage for tensor in stored.values()}
        with _explained(self.path):
            flat = {}
            for key, data in self._read(storages):
                dtype = getattr(torch, storages[key].dtype)
                if len(data) != storages[key].count * dtype.itemsize:
                    raise PickleError(
                        f"{self.path} is damaged: block {key} has {len(data)} bytes, "
                        f"{storages[key].count * dtype.itemsize} are expected"
                    )
                flat[key] = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
            return {
                name: torch.as_strided(flat[tensor.storage.key], tensor.shape, tensor.strides, tensor.offset)
                for name, tensor in stored.items()
            }

    def _read(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        if self._places is None:
            with zipfile.ZipFile(self.path) as archive:
                for key in keys:
                    yield key, archive.read(f"{self._root}/data/{key}")
            return
        with self.path.open("rb") as file:
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
    with _explained(path):
        with path.open("rb") as file:
            start = file.read(40)
            file.seek(0)
            if not start:
                raise PickleError(f"{path} is empty")
            if remark := impostor(start):
                raise PickleError(f"{path} cannot be read: it begins with {start!r}{remark}")
            if not start.startswith(b"PK"):
                return _read_plain(path, file)
        if not zipfile.is_zipfile(path):
            raise PickleError(f"{path} is cut short: it begins as a torch file, but lacks the end of one")
        return _read_archive(path)


# The calls that are answered: by what they mean, in this file's own terms.

_BUILDERS = {
    "collections.OrderedDict": "_dictionary",
    "collections.Counter": "_dictionary",
    "collections.defaultdict": "_default_dictionary",
    "collections.deque": "_list",
    "builtins.set": "_set",
    "builtins.frozenset": "_frozen_set",
    "builtins.complex": "_complex",
    "builtins.bytes": "_bytes",
    "builtins.bytearray": "_bytes",
    "_codecs.encode": "_bytes",
    "copyreg._reconstructor": "_object",
    "numpy.dtype": "_dtype",
    "numpy.core.multiarray._reconstruct": "_array",
    "numpy.core.multiarray.scalar": "_scalar",
    "numpy.core.numeric._frombuffer": "_array_of_buffer",
    "torch.Size": "_tuple",
    "torch._utils._rebuild_tensor": "_tensor",
    "torch._utils._rebuild_tensor_v2": "_tensor",
    "torch._utils._rebuild_parameter": "_parameter",
}

# Calls that become records. The list decides whether a file is refused, not whether it is safe: none of them is made.
_DATA_CALLS = re.compile(
    r"argparse\.Namespace"
    r"|(fairseq|omegaconf|hydra)\.([a-z_0-9]+\.)*[A-Z]\w*"  # classes; most are enumerations
    r"|pathlib\.(Pure)?(Posix|Windows)?Path"
    r"|datetime\.(date|datetime|time|timedelta|timezone)"
    r"|operator\.getitem"  # how typing.List[int] is written, which omegaconf keeps
    r"|torch\.device|torch\._utils\._rebuild_\w+"
)

# What versions of Python and systems call otherwise.
_RENAMED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "posix": "os",
    "nt": "os",
    "_operator": "operator",
    "pathlib._local": "pathlib",
}

_MAGIC = 0x1950A86A20F9469CFC6C  # what torch.save wrote first, before version 1.6 made archives

_STORAGES = {
    "FloatStorage": ("float32", 4),
    "DoubleStorage": ("float64", 8),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "UntypedStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
    "ComplexFloatStorage": ("complex64", 8),
    "ComplexDoubleStorage": ("complex128", 16),
}


class _RefusedCall(Exception):
    """Carries the name of what was to be called through the unpickler."""


class _Dictionary(dict):
    """What any kind of dict becomes; its attributes, such as the _metadata of a state dict, are of no use here."""

    def __setstate__(self, state) -> None:
        pass


class _Dtype:
    """A numpy dtype: the kinds of numbers and text, and nothing with a structure of its own."""

    __slots__ = ("byte_order", "name")

    def __init__(self, name: str) -> None:
        self.name, self.byte_order = name, "="

    def __setstate__(self, state: tuple) -> None:
        self.byte_order = state[1]

    def resolved(self) -> np.dtype:
        if re.fullmatch(r"O\d*", self.name):
            return np.dtype(object)
        if not re.fullmatch(r"[biufcSU]\d{1,6}", self.name) or self.byte_order not in ("<", ">", "=", "|"):
            raise ValueError(f"an array of {self.name}")
        return np.dtype(self.name).newbyteorder(self.byte_order)


class _Array(np.ndarray):
    """A numpy array that is filled after it is made, as pickles do."""

    def __setstate__(self, state: tuple) -> None:
        _version, shape, dtype, fortran, data = state
        super().__setstate__((1, shape, dtype.resolved(), fortran, data))


class _Unpickler(pickle._Unpickler):
    """Builds data, and records of all else. Builders are bound methods: a pickle cannot change them.

    Python's own unpickler in Python: the one in C makes room for whatever number of objects a damaged file names.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}
        self._classes: dict[str, _ForeignClass] = {}

    def find_class(self, module: str, name: str):
        written = f"{module}.{name}"
        module = re.sub(r"^numpy\._core", "numpy.core", _RENAMED.get(module, module))
        known = f"{module}.{name}"
        if known in _BUILDERS:
            return getattr(self, _BUILDERS[known])
        if written not in self._classes:
            parts = {"__slots__": (), "name": known, "written": written}
            self._classes[written] = _ForeignClass("Record", (Record,), parts)
        return self._classes[written]

    def persistent_load(self, reference: tuple) -> object:
        kind, storage_class, key, _device, count, *view = reference
        if kind != "storage" or any(part is not None for part in view):
            raise ValueError(f"a reference to a {kind} outside the pickle")
        dtype, _size = _STORAGES[storage_class.name.rpartition(".")[2]]
        return self.storages.setdefault(str(key), Storage(str(key), dtype, int(count)))

    def _dictionary(self, items=(), *_options) -> _Dictionary:
        return _Dictionary(items)

    def _default_dictionary(self, *_options) -> _Dictionary:
        return _Dictionary()

    def _list(self, items=(), *_options) -> list:
        return list(items)

    def _tuple(self, items=()) -> tuple:
        return tuple(items)

    def _set(self, items=()) -> set:
        return set(items)

    def _frozen_set(self, items=()) -> frozenset:
        return frozenset(items)

    def _complex(self, real: float, imaginary: float) -> complex:
        return complex(real, imaginary)

    def _bytes(self, text: bytes | str = b"", encoding: str = "latin1") -> bytes:
        """Protocols below 3 write bytes as text."""
        if isinstance(text, str) and encoding in ("latin1", "latin-1"):
            return text.encode("latin1")
        if isinstance(text, bytes):
            return text
        raise ValueError(f"bytes of {type(text).__name__} in {encoding}")

    def _object(self, cls: _ForeignClass, _base, _state=None) -> Record:
        return Record.__new__(cls)

    def _dtype(self, name: str, *_options) -> _Dtype:
        return _Dtype(name)

    def _array(self, *_options) -> _Array:
        return np.ndarray.__new__(_Array, 0, np.uint8)

    def _scalar(self, dtype: _Dtype, data: object = b""):
        resolved = dtype.resolved()
        return data if resolved.hasobject else np.frombuffer(data, resolved, count=1)[0]

    def _array_of_buffer(self, data: bytes, dtype: _Dtype, shape: tuple, order: str, *_options) -> np.ndarray:
        return np.frombuffer(data, dtype.resolved()).reshape(shape, order=order)

    def _tensor(self, storage: Storage, offset: int, shape: tuple, strides: tuple, *_options) -> StoredTensor:
        if not isinstance(storage, Storage):
            raise TypeError("a tensor without a storage")
        return StoredTensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))

    def _parameter(self, tensor: StoredTensor, *_options) -> StoredTensor:
        return tensor


# The three kinds of files


def _read_archive(path: Path) -> Pickled:
    """torch's format since 1.6: an uncompressed zip with a pickle, and each storage in a file of its own."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if re.fullmatch(r"[^/]*/data\.pkl", name)]
        if len(pickles) != 1:
            raise PickleError(f"{path} is a zip archive, but none of torch.save: it holds {', '.join(names[:5])}, …")
        root = pickles[0].removesuffix("/data.pkl")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise PickleError(
                f"{path} is compressed: torch.save makes no such archive, and it could unpack to any size"
            )
        if f"{root}/byteorder" in names and archive.read(f"{root}/byteorder") != b"little":
            raise PickleError(f"{path} was written on a big-endian machine: load and save it on a little-endian one")
        content = _Unpickler(io.BytesIO(archive.read(pickles[0]))).load()
    return Pickled(path, content, _root=root)


def _read_plain(path: Path, file: BinaryIO) -> Pickled:
    """A plain pickle, or torch's older format: pickles of a magic number, a version, the system, the content and a list
    of storages, then for each storage its number of elements (8 bytes) and its bytes."""
    content = _Unpickler(file).load()
    if not isinstance(content, int) or content != _MAGIC:
        return Pickled(path, content, _places={})
    _version, system = _Unpickler(file).load(), _Unpickler(file).load()
    if not system["little_endian"]:
        raise PickleError(f"{path} was written on a big-endian machine: load and save it on a little-endian one")
    unpickler = _Unpickler(file)
    content = unpickler.load()
    sizes = dict(_STORAGES.values())
    places = {}
    for key in map(str, _Unpickler(file).load()):
        storage = unpickler.storages[key]
        first, size = file.tell() + 8, storage.count * sizes[storage.dtype]
        count = file.read(8)  # fewer where the file ends, which is said below
        if len(count) == 8 and int.from_bytes(count, "little") != storage.count:
            raise PickleError(
                f"{path} is damaged: block {key} is of {int.from_bytes(count, 'little')} numbers, its tensors are of a "
                f"block of {storage.count}"
            )
        places[key] = (first, size)
        file.seek(first + size)
    missing, whole = set(unpickler.storages) - set(places), os.fstat(file.fileno()).st_size
    if missing or file.tell() > whole:
        raise PickleError(f"{path} is cut short: {file.tell()} bytes are expected, it has {whole}")
    return Pickled(path, content, _places=places)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes the readers raise into an error that names the file."""
    try:
        yield
    except PickleError:
        raise
    except _RefusedCall as call:
        raise UnsafePickleError(
            f"{path} is refused: it asks for a call of {call}, which could run anything and which no checkpoint needs; "
            "nothing of it was run. Get the file from its authors again, and compare its checksum"
        ) from None
    except OSError as error:
        raise PickleError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # an unpickler raises almost any kind on damaged bytes
        raise PickleError(
            f"{path} cannot be read: it is cut short, damaged, or no file of pickle.dump or torch.save "
            f"({type(error).__name__}: {error})"
        ) from error
