"""The calls in a pickle that are answered: containers, numbers, arrays and tensors, made in this file's own terms.

What is built is no larger than what was written for it, so that its size in memory is that of the pickle times a
constant, and its keys are of kinds that are soon compared.
"""

from __future__ import annotations

import math

import numpy as np

from layerwise.errors import shown
from layerwise.models.originals.pickled_values import (
    DIMENSIONS,
    UNFILLED,
    Array,
    Dictionary,
    Dtype,
    ForeignClass,
    NotRead,
    Record,
    Storage,
    StoredTensor,
    short,
)

_KEY_BITS = 60  # of a whole number that is a key
_KEY_PARTS = 16  # of a tuple that is a key
_OTHER_KEYS = 100_000  # that are no text: optimisers have a thousand whole numbers, dictionaries some thousand
_TUPLE = 20  # as many of them as a tuple is: it can be made to have any hash
SET_BYTES = 16  # bytes that a set, even an empty one, counts as: it takes 230 of memory, a list or a dict 80

BUILDERS = {
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

_SEQUENCES = (list, tuple)
# What may be a key of a dict or an element of a set, and a part of a tuple that is one.
_PARTS = (str, bytes, int, np.integer, np.bool_)
_KEYS = (*_PARTS, float, ForeignClass, Record)


class Builders:
    """Answers calls by bound methods: a pickle cannot change them.

    Args:
        size: bytes of the pickle.
    """

    def __init__(self, size: int) -> None:
        # What builders copy was written for them, each element in a byte or more, and is copied once or twice: bytes as
        # text, and into an array. Only what is written once and named many times is more.
        self._left = 4 * size + 1000
        self._keys_left = _OTHER_KEYS

    def _spend(self, copied: int) -> None:
        self._left -= copied
        if self._left < 0:
            raise NotRead("what takes many times its own bytes in memory")

    def _numbers(self, data: object, dtype: object, shape: object, column_first: bool) -> np.ndarray:
        """A numpy array of bytes that are as many as its shape asks for: numpy itself reads on beyond too few."""
        if not isinstance(dtype, Dtype):
            raise TypeError("an array without a dtype")
        kind = dtype.resolved()
        if not (type(data) in (bytes, bytearray) and isinstance(shape, tuple)):
            raise TypeError("an array that is not made of a shape and bytes")
        if len(shape) > DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
            raise ValueError(f"an array of the shape {shape[: DIMENSIONS + 1]}")
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
            raise NotRead(f"a key of the kind tuple, of {len(key)} parts, which is not read")
        for part in key if inside else (key,):
            if not (part is None or isinstance(part, _PARTS if inside else _KEYS)):
                kind = f"tuple with {type(part).__name__}" if inside else type(key).__name__
                raise NotRead(f"a key of the kind {shown(kind)}, which is not read")
            # The same number is the hash of whole numbers that are this far apart.
            if isinstance(part, int | np.integer) and int(part).bit_length() > _KEY_BITS:
                raise NotRead("a whole number as a key that is beyond all counts, which is not read")
        self._keys_left -= _TUPLE if inside else 1
        if self._keys_left < 0:
            raise NotRead("more keys that are no text than are read")
        return key

    def _dictionary(self, items: object = (), *_options: object) -> Dictionary:
        if isinstance(items, dict):
            self._spend(len(items))
            return Dictionary((self._key(key), value) for key, value in items.items())
        pairs = self._elements(items)
        if not all(type(pair) in _SEQUENCES and len(pair) == 2 for pair in pairs):
            raise TypeError("a dictionary of what is no pairs")
        return Dictionary((self._key(key), value) for key, value in pairs)

    def _default_dictionary(self, *_options: object) -> Dictionary:
        return Dictionary()

    def _elements(self, elements: object) -> list | tuple:
        if type(elements) not in _SEQUENCES:
            raise TypeError(f"elements in {type(elements).__name__}")
        self._spend(len(elements))
        return elements

    def _list(self, items: object = (), *_options: object) -> list:
        return list(self._elements(items))

    def _tuple(self, items: object = ()) -> tuple:
        return tuple(self._elements(items))

    def _set(self, items: object = ()) -> set:
        self._spend(SET_BYTES)
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

    def _object(self, cls: ForeignClass, _base: object, _state: object = None) -> Record:
        if not isinstance(cls, ForeignClass):
            raise TypeError(f"an object of {type(cls).__name__}")
        return Record.__new__(cls)

    def _dtype(self, name: str, *_options: object) -> Dtype:
        if not isinstance(name, str):
            raise TypeError("a dtype without a name")
        return Dtype(name)

    def _array(self, *_options: object) -> Array:
        return np.ndarray.__new__(Array, 0, UNFILLED)

    def _scalar(self, dtype: Dtype, data: bytes = b"") -> np.generic:
        array = self._numbers(data, dtype, (1,), column_first=False)
        return array[0]

    def _array_of_buffer(self, data: bytes, dtype: Dtype, shape: tuple, order: str, *_options: object) -> np.ndarray:
        return self._numbers(data, dtype, shape, column_first=order == "F")

    def _tensor(self, storage: Storage, offset: int, shape: tuple, strides: tuple, *_options: object) -> StoredTensor:
        if not isinstance(storage, Storage):
            raise TypeError("a tensor without a storage")
        if not (type(shape) in _SEQUENCES and type(strides) in _SEQUENCES):
            raise TypeError("a tensor without a shape and strides")
        if len(shape) != len(strides) or len(shape) > DIMENSIONS:
            raise ValueError(f"a tensor of {len(shape)} dimensions, {len(strides)} of them with a stride")
        self._spend(2 * len(shape))
        shape, strides, last = tuple(shape), tuple(strides), offset
        for number in (offset, *shape, *strides):
            if type(number) is not int or number < 0:
                raise ValueError(f"a tensor of the shape {short(shape)}, from {short(offset)} by {short(strides)}")
        for size, step in zip(shape, strides):  # noqa: B905 (as many, and this is done for every tensor)
            last += (size - 1) * step
        if last >= storage.count and 0 not in shape:
            raise ValueError(
                f"a tensor that ends at number {last} of block {shown(storage.key)}, which has {storage.count}"
            )
        return StoredTensor(storage, offset, shape, strides)

    def _parameter(self, tensor: StoredTensor | Record, *_options: object) -> StoredTensor | Record:
        if not isinstance(tensor, StoredTensor | Record):
            raise TypeError(f"a parameter of {type(tensor).__name__}")
        return tensor
