"""Recordings as libsndfile opens them: all of their audio, and nothing else.

Where a header does not say how long the audio is, or says what cannot be, libsndfile is given the same audio with
another header. `frames` of what it opens can be read to the last.
"""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path
from typing import BinaryIO

import soundfile

from layerwise.containers import Extent, RecordingError, extent_of
from layerwise.limits import Limit
from layerwise.plain_files import require_plain
from layerwise.streams import flac_samples, whole_flac, whole_mpeg, whole_ogg

_START_BYTES = 32  # that tell the format, and of a FLAC how long it is
# What is not read from the disk bit by bit: streams, whose frames are counted, and what gets another header. A day of
# MP3 at 192 kbit/s.
_MAX_WHOLE_BYTES = Limit("LAYERWISE_MAX_RECORDING_BYTES", 1 << 31, "bytes")
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
        return _Recording(path if content is None else io.BytesIO(content), samples), extent
    except soundfile.SoundFileError as error:
        if extent is not None and extent.missing:
            raise RecordingError("truncated", extent.shortfall) from error
        raise


class _Recording(soundfile.SoundFile):
    """A recording whose number of samples may be known better than libsndfile does."""

    def __init__(self, file: Path | BinaryIO, samples: int | None) -> None:
        super().__init__(file)
        self._samples = samples

    @property
    def frames(self) -> int:
        """What can be read, in samples of each channel."""
        return super().frames if self._samples is None else self._samples


def _whole(file: BinaryIO) -> tuple[bytes | None, int | None, Extent | None]:
    """What libsndfile is to read (None: the file itself), the samples in it if it would only guess them, and the extent
    of the audio if its format has one.
    """
    offset = _after_tags(file)
    start = _read(file, offset, _START_BYTES)
    if start.startswith(b"OggS"):
        return whole_ogg(_read(file), offset), None, None
    if start.startswith(b"fLaC"):
        return whole_flac(_read(file), offset) if flac_samples(start) == 0 else None, None, None
    if start.startswith(b"\xff"):
        return *(whole_mpeg(_read(file), offset) or (None, None)), None
    extent = extent_of(file, offset)
    return extent.mend(_read(file)) if extent is not None and extent.mend is not None else None, None, extent


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
