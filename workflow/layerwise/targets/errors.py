"""What is wrong with a target that is looked up."""

from __future__ import annotations

from layerwise.errors import LayerwiseError


class LookUpError(LayerwiseError):
    """A file of vectors or a column cannot be used; the message names file and line, and says what would be right."""
