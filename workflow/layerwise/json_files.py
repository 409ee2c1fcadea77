"""JSON written by strangers, and the opening of their files: what is no plain file is never waited for."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import BinaryIO

from layerwise.errors import LayerwiseError
from layerwise.limits import Limit

# Of a configuration or an index: the index of a model with 10,000 weights is 1 MB.
JSON = Limit("LAYERWISE_MAX_JSON", 1 << 24, "bytes")
_DEPTH = 100  # of lists in lists: a configuration in a configuration is 3
_DIGITS = 20  # of a whole number: what 64 bits can hold


def open_plain(path: Path) -> BinaryIO:
    """A file for reading; a pipe, whose content may never come, or a device, whose content may never end, is refused.

    Links are followed: caches of the hub, and people with large disks elsewhere, have them in their folders.

    Raises:
        OSError: there is none, it may not be read, or it is no plain file.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(0, "it is no plain file, but a pipe or a device")
    return file


def read_json(path: Path, error: type[LayerwiseError], kind: str = "JSON") -> object:
    """What a file of JSON holds.

    Args:
        kind: what it is none of where it is no JSON, for messages.

    Raises:
        FileNotFoundError: it does not exist.
        error: it cannot be read, is too large, or no JSON of finite numbers.
    """
    try:
        with open_plain(path) as file:
            JSON.require(os.fstat(file.fileno()).st_size, str(path), error)
            text = file.read().decode("utf-8")
        content = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        _require_shallow(content)
    except FileNotFoundError:
        raise
    except OSError as failure:
        raise error(f"{path} cannot be read: {failure.strerror}") from failure
    except (ValueError, RecursionError) as failure:
        raise error(f"{path} is no {kind}: {failure}") from None
    return content


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits; no more than {_DIGITS} are read")
    return int(digits)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number")
    return number


def _require_shallow(content: object) -> None:
    """Check that whoever goes through it, or shows it, does not run out of stack."""
    level = [content]
    for _ in range(_DEPTH):
        inner = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list)]
        level = [value for values in inner for value in values]
        if not level:
            return
    raise ValueError(f"lists and mappings in one another, {_DEPTH} deep or deeper")
