"""What a killed training goes on with: a file of torch, read again by the same training and no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from layerwise.files.own_arrays import require_stored
from layerwise.files.own_files import RereadError, rereading

log = logging.getLogger(__name__)


def read_state(path: Path, key: str, mark: str, device: str | torch.device) -> dict | None:
    """The content of a state file; None, with a line in the log: there is none of this training.

    Args:
        key, mark: where it says what it is of, and what this training is.
    """
    if not path.is_file():
        return None
    try:
        require_stored(path)
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch gives what it finds in a damaged file many classes
        log.warning("%s is cut off or damaged and is not used: the training starts again (%s)", path, error)
        return None
    if not isinstance(content, dict) or content.get(key) != mark:
        log.info("%s is of other settings and is not used", path)
        return None
    return content


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """While a training takes over what a state holds: half of another one must not be gone on with.

    Raises:
        RereadError: it does not fit, although it says that it is of this training.
    """
    with rereading(path):
        try:
            yield
        except RuntimeError as error:  # tensors of other shapes
            raise RereadError(path, error) from error
