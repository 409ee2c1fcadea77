"""How much of its audio a file has, by the header of its container: where the audio starts, and how long it should be.

libsndfile clips that length to the file and seldom says so. For some containers it also reads what follows the audio as
audio. Where a writer to a pipe never filled in the length, it may read nothing.

Each container is an entry of `_CONTAINERS`; headers of the formats in `UNTOLD` say nothing. HTK, which has no mark of
its own, is refused by libsndfile itself unless it is as long as its header says.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from layerwise.errors import LayerwiseError

# As libsndfile calls them: of Ensoniq PARIS, Portable Voice, IRCAM, FastTracker, Sound Designer.
UNTOLD = ("PAF", "PVF", "IRCAM", "XI", "SD2")
# Sizes near these are what writers to a pipe leave: sox in AIFF, sox in WAV, ffmpeg, and those of 64 bits.
_PLACEHOLDERS = (0x7F00_0000, 2**31, 2**32, 2**63, 2**64)
_NEAR = 8192  # sox takes 4,096 off, others add or take off the size of a header
# Chunks before the audio are a dozen; a header that is nothing but chunks would be read for hours.
_MAX_CHUNKS = 10_000
_MAX_SPHERE_BYTES = 1 << 20  # of a header, which is text; 1,024 in every corpus


class RecordingError(LayerwiseError):
    """A recording that is not whole, or that would not be read whole.

    Attributes:
        problem, detail: its kind, and what was found.
    """

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem, self.detail = problem, detail


class Field(NamedTuple):
    """Where a header keeps the length of its audio: offset, format for `struct`, bytes that it counts besides."""

    offset: int
    format: str
    besides: int = 0


class Mend(NamedTuple):
    """A corrected file for libsndfile: the first bytes of a file, with some at an offset replaced."""

    size: int
    offset: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Extent:
    """Where the audio of a file is.

    Attributes:
        start: its first byte.
        declared: its bytes by the header; None: they were never filled in.
        found: its bytes in the file.
        mend: the corrected file that libsndfile is given; None: the file itself.
    """

    start: int
    declared: int | None
    found: int
    mend: Mend | None = None

    @property
    def missing(self) -> int:
        """Bytes of audio that the header promises and the file does not have."""
        return max(0, (self.declared or 0) - self.found)

    @property
    def shortfall(self) -> str:
        """What is missing, in words."""
        return f"{self.found} bytes of audio, its header says {self.declared}"


class _Source:
    """A file that numbers are read from."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def bytes(self, offset: int, count: int) -> bytes:
        self._file.seek(min(offset, self.size))  # sizes in a header may be anything
        return self._file.read(count)

    def unpack(self, layout: str, offset: int) -> tuple:
        """Raises struct.error where the file ends before."""
        return struct.unpack(layout, self.bytes(offset, struct.calcsize(layout)))


def extent_of(file: BinaryIO, offset: int = 0) -> Extent | None:
    """What the header at `offset` says; None: it is of another format, says nothing of a length, or is not whole."""
    source = _Source(file)
    start = source.bytes(offset, 32)
    for mark, read in _CONTAINERS.items():
        if start.startswith(mark):
            try:
                return read(source, offset)
            except (struct.error, ValueError, KeyError):
                return None
    return None


def _sized(
    source: _Source, start: int, size: int, field: Field | None = None, *, empty: bool = False, to_end: bool = False
) -> Extent:
    """The extent of audio from `start` on, `size` bytes by the header.

    Args:
        field: where the header says so, if libsndfile goes by it.
        empty: a size of 0 is meant.
        to_end: libsndfile reads to the end of the file.
    """
    there = max(0, source.size - start)
    unknown = there > 0 and not empty if size == 0 else size > there and _is_placeholder(size)
    found = there if unknown else min(size, there)
    fits = field is not None and found + field.besides < 1 << 8 * struct.calcsize(field.format)
    wrong = (unknown and fits) or (to_end and found < there)
    mend = None
    if wrong:
        length = (field.offset, struct.pack(field.format, found + field.besides)) if field is not None else ()
        mend = Mend(start + found, *length)
    return Extent(start, None if unknown else size, found, mend)


def _is_placeholder(size: int) -> bool:
    return any(abs(size - usual) <= _NEAR for usual in _PLACEHOLDERS)


# Containers of chunks


@dataclass(frozen=True)
class _Chunks:
    """A kind of chunks.

    Attributes:
        head: format of a chunk's name and size.
        align: chunks start at multiples of it.
        counted: bytes of the head that the size counts.
        clipped: libsndfile itself clips any size but 0 to the file.
    """

    head: str
    align: int = 2
    counted: int = 0
    clipped: bool = True

    def walk(self, source: _Source, offset: int) -> Iterator[tuple[bytes, int, int]]:
        """Name, start and size of each chunk; struct.error where the file or its chunks end."""
        for _ in range(_MAX_CHUNKS):
            name, size = source.unpack(self.head, offset)
            if not any(name):
                raise struct.error("zeros instead of a chunk")
            start, size = offset + struct.calcsize(self.head), max(0, size - self.counted)
            yield name[:4], start, size
            offset = start + size + -size % self.align
        raise RecordingError("unreadable", f"more than {_MAX_CHUNKS} chunks in its header")

    def find(self, source: _Source, offset: int, wanted: bytes) -> tuple[int, int]:
        """Start and size of the first chunk of a name."""
        return next((start, size) for name, start, size in self.walk(source, offset) if name == wanted)

    def tile(self, source: _Source, offset: int) -> bool:
        """Whether there are nothing but chunks from here to the end of the file."""
        end = offset
        try:
            for name, start, size in self.walk(source, offset):
                if not name.isascii() or not name.decode().isprintable():
                    return False
                end = start + size + -size % self.align
        except struct.error:
            pass
        return 0 <= end - source.size < self.align

    def audio(self, source: _Source, start: int, size: int, before: int = 0, *, to_end: bool = False) -> Extent:
        """The extent of the audio in a chunk, after so many bytes of something else."""
        layout = self.head.replace("16s", "").replace("4s", "")
        field = Field(start - struct.calcsize(layout), layout, before + self.counted)
        start, size = start + before, max(0, size - before)
        if size and self.clipped:
            field = None
        if size == 0 and source.bytes(start, 4) in _CONTAINERS_OF_CHUNKS:  # libsndfile does so, writing to a pipe
            raise RecordingError("unreadable", "its header comes again where the audio should be; encode it again")
        return _sized(source, start, size, field, empty=size == 0 and self.tile(source, start), to_end=to_end)


def _riff(chunks: _Chunks) -> Callable[[_Source, int], Extent]:
    def read(source: _Source, offset: int) -> Extent:
        start, size = chunks.find(source, offset + 12, b"data")
        _, whole = source.unpack(chunks.head, offset)
        if offset + 8 + whole == source.size:  # where the two sizes contradict each other, nothing was cut off
            size = min(size, source.size - start)
        return chunks.audio(source, start, size)

    return read


def _rf64(source: _Source, offset: int) -> Extent:
    chunks = _Chunks("<4sI")
    start, size = chunks.find(source, offset + 12, b"data")
    long_sizes, _ = chunks.find(source, offset + 12, b"ds64")
    if size < 2**32 - 1:
        return chunks.audio(source, start, size)
    (size,) = source.unpack("<Q", long_sizes + 8)
    return _sized(source, start, size, Field(long_sizes + 8, "<Q"))


def _form(source: _Source, offset: int) -> Extent:
    """AIFF and AIFC, and 8SVX of the Amiga."""
    chunks = _Chunks(">4sI")
    _, whole, kind = source.unpack(">4sI4s", offset)
    if kind in (b"AIFF", b"AIFC"):
        start, size = chunks.find(source, offset + 12, b"SSND")
        (before,) = source.unpack(">I", start)  # of the audio, in bytes
        before += 8
    else:
        start, size = chunks.find(source, offset + 12, b"BODY")
        before = 0
    if offset + 8 + whole == source.size:
        size = min(size, source.size - start)
    return chunks.audio(source, start, size, before, to_end=before == 0)


def _w64(source: _Source, offset: int) -> Extent:
    chunks = _Chunks("<16sQ", align=8, counted=24)
    start, size = chunks.find(source, offset + 40, b"data")
    return chunks.audio(source, start, size, to_end=True)


def _caf(source: _Source, offset: int) -> Extent:
    chunks = _Chunks(">4sQ", align=1, clipped=False)
    start, size = chunks.find(source, offset + 8, b"data")
    extent = chunks.audio(source, start, size, 4)  # four bytes count the edits
    if extent.declared is not None and not extent.missing:
        try:  # of compressed audio a table follows, without which the last packets are not read
            table, size = chunks.find(source, start + size, b"pakt")
        except struct.error:
            return extent
        return Extent(extent.start, table + size - extent.start, min(table + size, source.size) - extent.start)
    return extent


# Containers with a fixed header


def _au(order: str) -> Callable[[_Source, int], Extent]:
    def read(source: _Source, offset: int) -> Extent:
        start, size = source.unpack(order + "II", offset + 4)
        return _sized(source, offset + start, size, Field(offset + 8, order + "I"), to_end=True)

    return read


def _sphere(source: _Source, offset: int) -> Extent | None:
    """NIST SPHERE: a text of `name -type value` lines."""
    length = int(source.bytes(offset + 8, 8).strip() or 0)
    if not 0 < length <= _MAX_SPHERE_BYTES:
        return None
    header = source.bytes(offset, length).decode("latin-1")
    fields = dict(re.findall(r"^(\w+) -\w+ (\S+)", header, re.MULTILINE))
    if "," in fields.get("sample_coding", "") or "sample_count" not in fields:  # shortened, or streamed
        return None
    size = max(0, int(fields["sample_count"]))
    for name in ("sample_n_bytes", "channel_count"):
        size *= int(fields.get(name, 1))
    return _sized(source, offset + length, size, to_end=True)


def _avr(source: _Source, offset: int) -> Extent:
    stereo, bits = source.unpack(">HH", offset + 12)
    (frames,) = source.unpack(">I", offset + 26)
    return _sized(source, offset + 128, frames * (bits // 8) * (2 if stereo else 1), to_end=True)


def _mpc2k(source: _Source, offset: int) -> Extent:
    (stereo,) = source.unpack("<B", offset + 21)
    (frames,) = source.unpack("<I", offset + 30)
    return _sized(source, offset + 42, frames * 2 * (2 if stereo else 1), to_end=True)


def _psion(source: _Source, offset: int) -> Extent:
    (size,) = source.unpack(">I", offset + 18)
    return _sized(source, offset + 32, size, to_end=True)


def _matlab_4(order: str) -> Callable[[_Source, int], Extent | None]:
    def read(source: _Source, offset: int) -> Extent | None:
        name = source.bytes(offset, 1024).find(b"wavedata\0")
        if name < 0:
            return None
        kind, rows, columns = source.unpack(order + "III", offset + name - 20)
        width = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}[kind // 10 % 10]
        return _sized(source, offset + name + 9, rows * columns * width, to_end=True)

    return read


def _matlab_5(source: _Source, offset: int) -> Extent | None:
    name = source.bytes(offset, 1024).find(b"wavedata")
    if name < 0:
        return None
    order = "<" if source.bytes(offset + 126, 2) == b"IM" else ">"
    (size,) = source.unpack(order + "I", offset + name + 12)
    return _sized(source, offset + name + 16, size, to_end=True)


def _sample_dump(source: _Source, offset: int) -> Extent:
    """MIDI's: numbers in seven bits a byte, packets of 127 bytes."""
    bits, *frames = source.unpack("<B3x3B", offset + 6)
    frames = sum(part << 7 * place for place, part in enumerate(frames))
    each = 60 if bits <= 14 else 40 if bits <= 21 else 30
    return _sized(source, offset + 21, -(-frames // each) * 127)


def _creative(source: _Source, offset: int) -> Extent | None:
    """Creative Voice: blocks of a kind and a length of three bytes. libsndfile reads on to the end of the file."""
    (at,) = source.unpack("<H", offset + 20)
    kind, low, high = source.unpack("<BHB", offset + at)
    if kind not in (1, 9):  # text, a mark, silence
        return None
    before, size = 2 if kind == 1 else 12, low | high << 16
    start = offset + at + 4 + before
    if source.bytes(offset + at + 4 + size, 1) not in (b"", b"\0"):
        raise RecordingError("unreadable", "a Creative Voice file of several blocks; encode it again")
    # Blocks of the old kind need the end mark, of the new kind it is taken for a sample.
    return _sized(source, start, size - before, to_end=kind == 9)


_CONTAINERS_OF_CHUNKS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"caff", b"riff")
_CONTAINERS: dict[bytes, Callable[[_Source, int], Extent | None]] = {
    b"RIFF": _riff(_Chunks("<4sI")),
    b"RIFX": _riff(_Chunks(">4sI")),
    b"RF64": _rf64,
    b"riff\x2e\x91\xcf\x11": _w64,
    b"FORM": _form,
    b"caff": _caf,
    b".snd": _au(">"),
    b"dns.": _au("<"),
    b"NIST_1A\n": _sphere,
    b"2BIT": _avr,
    b"\x01\x04": _mpc2k,
    b"ALawSoundFile**": _psion,
    b"MATLAB 5.0 MAT-file": _matlab_5,
    b"\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\x0b\0\0\0samplerate\0": _matlab_4("<"),
    b"\0\0\x03\xe8\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\x0bsamplerate\0": _matlab_4(">"),
    b"\xf0\x7e": _sample_dump,
    b"Creative Voice File": _creative,
}
