"""JSON written by strangers."""

from __future__ import annotations

import json
import math
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit
from layerwise.files.plain_files import read_plain

# Of a configuration or an index: the index of a model with 10,000 weights is 1 MB.
JSON = Limit("LAYERWISE_MAX_CONFIG_BYTES", 1 << 24, "bytes")
_DEPTH = 100  # of lists in lists: a configuration in a configuration is 3
_DIGITS = 20  # of a whole number: what 64 bits can hold


def read_json(path: Path, error: type[LayerwiseError], kind: str = "JSON") -> object:
    """The content of a JSON file.

    Args:
        kind: what the file should be, for messages.

    Raises:
        FileNotFoundError: it does not exist.
        error: it cannot be read, is too large, or no JSON of finite numbers.
    """
    try:
        text = read_plain(path, JSON, error).decode("utf-8")
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
