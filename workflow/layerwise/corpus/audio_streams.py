"""How much of its audio a file has, where that is a stream of frames or pages: MPEG, FLAC and Ogg.

The last frame or page shows whether the end is there. Not noticed is an MP3 without a count of its frames, or a FLAC
without a count of its samples, that was cut exactly between two frames.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

from layerwise.corpus.audio_containers import RecordingError

# MPEG (ISO 11172-3 and 13818-3)

_KBITS = {  # by (MPEG-1?, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_ID3V1_BYTES = 128
_MAX_STRAY_BYTES = 1 << 24  # between frames: tags, with a picture at most; each byte may look like a frame's first


class _Header(NamedTuple):
    """What the four bytes before a frame say; frames of one stream have the same `kind`."""

    kind: tuple[int, int, int]  # bits of version, layer, rate
    size: int  # bytes
    samples: int
    side: int  # bytes of side information of layer III


def _header(data: bytes, offset: int) -> _Header | None:
    """None: no frame starts here."""
    if len(data) < offset + 4 or data[offset] != 0xFF or data[offset + 1] & 0xE0 != 0xE0:
        return None
    _, second, third, fourth = data[offset : offset + 4]
    version, layer, bitrate, rate = second >> 3 & 3, 4 - (second >> 1 & 3), third >> 4, third >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    first, mono = version == 3, fourth >> 6 == 3
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits, padding = 1000 * _KBITS[first, layer][bitrate - 1], third >> 1 & 1
    samples = 384 if layer == 1 else 1152 if first or layer == 2 else 576
    slot = 4 if layer == 1 else 1  # bytes
    size = (samples // 8 * bits // hertz // slot + padding) * slot
    return _Header((version, layer, rate), size, samples, (17 if mono else 32) if first else 9 if mono else 17)


def whole_mpeg(data: bytes, offset: int) -> tuple[bytes, int] | None:
    """An MPEG file, changed so that libsndfile reads all of it, and its samples; None: it needs no change.

    Where the first frame, at `offset`, does not count the others (as Xing's and LAME's do), libsndfile guesses the
    length from the sizes of the file and of this frame, and reads no further. Here all frames are counted, and zeros
    are appended until the guess is large enough.

    Raises:
        RecordingError: its end is missing, or cannot be told.
    """
    first = _header(data, offset)
    if first is None:
        return None
    has_tag = data[-_ID3V1_BYTES:].startswith(b"TAG")
    frames, end, cut = _walk(data[:-_ID3V1_BYTES] if has_tag else data, offset, first)
    counts, counted = _count_of(data[offset : offset + first.size], first)
    frames -= counts  # that frame holds no audio
    if cut:
        raise RecordingError("truncated", f"{frames} whole frames of MPEG audio, and a part of one")
    if counted is not None and frames < counted:
        raise RecordingError("truncated", f"{frames} frames of MPEG audio, its header says {counted}")
    if counted == frames:
        return None
    audio = data[offset + counts * first.size : end]
    guessed_from = _header(audio, 0)
    if guessed_from is None:
        return None
    return audio.ljust(frames * guessed_from.size, b"\0"), frames * guessed_from.samples


def _walk(data: bytes, offset: int, first: _Header) -> tuple[int, int, bool]:
    """How many frames of a kind there are, where they end, and whether the last one is cut off (and not counted)."""
    count = end = stray = 0
    starts = _starts(first)
    while offset < len(data):
        header = _header(data, offset)
        if header is not None and header.kind == first.kind:
            if offset + header.size > len(data):
                return count, end, True
            offset += header.size
            count, end = count + 1, offset
        elif len(data) - offset < 4 and data[offset] == 0xFF:  # not even its header is whole
            return count, end, True
        else:
            following = _next_frame(data, offset, first, starts)
            stray += following - offset
            if stray > _MAX_STRAY_BYTES and following < len(data):
                raise RecordingError("corrupt", f"{stray} bytes between its frames of MPEG audio are none of theirs")
            offset = following
    return count, end, False


def _starts(first: _Header) -> re.Pattern[bytes]:
    """What the first three bytes of a frame of the same kind can be."""
    version, layer, rate = first.kind
    second = [0xE0 | version << 3 | 4 - layer << 1 | unprotected for unprotected in (0, 1)]
    third = [bitrate << 4 | rate << 2 | rest for bitrate in range(1, 15) for rest in range(4)]
    return re.compile(b"\xff[%s][%s]" % tuple(re.escape(bytes(values)) for values in (second, third)), re.DOTALL)


def _next_frame(data: bytes, offset: int, first: _Header, starts: re.Pattern[bytes]) -> int:
    """Where the next two frames of a kind start, after a tag or other bytes; the end of the file, if nowhere."""
    last = offset + _MAX_STRAY_BYTES
    while (found := starts.search(data, offset + 1)) is not None:
        offset = found.start()
        if offset > last:
            return offset
        header = _header(data, offset)
        if header is not None and header.kind == first.kind:
            following = _header(data, offset + header.size)
            if following is not None and following.kind == first.kind:
                return offset
    return len(data)


def _count_of(frame: bytes, header: _Header) -> tuple[bool, int | None]:
    """Whether the first frame is one that counts the others, and the number that libsndfile takes from it."""
    at = 4 + header.side
    if frame[at : at + 4] in (b"Xing", b"Info"):
        flags, count = struct.unpack_from(">II", frame.ljust(at + 12, b"\0"), at + 4)
        return True, count if flags & 1 and count else None
    return frame[36:40] == b"VBRI", None


# FLAC (RFC 9639)

_STREAMINFO = 8  # where it starts
_TOTAL = _STREAMINFO + 13  # the last four bits of this byte, and four more bytes
_FRAME_HEAD_BYTES = 64  # more than a frame has besides its samples
_LEAST_FRAME_BYTES = 10  # of zeros
_FIXED_SIZE, _VARIABLE_SIZE = b"\xff\xf8", b"\xff\xf9"


def flac_samples(start: bytes) -> int | None:
    """How many samples a FLAC says that it has; 0: its encoder wrote to a pipe; None: its header is not whole."""
    if len(start) < _TOTAL + 5:
        return None
    high, low = struct.unpack_from(">BI", start, _TOTAL)
    return (high & 0x0F) << 32 | low


def whole_flac(data: bytes, offset: int) -> bytes:
    """A FLAC without a number of samples as one that has it, from the number that its last frame starts with.

    Raises:
        RecordingError: the file does not end with a whole frame.
    """
    place = _last_frame(data, max(offset, len(data) - _largest_frame(data, offset)))
    samples = None if place is None else _samples_until(data, place, offset)
    if samples is None or samples >= 1 << 36:
        raise RecordingError("truncated", "it does not end with a whole frame of FLAC")
    total = struct.pack(">BI", data[offset + _TOTAL] & 0xF0 | samples >> 32, samples & 0xFFFF_FFFF)
    return data[: offset + _TOTAL] + total + data[offset + _TOTAL + len(total) :]


def _last_frame(data: bytes, earliest: int) -> int | None:
    """Where the frame starts that ends with the file, by its checksum (polynomial 0x8005); None: nowhere.

    The checksum of all that follows a place is 0 where a frame starts. Read from the end, bits in the opposite order,
    it is one of the reciprocal polynomial, and known at each place after one step.
    """
    value = 0
    for place in range(len(data) - 1, earliest - 1, -1):
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ _REVERSED[data[place]]]
        if value == 0 and data.startswith((_FIXED_SIZE, _VARIABLE_SIZE), place):
            return place
    return None


def _largest_frame(data: bytes, offset: int) -> int:
    """Bytes of a frame whose samples are not compressed."""
    (block,) = struct.unpack_from(">H", data, offset + _STREAMINFO + 2)
    (bits,) = struct.unpack_from(">H", data, offset + _STREAMINFO + 12)
    channels, bits = (bits >> 9 & 7) + 1, (bits >> 4 & 31) + 1
    return _FRAME_HEAD_BYTES + channels * block * (bits + 1) // 8


def _samples_until(data: bytes, place: int, offset: int) -> int | None:
    """Samples up to the end of the frame at `place`; None: it is none."""
    code = data[place + 2] >> 4
    if code == 0 or len(data) < place + _LEAST_FRAME_BYTES:
        return None
    number, after = _coded_number(data, place + 4)
    if code in (6, 7):
        size = 1 + int.from_bytes(data[after : after + code - 5])
    else:
        size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    (fixed,) = struct.unpack_from(">H", data, offset + _STREAMINFO)
    return (number * fixed if data.startswith(_FIXED_SIZE, place) else number) + size


def _coded_number(data: bytes, place: int) -> tuple[int, int]:
    """A number in the manner of UTF-8, of up to seven bytes, and the place after it."""
    ones = 8 - (data[place] ^ 0xFF).bit_length()
    number = data[place] & 0x7F >> ones
    after = place + max(ones, 1)
    for byte in data[place + 1 : after]:
        number = number << 6 | byte & 0x3F
    return number, after


def _crc16_of(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = value << 1 ^ (0x1_4003 if value & 0x8000 else 0)  # the reciprocal of 0x1_8005
    return value


_CRC16 = [_crc16_of(byte) for byte in range(256)]

# Ogg (RFC 3533)

_FIRST, _LAST = 2, 4  # marks of pages
_MAX_STREAMS = 64  # of one file, side by side: sound has one
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def whole_ogg(data: bytes, offset: int) -> bytes | None:
    """The pages of an Ogg file that starts at `offset`, to the one that is marked as the last; None: all of the file.

    libsndfile leaves out what is damaged, reads the first of several streams one after another, and stumbles over other
    bytes behind the last page.

    Raises:
        RecordingError: saying what is wrong.
    """
    marks: dict[int, int] = {}  # of the latest page, by stream
    numbers: dict[int, int] = {}
    begun, start = False, offset
    while data.startswith(b"OggS", offset) and len(data) >= offset + 27:
        mark, serial, number = data[offset + 5], *struct.unpack_from("<II", data, offset + 14)
        segments = data[offset + 27 : offset + 27 + data[offset + 26]]
        size = 27 + data[offset + 26] + sum(segments)
        page = data[offset : offset + size]
        if len(page) < size:
            break
        if mark & _FIRST and begun:
            raise RecordingError("unreadable", "several streams one after another; encode it again as one")
        begun = begun or not mark & _FIRST
        if serial not in marks and len(marks) == _MAX_STREAMS:
            raise RecordingError("unreadable", f"more than {_MAX_STREAMS} streams in its Ogg file")
        if not _sound(page) or number != numbers.get(serial, -1) + 1:
            raise RecordingError("corrupt", f"Ogg page {number} of its stream is damaged, or not the next one")
        marks[serial], numbers[serial] = mark, number
        offset += size
    if not marks or not all(mark & _LAST for mark in marks.values()):
        if b"OggS" in data[offset + 1 :]:
            raise RecordingError("corrupt", "there is something between the pages of its Ogg stream")
        raise RecordingError("truncated", f"{len(data)} bytes of Ogg without the page that ends the stream")
    return None if (start, offset) == (0, len(data)) else data[start:offset]


def _sound(page: bytes) -> bool:
    """Whether the checksum is right: that of zlib, of bits in the opposite order, and without its inversions."""
    plain = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    value = zlib.crc32(plain, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return value.to_bytes(4, "big").translate(_REVERSED) == page[22:26]
