"""Recordings as libsndfile opens them: all of their audio, and nothing else.

Where a header does not give the length of the audio, or gives an impossible one, libsndfile is given the same audio
with another header. All `frames` that an opened recording promises can be read.
"""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from layerwise.corpus.audio_containers import Extent, Mend, RecordingError, extent_of
from layerwise.corpus.audio_streams import flac_samples, whole_flac, whole_mpeg, whole_ogg
from layerwise.files.limits import Limit
from layerwise.files.plain_files import require_plain

_START_BYTES = 32  # that tell the format, and of a FLAC how long it is
# What is not read from the disk bit by bit: streams, whose frames are counted. Three hours of MP3 at 192 kbit/s; a
# recording is in memory for each thread that looks at one.
_MAX_WHOLE_BYTES = Limit("LAYERWISE_MAX_RECORDING_BYTES", 1 << 28, "bytes")
# A file has one tag, or one of each version; and behind it, room for it to grow.
_MAX_TAGS, _MAX_ZEROS = 16, 1 << 24


def open_recording(path: Path) -> tuple[soundfile.SoundFile, Extent | None]:
    """A recording and, where its format has a length in bytes, what its header says of that.

    Raises:
        RecordingError: its end is missing, or it would not be read whole for another reason.
        soundfile.SoundFileError, OSError: it cannot be opened.
    """
    require_plain(path, partial(RecordingError, "unreadable"))
    with path.open("rb") as file:
        content, samples, extent = _whole(file)
    try:
        return _Recording(path if content is None else content, samples), extent
    except soundfile.SoundFileError as error:
        if extent is not None and extent.missing:
            raise RecordingError("truncated", extent.shortfall) from error
        raise


class _Recording(soundfile.SoundFile):
    """A recording whose number of samples may be known better than libsndfile does."""

    def __init__(self, file: Path | BinaryIO, samples: int | None) -> None:
        self._source = file
        super().__init__(file)
        self._samples = samples

    def read(self, *how: object, **named: object) -> np.ndarray:
        """As `soundfile.SoundFile.read`; what went wrong where C asked Python for bytes is raised too."""
        samples = super().read(*how, **named)
        if isinstance(self._source, _Mended) and self._source.error is not None:
            raise self._source.error
        return samples

    def close(self) -> None:
        super().close()
        if isinstance(self._source, _Mended):
            self._source.close()

    @property
    def frames(self) -> int:
        """What can be read, in samples of each channel."""
        return super().frames if self._samples is None else self._samples


class _Mended(io.RawIOBase):
    """A file read through its mend, bit by bit.

    Attributes:
        error: the last error of the disk, which C would hide.
    """

    def __init__(self, file: BinaryIO, mend: Mend) -> None:
        self._file, self._mend, self._place = file, mend, 0
        self.error: OSError | None = None

    def close(self) -> None:
        self._file.close()
        super().close()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._mend.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:
        try:
            self._file.seek(self._place)
            data = bytearray(self._file.read(max(0, min(len(buffer), self._mend.size - self._place))))
        except OSError as error:
            self.error = error
            return 0
        for at, byte in enumerate(self._mend.data, self._mend.offset - self._place):
            if 0 <= at < len(data):
                data[at] = byte
        buffer[: len(data)] = bytes(data)
        self._place += len(data)
        return len(data)


def _whole(file: BinaryIO) -> tuple[BinaryIO | None, int | None, Extent | None]:
    """What libsndfile is to read (None: the file itself), the samples in it if it would only guess them, and the extent
    of the audio if its format has one.
    """
    offset = _after_tags(file)
    start = _read(file, offset, _START_BYTES)
    if start.startswith(b"OggS"):
        return _held(whole_ogg(_read(file), offset)), None, None
    if start.startswith(b"fLaC"):
        return _held(whole_flac(_read(file), offset) if flac_samples(start) == 0 else None), None, None
    if start.startswith(b"\xff"):
        content, samples = whole_mpeg(_read(file), offset) or (None, None)
        return _held(content), samples, None
    extent = extent_of(file, offset)
    if extent is None or extent.mend is None:
        return None, None, extent
    return _Mended(open(os.dup(file.fileno()), "rb"), extent.mend), None, extent


def _held(content: bytes | None) -> BinaryIO | None:
    return None if content is None else io.BytesIO(content)


def _read(file: BinaryIO, offset: int = 0, count: int | None = None) -> bytes:
    if count is None:
        count = os.fstat(file.fileno()).st_size
        _MAX_WHOLE_BYTES.require(count, "it", partial(RecordingError, "too large"))
    file.seek(offset)
    return file.read(count)


def _after_tags(file: BinaryIO) -> int:
    """Where the audio file starts in a file, after tags of ID3v2 and the zeros that follow them."""
    offset = tags = 0
    while (tag := _read(file, offset, 10)).startswith(b"ID3") and len(tag) == 10:
        if (tags := tags + 1) > _MAX_TAGS:
            raise RecordingError("unreadable", f"more than {_MAX_TAGS} tags of ID3 before the audio")
        has_footer = tag[5] & 0x10
        size = sum(byte << 7 * place for place, byte in enumerate(reversed(tag[6:])))
        offset += len(tag) + size + (len(tag) if has_footer else 0)
        end = offset + _MAX_ZEROS
        while offset < end and (zeros := _read(file, offset, 1 << 10)):
            rest = zeros.lstrip(b"\0")
            offset += len(zeros) - len(rest)
            if rest:
                break
    return offset
