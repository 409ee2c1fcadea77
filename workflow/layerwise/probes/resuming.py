"""What a killed training goes on with: a file of torch, used again by the same training and by no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from layerwise.files.atomic import replaced
from layerwise.files.own_arrays import require_stored
from layerwise.files.own_files import RereadError, rereading

log = logging.getLogger(__name__)

_OF = "training"  # key under which a state says which training it is of


class TrainingState:
    """The state of one training, in a file.

    Args:
        path: of the file; None: nothing is kept.
        training: what tells this training from any other; a state of another one is not used.
    """

    def __init__(self, path: Path | None, training: str) -> None:
        self._path, self._training = path, training

    def write(self, content: dict) -> None:
        """Replace what is there, whole or not at all."""
        if self._path is not None:
            with replaced(self._path) as temporary:
                torch.save({_OF: self._training, **content}, temporary)

    def read(self, device: str | torch.device) -> dict | None:
        """What was written; None, with a line in the log: there is no state of this training."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            require_stored(self._path)
            content = torch.load(self._path, map_location=device, weights_only=True)
        except Exception as error:  # torch raises errors of many classes for a damaged file
            log.warning("%s is cut off or damaged and is not used: the training starts again (%s)", self._path, error)
            return None
        if not isinstance(content, dict) or content.get(_OF) != self._training:
            log.info("%s is of other settings and is not used", self._path)
            return None
        return content

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """While a training takes over what a state holds: it must not go on with half of another one.

        Raises:
            RereadError: the state does not fit, although it says that it is of this training.
        """
        with rereading(self._path):
            try:
                yield
            except RuntimeError as error:  # tensors of other shapes
                raise RereadError(self._path, error) from error
