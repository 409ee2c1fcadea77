"""Why rows allow no score: each reason is an error, whose message holds the numbers that say so."""

from __future__ import annotations

from layerwise.errors import LayerwiseError


class RefusedScoreError(LayerwiseError):
    """These rows allow no score: its record is `skipped`, and the run goes on."""


class ViewLengthError(RefusedScoreError):
    """Two views, or a view and its folds, differ in their number of rows."""


class NonFiniteViewError(RefusedScoreError):
    """A view holds NaN or infinity."""


class EmptyFoldError(RefusedScoreError):
    """A fold that a score needs has no rows."""


class FoldError(RefusedScoreError):
    """The rows cannot be divided into these folds."""


class TooFewRowsError(RefusedScoreError):
    """There are no more training rows than dimensions of both views: a perfect fit is certain, and means nothing."""


class DegenerateViewError(RefusedScoreError):
    """A view has no direction with variance."""
