"""A pickle read opcode by opcode: data is put together, and no name that it says is ever looked up.

A pickle is a program: it may name any function of any module and have it called. Here a short table of calls is
answered (`builders`), an object of any other class becomes a `Record` of what it was given, and a call of anything else
is refused by name.
"""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections.abc import Callable
from types import MethodType
from typing import ClassVar

import numpy as np

from layerwise.errors import shown
from layerwise.models.originals.builders import BUILDERS, SET_BYTES, Builders
from layerwise.models.originals.pickled_values import (
    STORAGES,
    UNFILLED,
    Array,
    Dictionary,
    Dtype,
    ForeignClass,
    NotRead,
    Record,
    Storage,
    short,
)

_CLASSES = 1000  # different ones that a file names: checkpoints name some dozens
_NAME = 250  # characters of a class and its module
_WHOLE_BITS = 4096  # of a whole number: states of random generators have 32, the mark of a torch file 80

# What versions of Python and systems call otherwise.
_RENAMED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "posix": "os",
    "nt": "os",
    "_operator": "operator",
    "pathlib._local": "pathlib",
}


class Unpickler(Builders, pickle._Unpickler):
    """Builds data, and records of all else.

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
        pickle._Unpickler.__init__(self, file, encoding="utf-8")
        Builders.__init__(self, len(file.getbuffer()))
        self.storages: dict[str, Storage] = {}
        self._classes: dict[str, ForeignClass] = {}

    def find_class(self, module: str, name: str) -> object:
        if len(module) + len(name) > _NAME:  # which could be written once and put together very many times
            raise NotRead(f"the name of a class of {len(module) + len(name)} characters, which is not read")
        written = f"{module}.{name}"
        module = re.sub(r"^numpy\._core", "numpy.core", _RENAMED.get(module, module))
        known = f"{module}.{name}"
        if known in BUILDERS:
            return getattr(self, BUILDERS[known])
        if written not in self._classes:
            if len(self._classes) == _CLASSES:
                raise NotRead(f"the names of more than {_CLASSES} classes")
            parts = {"__slots__": (), "name": known, "written": written}
            self._classes[written] = ForeignClass("Record", (Record,), parts)
        return self._classes[written]

    def persistent_load(self, reference: tuple) -> object:
        if type(reference) is not tuple or not 5 <= len(reference) <= 6 or reference[5:] not in ((), (None,)):
            raise ValueError("a reference to something outside the pickle that is no block of numbers")
        kind, storage_class, key, _device, count = reference[:5]
        if kind != "storage" or type(key) is not str or not isinstance(storage_class, ForeignClass):
            raise ValueError("a reference to something outside the pickle that is no block of numbers")
        if type(count) is not int or count < 0:
            raise ValueError(f"block {shown(key)} of so many numbers: {short(count)}")
        storage_name = storage_class.name.rpartition(".")[2]
        if storage_name not in STORAGES:
            raise NotRead(f"numbers of the kind {shown(storage_name)}, which is not read")
        storage = Storage(key, STORAGES[storage_name][0], count)
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
        if isinstance(filled, Array):
            if filled.dtype != UNFILLED:
                raise ValueError("an array that is filled twice")
            if type(state) is not tuple or len(state) != 5:
                raise TypeError("an array that is not made of a shape and bytes")
            _version, shape, dtype, column_first, data = state
            array = self._numbers(data, dtype, shape, bool(column_first))
            # The very object, as others may hold it already. All of this state is checked.
            np.ndarray.__setstate__(filled, (1, array.shape, array.dtype, bool(column_first), bytes(data)))
        elif isinstance(filled, Record):
            filled.state = self._attributes(state)
        elif isinstance(filled, Dtype):
            filled.fill(state)
        elif not isinstance(filled, Dictionary):  # its attributes, such as the _metadata of a state dict, have no use
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
        self._spend(SET_BYTES)
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
        if not (isinstance(called, ForeignClass) or (type(called) is MethodType and called.__self__ is self)):
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
        if not (isinstance(cls, ForeignClass) and type(arguments) is tuple and isinstance(named, dict)):
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

    def _load_whole(self, load: Callable[[Unpickler], None]) -> None:
        load(self)
        if self.stack[-1].bit_length() > _WHOLE_BITS:
            raise NotRead(f"a whole number of {self.stack[-1].bit_length()} bits, which is not read")

    def load_int(self) -> None:
        self._load_whole(pickle._Unpickler.load_int)

    dispatch[pickle.INT[0]] = load_int

    def load_long(self) -> None:
        self._load_whole(pickle._Unpickler.load_long)

    dispatch[pickle.LONG[0]] = load_long

    def load_long4(self) -> None:
        self._load_whole(pickle._Unpickler.load_long4)

    dispatch[pickle.LONG4[0]] = load_long4
