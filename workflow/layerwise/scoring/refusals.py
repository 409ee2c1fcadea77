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


def require_more_rows(rows: int, dx: int, dy: int) -> None:
    """Refuse training rows of which there are no more than dimensions of both views together.

    The views' column spaces then meet whatever the data are, and training correlations of 1 are certain.

    Raises:
        TooFewRowsError: the message has the numbers.
    """
    if rows <= dx + dy:
        raise TooFewRowsError(f"{rows} training rows for {dx} + {dy} dimensions: more rows than dimensions are needed")


def require_held_out(rows: int, folds: object) -> None:
    """Refuse held-out folds of fewer than three rows.

    Raises:
        EmptyFoldError: the message has the numbers.
    """
    if rows < 3:
        raise EmptyFoldError(f"{rows} held-out rows in folds {folds}: of two, any correlation is 1 or -1")
