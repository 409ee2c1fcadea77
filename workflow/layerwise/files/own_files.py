"""Files that this workflow wrote, read again with checks: somebody may have changed or sent them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit
from layerwise.files.plain_files import require_plain
from layerwise.layers import MOST_LAYERS

# Four million scores; of one job they take megabytes. Read, a file takes some ten times its size.
MAX_BYTES = Limit("LAYERWISE_MAX_RESULT_BYTES", 1 << 30, "bytes")
# What changed files cause.
_NOT_OURS = (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, zipfile.BadZipFile)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class RereadError(LayerwiseError):
    """A file is not what this workflow writes; the message names it.

    Attributes:
        found: what it is instead.
    """

    def __init__(self, path: object, found: object) -> None:
        self.found = " ".join(str(found).split()).rstrip(".")  # libraries say it in several lines
        super().__init__(
            f"{path} is not as this workflow writes it: {self.found}. Delete it and run the same command again"
        )


@contextmanager
def rereading(path: object) -> Iterator[None]:
    """Turns any error that a changed file causes into one that names the file.

    Raises:
        RereadError: the block failed, because of what the file holds.
    """
    try:
        yield
    except _NOT_OURS as error:
        raise RereadError(path, f"{type(error).__name__}: {error}") from error
    except (MemoryError, RecursionError) as error:
        raise RereadError(path, f"it holds too much, or too deep ({type(error).__name__})") from error


def read_own_json(path: Path) -> dict:
    """A JSON file whose outermost value is an object.

    Raises:
        RereadError: it is another file.
    """
    with rereading(path):
        require_plain(path, lambda found: RereadError(path, found))
        MAX_BYTES.require(path.stat().st_size, str(path), LayerwiseError)
        data = path.read_bytes()
        content = json.loads(data.decode())  # of bytes, json would read halves of characters too
        if _HALF.search(data):  # half of a character may stand alone in JSON, but in no file that is written from it
            json.dumps(content, ensure_ascii=False).encode()
    if not isinstance(content, dict):
        raise RereadError(path, "it holds no object of JSON")
    return content


def read_shape(path: Path) -> dict:
    """What `layerwise.models.describe.write_outline` wrote of the layers of a model.

    Raises:
        FileNotFoundError: it has not been written yet, which Snakemake understands.
        RereadError: it is another file.
    """
    path.stat()
    shape = read_own_json(path)
    counts = {"conv_layers": (0, 1000), "blocks": (1, MOST_LAYERS), "width": (1, 10_000_000)}
    for key, (least, most) in counts.items():
        if not is_count(shape.get(key), least, most):
            raise RereadError(path, f"{key} is {shape.get(key)!r}, a whole number from {least} to {most} is expected")
    stride = shape.get("stride_seconds")
    if type(stride) not in (int, float) or not 0 < stride <= 60:
        raise RereadError(path, f"stride_seconds is {stride!r}, a number above 0 is expected")
    return shape


def is_count(value: object, least: int = 0, most: int = MOST_LAYERS) -> bool:
    """Whether a value of a file is a whole number in bounds."""
    return type(value) is int and least <= value <= most
