"""Changed files for a reader, thousands of them: each must be read, or be refused by an error for people.

A reader runs in a process of its own, with little memory and little time for each file, so that a crash, a loop and a
bomb are findings as much as a wrong exception.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import re
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from layerwise.errors import LayerwiseError

INPUTS = int(os.environ.get("LAYERWISE_FUZZ_INPUTS", 10_000))  # of each reader
SECONDS = 10  # for one of them
MEMORY = 2 << 30  # bytes above what the process has when it begins

# What breaks readers of text: numbers that are too long or none, nesting, quotes, what steers terminals, no Unicode.
_TEXTS = [
    b"", b"-1", b"0", b"1e400", b"nan", b"-inf", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", "٣".encode(), b"\x00",
    b"\xff", b"\xed\xb3\xa9", b"\x1b[2J", b"../../x", b"/dev/zero", b'"', b'""', b"'", b"{", b"}", b"[" * 3000,
    b"{" * 3000,
    b'{"a":' * 2000, b"&a [*a]", b"\n", b"\r", b"\t", b",", b",,,", b";", b" ", b"\xc2\xa0",
    b"$\\frac{1}$", b"!!python/name:os",
    b"null", b"true", b"[]", b"{}", b"1e308", b"4294967296", b"18446744073709551616", b"\xef\xbb\xbf",
]  # fmt: skip
_BYTES = [
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x00" * 8,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\x7f\xff\xff\xff",
    b"\x00\x00\x00\x80",
]


def changed(data: bytes, chance: random.Random) -> bytes:
    """The bytes of a file with one to four changes: flipped bits, cuts, copies, other numbers and other words."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(_CHANGES)(data, chance)
    return data


def _place(data: bytes, chance: random.Random) -> int:
    # The beginning, where most formats have what everything depends on, as often as all the rest.
    return chance.randrange(min(len(data), 200) if chance.random() < 0.5 else len(data)) if data else 0


def _flipped(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + bytes(byte ^ 1 << chance.randrange(8) for byte in data[place : place + 1]) + data[place + 1 :]


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    place, new = _place(data, chance), chance.choice(_BYTES)
    return data[:place] + new + data[place + len(new) :]


def _inserted(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + chance.choice(_TEXTS) + data[place:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)]


def _without(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + data[place + chance.randrange(1, 60) :]


def _twice(data: bytes, chance: random.Random) -> bytes:
    place = _place(data, chance)
    return data[: place + chance.randrange(1, 200)] + data[place:]


def _another_word(data: bytes, chance: random.Random) -> bytes:
    """One number or word of a text replaced by another, so that what stands around it is still of the format."""
    words = list(re.finditer(rb"-?[0-9][0-9.eE+]*|[A-Za-z_]+", data[:100_000]))
    if not words:
        return _inserted(data, chance)
    word = chance.choice(words)
    return data[: word.start()] + chance.choice(_TEXTS) + data[word.end() :]


_CHANGES = [_flipped, _overwritten, _inserted, _cut, _without, _twice, _another_word, _another_word]


def fuzz(read: Callable[[Path], object], samples: Sequence[bytes], folder: Path, name: str = "input") -> Counter[str]:
    """Let a reader have `INPUTS` changed files, and count what became of them.

    Args:
        read: takes the file; raises a LayerwiseError or reads.
        samples: files that it reads.
        folder: an empty folder, where an input that is a finding stays.
        name: of the file, with a suffix where that counts.

    Returns:
        Counts of `read` and of each kind of error.

    Raises:
        AssertionError: a file ended in another exception, in a crash, or took too long or too much memory.
    """
    file, notes = folder / name, folder / "notes.txt"
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_try_all, args=(read, list(samples), file, notes))
    began = time.monotonic()
    child.start()
    child.join()
    said = notes.read_text(encoding="utf-8") if notes.exists() else ""
    assert child.exitcode == 0, f"{file} ended the reader ({child.exitcode}):\n{said}"
    counts = Counter(dict(re.findall(r"^(\w+) ([0-9]+)$", said, re.MULTILINE)))
    print(f"{INPUTS} inputs, {time.monotonic() - began:.0f} s: {said.strip()}")
    return Counter({kind: int(count) for kind, count in counts.items()})


def _try_all(read: Callable[[Path], object], samples: list[bytes], file: Path, notes: Path) -> None:
    for sample in samples:  # what is not changed is read; modules that a reader imports late are here then
        file.write_bytes(sample)
        read(file)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as now:
        resource.setrlimit(resource.RLIMIT_AS, (int(now.read().split()[0]) * resource.getpagesize() + MEMORY, hard))
    counts: Counter[str] = Counter()
    stuck = notes.open("w", encoding="utf-8")
    for number in range(INPUTS):
        chance = random.Random(number)
        file.write_bytes(changed(chance.choice(samples), chance))
        # Not a signal: a regular expression without end lets none through.
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=stuck)
        try:
            read(file)
            counts["read"] += 1
        except LayerwiseError as error:
            counts[type(error).__name__] += 1
        except BaseException:
            notes.write_text(f"input {number}\n{traceback.format_exc()[-5000:]}", encoding="utf-8")
            os._exit(1)
    faulthandler.cancel_dump_traceback_later()
    notes.write_text("\n".join(f"{kind} {count}" for kind, count in counts.most_common()), encoding="utf-8")
    os._exit(0)
