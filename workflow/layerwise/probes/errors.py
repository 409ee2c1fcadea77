"""What can be wrong with a task, its utterances and the training of its heads."""

from __future__ import annotations

from layerwise.errors import LayerwiseError


class TaskError(LayerwiseError):
    """A task says too little, or something impossible."""


class ItemError(TaskError):
    """The utterances of a task cannot be read, or nothing can be learned from them."""


class ProbeError(LayerwiseError):
    """Heads cannot be trained; the message names task, model and head."""
