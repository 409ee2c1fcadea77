"""Pickled files, torch's among them, read without running anything that they say.

A pickle is a program: it may name any function of any module and have it called. Here no name is ever looked up outside
this file: a short table builds containers, numbers, arrays and descriptions of tensors, an object of any other class
becomes a `Record` of what it was given, and a call of anything else is refused by name. `torch.load(weights_only=True)`
would refuse the original checkpoints that hold an argparse.Namespace, omegaconf or fairseq objects; so one reader, as
strict, serves them all. It reads the values of a tensor only when they are asked for: a plan needs no weights (nor
torch), and the states of an optimiser, twice the size of the model, stay on the disk.

What a file declares is compared with what it has before anything is made of it: places of tensors with their blocks,
blocks with the file, shapes of arrays with their bytes. What is built is no larger than what was written for it, so
that its size in memory is that of the pickle times a constant, and its keys are of kinds that are soon compared.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple

import numpy as np

from layerwise.errors import LayerwiseError, shown
from layerwise.files.atomic import impostor
from layerwise.files.limits import Limit
from layerwise.files.plain_files import open_plain

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

_DIMENSIONS = 64  # the most that torch has
_CLASSES = 1000  # different ones that a file names: checkpoints name some dozens
_NAME = 250  # characters of a class and its module
_WHOLE_BITS = 4096  # of a whole number: states of random generators have 32, the mark of a torch file 80
_KEY_BITS = 60  # of a whole number that is a key
_KEY_PARTS = 16  # of a tuple that is a key
_OTHER_KEYS = 100_000  # that are no text: optimisers have a thousand whole numbers, dictionaries some thousand
_TUPLE = 20  # as many of them as a tuple is: it can be made to have any hash
_SET = 16  # bytes that a set, even an empty one, counts as: it takes 230 of memory, a list or a dict 80
_FIRST_BYTES = 1 << 18  # of a plain file, read before it is known where its pickle ends


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
            written = "" if cls.written == cls.name else f" (written {shown(cls.written)})"
            raise _RefusedCall(shown(cls.name) + written)
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

    def __new__(cls, *args):
        record = object.__new__(cls)
        record.args, record.state, record.elements, record.items = args, None, [], {}
        return record

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
    _size: int = 0  # bytes of the file

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, torch.Tensor]:
        """The values of tensors, by their names; in a zip archive, their checksums are compared.

        Raises:
            PickleError: the file is damaged, or its tensors have many times the bytes that it has.
        """
        import torch

        sizes = dict(_STORAGES.values())
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


_SEQUENCES = (list, tuple)
# What may be a key of a dict or an element of a set, and a part of a tuple that is one.
_PARTS = (str, bytes, int, np.integer, np.bool_)
_KEYS = (*_PARTS, float, _ForeignClass, Record)


class _RefusedCall(Exception):
    """Carries the name of what was to be called through the unpickler."""


class _NotRead(Exception):
    """Says what a pickle holds that is not read, whole as it may be."""


class _Dictionary(dict):
    """What any kind of dict becomes."""


class _Dtype:
    """A numpy dtype: the kinds of numbers and text, and nothing with a structure of its own."""

    __slots__ = ("byte_order", "name")

    def __init__(self, name: str) -> None:
        self.name, self.byte_order = name, "="

    def fill(self, state: object) -> None:
        if type(state) is not tuple or len(state) < 2 or type(state[1]) is not str:
            raise TypeError("a dtype without a byte order")
        self.byte_order = state[1]

    def resolved(self) -> np.dtype:
        if re.match("O", self.name):
            raise _NotRead("a numpy array of objects, which could name any place in memory, and which no layer needs")
        if not re.fullmatch(r"[biufcSU][1-9][0-9]{0,5}", self.name) or self.byte_order not in ("<", ">", "=", "|"):
            raise _NotRead(f"an array of {shown(self.name)}, which is not read")
        return np.dtype(self.name).newbyteorder(self.byte_order)


class _Array(np.ndarray):
    """A numpy array that is filled after it is made, once, as pickles do."""


_UNFILLED = np.dtype("V1")  # which nothing is filled with


class _Unpickler(pickle._Unpickler):
    """Builds data, and records of all else. Builders are bound methods: a pickle cannot change them.

    Python's own unpickler in Python: the one in C makes room for whatever number of objects a damaged file names. What
    it would do to objects by their own methods is done here to those that a pickle may fill, and to no others.
    """

    # Those of Python's own that only put data on the stack, or take it off; what fills or calls anything is below.
    # Others are not served: numbers for names that a program has agreed on with itself, names of things outside as
    # text, and buffers, of which a pickle could keep a view after it has freed them.
    dispatch: ClassVar = {
        opcode[0]: pickle._Unpickler.dispatch[opcode[0]]
        for opcode in (
            *(pickle.MARK, pickle.STOP, pickle.POP, pickle.POP_MARK, pickle.DUP),
            *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
            *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.FLOAT, pickle.BINFLOAT),
            *(pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING),
            *(pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8),
            *(pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8),
            *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
            *(pickle.EMPTY_LIST, pickle.LIST, pickle.EMPTY_DICT),
            *(pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE),
            *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID),
        )
    }

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}
        self._classes: dict[str, _ForeignClass] = {}
        # What builders copy was written for them, each element in a byte or more, and is copied once or twice: bytes as
        # text, and into an array. Only what is written once and named many times is more.
        self._left = 4 * len(file.getbuffer()) + 1000
        self._keys_left = _OTHER_KEYS

    def find_class(self, module: str, name: str):
        if len(module) + len(name) > _NAME:  # which could be written once and put together very many times
            raise _NotRead(f"the name of a class of {len(module) + len(name)} characters, which is not read")
        written = f"{module}.{name}"
        module = re.sub(r"^numpy\._core", "numpy.core", _RENAMED.get(module, module))
        known = f"{module}.{name}"
        if known in _BUILDERS:
            return getattr(self, _BUILDERS[known])
        if written not in self._classes:
            if len(self._classes) == _CLASSES:
                raise _NotRead(f"the names of more than {_CLASSES} classes")
            parts = {"__slots__": (), "name": known, "written": written}
            self._classes[written] = _ForeignClass("Record", (Record,), parts)
        return self._classes[written]

    def persistent_load(self, reference: tuple) -> object:
        if type(reference) is not tuple or not 5 <= len(reference) <= 6 or reference[5:] not in ((), (None,)):
            raise ValueError("a reference to something outside the pickle that is no block of numbers")
        kind, storage_class, key, _device, count = reference[:5]
        if kind != "storage" or type(key) is not str or not isinstance(storage_class, _ForeignClass):
            raise ValueError("a reference to something outside the pickle that is no block of numbers")
        if type(count) is not int or count < 0:
            raise ValueError(f"block {shown(key)} of so many numbers: {_short(count)}")
        storage_name = storage_class.name.rpartition(".")[2]
        if storage_name not in _STORAGES:
            raise _NotRead(f"numbers of the kind {shown(storage_name)}, which is not read")
        storage = Storage(key, _STORAGES[storage_name][0], count)
        known = self.storages.setdefault(key, storage)
        if known is not storage and known != storage:
            raise ValueError(f"block {shown(key)} is of {count} {storage.dtype} here, of other numbers before")
        return known

    def load_proto(self) -> None:
        super().load_proto()
        if self.proto < 4:  # without frames, the file itself is as good, and soon read
            self.read, self.readline = self._file_read, self._file_readline

    dispatch[pickle.PROTO[0]] = load_proto

    def load_frame(self) -> None:
        if self.proto < 4:
            raise ValueError("a frame in a protocol without them")
        super().load_frame()

    dispatch[pickle.FRAME[0]] = load_frame

    # What fills an object that is there already

    def load_build(self) -> None:
        state = self.stack.pop()
        filled = self.stack[-1]
        if isinstance(filled, _Array):
            if filled.dtype != _UNFILLED:
                raise ValueError("an array that is filled twice")
            if type(state) is not tuple or len(state) != 5:
                raise TypeError("an array that is not made of a shape and bytes")
            _version, shape, dtype, column_first, data = state
            array = self._numbers(data, dtype, shape, bool(column_first))
            # The very object, as others may hold it already. All of this state is checked.
            np.ndarray.__setstate__(filled, (1, array.shape, array.dtype, bool(column_first), bytes(data)))
        elif isinstance(filled, Record):
            filled.state = self._attributes(state)
        elif isinstance(filled, _Dtype):
            filled.fill(state)
        elif not isinstance(filled, _Dictionary):  # its attributes, such as the _metadata of a state dict, have no use
            raise TypeError(f"attributes of {type(filled).__name__}")

    dispatch[pickle.BUILD[0]] = load_build

    def _attributes(self, state: object) -> object:
        """Attributes of a class with __slots__ come second in a pair."""
        if not (type(state) is tuple and len(state) == 2 and type(state[1]) is dict):
            return state
        first = {} if state[0] is None else state[0]
        if type(first) is not dict:
            return state
        self._spend(len(first) + len(state[1]))
        if not all(type(name) is str for part in (first, state[1]) for name in part):
            raise TypeError("attributes without names")
        return {**first, **state[1]}

    def load_setitem(self) -> None:
        value = self.stack.pop()
        self._set_items([self.stack.pop(), value])

    dispatch[pickle.SETITEM[0]] = load_setitem

    def load_setitems(self) -> None:
        items = self.pop_mark()  # before the stack is looked at, which it changes
        self._set_items(items)

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set_items(items)

    dispatch[pickle.DICT[0]] = load_dict

    def _set_items(self, items: list) -> None:
        filled = self.stack[-1]
        if not isinstance(filled, dict):
            if not isinstance(filled, Record):
                raise TypeError(f"items of {type(filled).__name__}")
            filled = filled.items
        for i in range(0, len(items), 2):
            key = items[i]
            filled[key if type(key) is str else self._key(key)] = items[i + 1]

    def load_append(self) -> None:
        element = self.stack.pop()
        self._list_on_top().append(element)

    dispatch[pickle.APPEND[0]] = load_append

    def load_appends(self) -> None:
        elements = self.pop_mark()
        self._list_on_top().extend(elements)

    dispatch[pickle.APPENDS[0]] = load_appends

    def _list_on_top(self) -> list:
        filled = self.stack[-1]
        if isinstance(filled, Record):
            return filled.elements
        if not isinstance(filled, list):
            raise TypeError(f"elements of {type(filled).__name__}")
        return filled

    def load_additems(self) -> None:
        elements = self.pop_mark()
        filled = self.stack[-1]
        if not isinstance(filled, set):
            raise TypeError(f"elements of {type(filled).__name__}")
        filled.update(map(self._key, elements))

    dispatch[pickle.ADDITEMS[0]] = load_additems

    def load_frozenset(self) -> None:
        elements = self.pop_mark()
        self.append(self._frozen_set(elements))

    dispatch[pickle.FROZENSET[0]] = load_frozenset

    def load_empty_set(self) -> None:
        self._spend(_SET)
        self.append(set())

    dispatch[pickle.EMPTY_SET[0]] = load_empty_set

    # What calls

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self._call(self.stack.pop(), arguments)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_obj(self) -> None:
        called, *arguments = self.pop_mark()
        self._call(called, tuple(arguments))

    dispatch[pickle.OBJ[0]] = load_obj

    def _instantiate(self, called: object, arguments: list) -> None:
        self._call(called, tuple(arguments))

    dispatch[pickle.INST[0]] = pickle._Unpickler.load_inst

    def _call(self, called: object, arguments: object) -> None:
        if type(arguments) is not tuple:
            raise TypeError(f"a call with {type(arguments).__name__}")
        self._spend(len(arguments))
        if not (isinstance(called, _ForeignClass) or (type(called) is MethodType and called.__self__ is self)):
            raise TypeError(f"a call of {type(called).__name__}")
        self.append(called(*arguments))

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        self._make(self.stack.pop(), arguments, {})

    dispatch[pickle.NEWOBJ[0]] = load_newobj

    def load_newobj_ex(self) -> None:
        named, arguments = self.stack.pop(), self.stack.pop()
        self._make(self.stack.pop(), arguments, named)

    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex

    def _make(self, cls: object, arguments: object, named: object) -> None:
        if not (isinstance(cls, _ForeignClass) and type(arguments) is tuple and isinstance(named, dict)):
            raise TypeError(f"an object of {type(cls).__name__}")
        self._spend(len(arguments))
        self.append(cls.__new__(cls, *arguments))  # nothing here asks for what has names

    # What has a size of its own

    def load_bytearray8(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))  # no more than there is

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def load_put(self) -> None:
        number = int(self.readline()[:-1])
        if not 0 <= number < 1 << 32:
            raise ValueError("a number of an object that none has")
        self.memo[number] = self.stack[-1]

    dispatch[pickle.PUT[0]] = load_put

    def _load_whole(self, load) -> None:
        load(self)
        if self.stack[-1].bit_length() > _WHOLE_BITS:
            raise _NotRead(f"a whole number of {self.stack[-1].bit_length()} bits, which is not read")

    def load_int(self) -> None:
        self._load_whole(pickle._Unpickler.load_int)

    dispatch[pickle.INT[0]] = load_int

    def load_long(self) -> None:
        self._load_whole(pickle._Unpickler.load_long)

    dispatch[pickle.LONG[0]] = load_long

    def load_long4(self) -> None:
        self._load_whole(pickle._Unpickler.load_long4)

    dispatch[pickle.LONG4[0]] = load_long4

    def _spend(self, copied: int) -> None:
        self._left -= copied
        if self._left < 0:
            raise _NotRead("what takes many times its own bytes in memory")

    def _numbers(self, data: object, dtype: object, shape: object, column_first: bool) -> np.ndarray:
        """A numpy array of bytes that are as many as its shape asks for: numpy itself reads on beyond too few."""
        if not isinstance(dtype, _Dtype):
            raise TypeError("an array without a dtype")
        kind = dtype.resolved()
        if not (type(data) in (bytes, bytearray) and isinstance(shape, tuple)):
            raise TypeError("an array that is not made of a shape and bytes")
        if len(shape) > _DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
            raise ValueError(f"an array of the shape {shape[: _DIMENSIONS + 1]}")
        if math.prod(shape) * kind.itemsize != len(data):
            raise ValueError(f"an array of the shape {shape}, {kind.itemsize} bytes each, in {len(data)} bytes")
        self._spend(len(data))
        flat = np.ndarray(len(data) // kind.itemsize, kind, data)  # of no number too it has no memory of its own
        if kind.kind == "U" and flat.size and flat.view(np.dtype("u4").newbyteorder(kind.byteorder)).max() > 0x10FFFF:
            raise ValueError("an array of text with characters that no text has")
        return flat.reshape(shape, order="F" if column_first else "C")

    def _key(self, key: object) -> object:
        """A key or an element of a set, of the kinds that checkpoints have.

        Tuples in tuples are refused: to hash one, Python walks all of it each time, and walks a part that it holds
        twice, twice. Only text and bytes are hashed differently in each process. Other keys a file can choose so that
        all have one hash, and each new one is then compared with all before: so their number is bounded.
        """
        if isinstance(key, str | bytes):
            return key
        inside = type(key) is tuple
        if inside and len(key) > _KEY_PARTS:
            raise _NotRead(f"a key of the kind tuple, of {len(key)} parts, which is not read")
        for part in key if inside else (key,):
            if not (part is None or isinstance(part, _PARTS if inside else _KEYS)):
                kind = f"tuple with {type(part).__name__}" if inside else type(key).__name__
                raise _NotRead(f"a key of the kind {shown(kind)}, which is not read")
            # The same number is the hash of whole numbers that are this far apart.
            if isinstance(part, int | np.integer) and int(part).bit_length() > _KEY_BITS:
                raise _NotRead("a whole number as a key that is beyond all counts, which is not read")
        self._keys_left -= _TUPLE if inside else 1
        if self._keys_left < 0:
            raise _NotRead("more keys that are no text than are read")
        return key

    # Builders

    def _dictionary(self, items: object = (), *_options) -> _Dictionary:
        if isinstance(items, dict):
            self._spend(len(items))
            return _Dictionary((self._key(key), value) for key, value in items.items())
        pairs = self._elements(items)
        if not all(type(pair) in _SEQUENCES and len(pair) == 2 for pair in pairs):
            raise TypeError("a dictionary of what is no pairs")
        return _Dictionary((self._key(key), value) for key, value in pairs)

    def _default_dictionary(self, *_options) -> _Dictionary:
        return _Dictionary()

    def _elements(self, elements: object) -> list | tuple:
        if type(elements) not in _SEQUENCES:
            raise TypeError(f"elements in {type(elements).__name__}")
        self._spend(len(elements))
        return elements

    def _list(self, items: object = (), *_options) -> list:
        return list(self._elements(items))

    def _tuple(self, items: object = ()) -> tuple:
        return tuple(self._elements(items))

    def _set(self, items: object = ()) -> set:
        self._spend(_SET)
        return set(map(self._key, self._elements(items)))

    def _frozen_set(self, items: object = ()) -> frozenset:
        return frozenset(self._set(items))

    def _complex(self, real: float, imaginary: float) -> complex:
        if not (isinstance(real, int | float) and isinstance(imaginary, int | float)):
            raise TypeError("a complex number of what is no number")
        return complex(real, imaginary)

    def _bytes(self, text: bytes | str = b"", encoding: str = "latin1") -> bytes:
        """Protocols below 3 write bytes as text."""
        if isinstance(text, str) and encoding in ("latin1", "latin-1"):
            self._spend(len(text))
            return text.encode("latin1")
        if isinstance(text, bytes):
            return text
        raise ValueError(f"bytes of {type(text).__name__}")

    def _object(self, cls: _ForeignClass, _base, _state=None) -> Record:
        if not isinstance(cls, _ForeignClass):
            raise TypeError(f"an object of {type(cls).__name__}")
        return Record.__new__(cls)

    def _dtype(self, name: str, *_options) -> _Dtype:
        if not isinstance(name, str):
            raise TypeError("a dtype without a name")
        return _Dtype(name)

    def _array(self, *_options) -> _Array:
        return np.ndarray.__new__(_Array, 0, _UNFILLED)

    def _scalar(self, dtype: _Dtype, data: bytes = b""):
        array = self._numbers(data, dtype, (1,), column_first=False)
        return array[0]

    def _array_of_buffer(self, data: bytes, dtype: _Dtype, shape: tuple, order: str, *_options) -> np.ndarray:
        return self._numbers(data, dtype, shape, column_first=order == "F")

    def _tensor(self, storage: Storage, offset: int, shape: tuple, strides: tuple, *_options) -> StoredTensor:
        if not isinstance(storage, Storage):
            raise TypeError("a tensor without a storage")
        if not (type(shape) in _SEQUENCES and type(strides) in _SEQUENCES):
            raise TypeError("a tensor without a shape and strides")
        if len(shape) != len(strides) or len(shape) > _DIMENSIONS:
            raise ValueError(f"a tensor of {len(shape)} dimensions, {len(strides)} of them with a stride")
        self._spend(2 * len(shape))
        shape, strides, last = tuple(shape), tuple(strides), offset
        for number in (offset, *shape, *strides):
            if type(number) is not int or number < 0:
                raise ValueError(f"a tensor of the shape {_short(shape)}, from {_short(offset)} by {_short(strides)}")
        for size, step in zip(shape, strides):  # noqa: B905 (as many, and this is done for every tensor)
            last += (size - 1) * step
        if last >= storage.count and 0 not in shape:
            raise ValueError(
                f"a tensor that ends at number {last} of block {shown(storage.key)}, which has {storage.count}"
            )
        return StoredTensor(storage, offset, shape, strides)

    def _parameter(self, tensor: StoredTensor | Record, *_options) -> StoredTensor | Record:
        if not isinstance(tensor, StoredTensor | Record):
            raise TypeError(f"a parameter of {type(tensor).__name__}")
        return tensor


def _short(value: object) -> str:
    """A number or some numbers for a message; anything else by its kind."""
    numbers = value if isinstance(value, tuple) and len(value) <= _DIMENSIONS else (value,)
    return str(value) if all(isinstance(number, int) for number in numbers) else type(value).__name__


# The three kinds of files


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
        unpickler = _Unpickler(io.BytesIO(archive.read(pickles[0])))
        content = unpickler.load()
    sizes = dict(_STORAGES.values())
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
    content = _Unpickler(start).load()
    if not isinstance(content, int) or content != _MAGIC:
        return Pickled(path, content, _places={}, _size=whole)
    _version, system = _Unpickler(start).load(), _Unpickler(start).load()
    if not system["little_endian"]:
        raise PickleError(f"{path} was written on a big-endian machine: load and save it on a little-endian one")
    unpickler = _Unpickler(start)
    content, keys = unpickler.load(), _Unpickler(start).load()
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise ValueError("a list of blocks that is none")
    sizes = dict(_STORAGES.values())
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
    except _RefusedCall as call:
        raise UnsafePickleError(
            f"{path} is refused: it asks for a call of {call}, which could run anything and which no checkpoint needs; "
            "nothing of it was run. Get the file from its authors again, and compare its checksum"
        ) from None
    except _NotRead as error:
        raise PickleError(f"{path} is refused: it holds {error}") from None
    except OSError as error:
        raise PickleError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # an unpickler raises almost any kind on damaged bytes
        raise PickleError(
            f"{path} cannot be read: it is cut short, damaged, or no file of pickle.dump or torch.save "
            f"({type(error).__name__}: {error})"
        ) from error
