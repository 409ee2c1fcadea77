"""Seeds and orders that follow from what they are for: no draw depends on another, and all machines draw the same.

Every part counts: the configuration's seed, the sample, a name. Arrays are drawn by a generator of numpy. Where one
number is enough (the seed of another library, a place in an order), a hash gives it. There are three hashes: of folds,
of heads and parts of probes, of the demo's recordings. Another hash would be another draw.
"""

import hashlib
import zlib

import numpy as np


def generator(*parts: int | str) -> np.random.Generator:
    """A generator seeded by integers and names, in this order."""
    entropy: list[int] = []
    for before, part in zip((0, *parts), parts, strict=False):
        if isinstance(part, str):
            entropy += f"\0{part}".encode() if isinstance(before, str) else part.encode()
        else:
            entropy.append(part)
    return np.random.default_rng(entropy)


def seed_of(*parts: object) -> int:
    """A seed in [0, 2⁴⁸), also a place in a random order."""
    return int.from_bytes(hashlib.sha256(_path(parts)).digest()[:6], "big")


def fold_key(*parts: object) -> int:
    """A place in [0, 2⁶³) in the order in which rows and groups are dealt to folds."""
    return int.from_bytes(hashlib.blake2b(repr(tuple(map(str, parts))).encode(), digest_size=8).digest()) >> 1


def short_seed(*parts: object) -> int:
    """A seed in [0, 2³²) for what takes no more, such as C's srand."""
    return zlib.crc32(_path(parts))


def _path(parts: tuple[object, ...]) -> bytes:
    return "/".join(map(str, parts)).encode()
