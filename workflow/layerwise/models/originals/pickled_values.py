"""What a pickle is read into: records, tensors that are still in the file, arrays, and how a refusal is carried."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from layerwise.errors import LayerwiseError, shown

DIMENSIONS = 64  # the most that torch has

# Calls that become records. The list decides whether a file is refused, not whether it is safe: none of them is made.
DATA_CALLS = re.compile(
    r"argparse\.Namespace"
    r"|(fairseq|omegaconf|hydra)\.([a-z_0-9]+\.)*[A-Z]\w*"  # classes; most are enumerations
    r"|pathlib\.(Pure)?(Posix|Windows)?Path"
    r"|datetime\.(date|datetime|time|timedelta|timezone)"
    r"|operator\.getitem"  # how typing.List[int] is written, which omegaconf keeps
    r"|torch\.device|torch\._utils\._rebuild_\w+"
)

STORAGES = {
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


class PickleError(LayerwiseError):
    """A pickled file is absent, damaged, or of a kind that cannot be read."""


class UnsafePickleError(PickleError):
    """A pickled file asks for something to be called that no checkpoint needs."""


class RefusedCall(Exception):
    """Carries the name of what was to be called through the unpickler."""


class NotRead(Exception):
    """Says what a pickle holds that is not read, whole as it may be."""


class ForeignClass(type):
    """What a name in a pickle stands for, never the thing itself; its call is refused, unless it only holds data."""

    name: str
    written: str

    def __call__(cls, *args: object) -> Record:
        if not DATA_CALLS.fullmatch(cls.name):
            written = "" if cls.written == cls.name else f" (written {shown(cls.written)})"
            raise RefusedCall(shown(cls.name) + written)
        return cls.__new__(cls, *args)


class Record(metaclass=ForeignClass):
    """An object of a class that is not built.

    Attributes:
        name: of the class, with its module.
        args: what it would have been made from.
        state: what would have been its attributes, where it has any.
        elements, items: what would have been appended, as to a list, or set, as in a dict.
    """

    __slots__ = ("args", "elements", "items", "state")
    name = written = ""

    def __new__(cls, *args: object) -> Record:
        record = object.__new__(cls)
        record.args, record.state, record.elements, record.items = args, None, [], {}
        return record

    def append(self, element: object) -> None:
        self.elements.append(element)

    def extend(self, elements: Iterable) -> None:
        self.elements.extend(elements)

    def __setitem__(self, key: object, value: object) -> None:
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


class Dictionary(dict):
    """What any kind of dict becomes."""


class Dtype:
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
            raise NotRead("a numpy array of objects, which could name any place in memory, and which no layer needs")
        if not re.fullmatch(r"[biufcSU][1-9][0-9]{0,5}", self.name) or self.byte_order not in ("<", ">", "=", "|"):
            raise NotRead(f"an array of {shown(self.name)}, which is not read")
        return np.dtype(self.name).newbyteorder(self.byte_order)


class Array(np.ndarray):
    """A numpy array that is filled after it is made, once, as pickles do."""


UNFILLED = np.dtype("V1")  # which nothing is filled with


def short(value: object) -> str:
    """A number or some numbers for a message; anything else by its kind."""
    numbers = value if isinstance(value, tuple) and len(value) <= DIMENSIONS else (value,)
    return str(value) if all(isinstance(number, int) for number in numbers) else type(value).__name__
