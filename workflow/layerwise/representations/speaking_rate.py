"""Speaking rate: how many phones a second are spoken around each frame."""

from __future__ import annotations

import numpy as np

from layerwise.constants import MEL_SECONDS, SAMPLE_RATE
from layerwise.corpus.times import comparable
from layerwise.representations.windows import frames_of

WINDOW_SECONDS = 0.625
_SHORTEST = 0.001  # of a phone; an alignment may have one without length


def measure(starts: np.ndarray, ends: np.ndarray, seconds: float) -> dict[str, np.ndarray]:
    """`speaking_rate`, phones per second in the 625 ms around each frame.

    The local phone rate (Pfitzinger, ICSLP 1998). A phone counts by the share of it that lies in the window, so the
    rate has no steps. Pauses count as time, which makes it a rate of speaking and not of articulation. Phones and not
    syllables, because every alignment has them, and which of them are vowels is only known for English. A window ends
    where the utterance does.

    Args:
        starts, ends: of the phones of an utterance, in seconds from its start.
        seconds: its length.

    Returns:
        (1 + samples // 160, 1) float32, phones per second; NaN where there are no phones.
    """
    frames = frames_of(round(seconds * SAMPLE_RATE))
    if not len(starts):
        return {"speaking_rate": np.full((frames, 1), np.nan, np.float32)}
    centres = comparable(np.arange(frames) * MEL_SECONDS)
    first = np.maximum(centres - WINDOW_SECONDS / 2, 0)
    last = np.minimum(centres + WINDOW_SECONDS / 2, max(seconds, MEL_SECONDS))
    begun = _begun(np.asarray(starts, float), np.asarray(ends, float), np.stack([first, last]))
    return {"speaking_rate": ((begun[1] - begun[0]) / (last - first)).astype(np.float32)[:, None]}


def _begun(starts: np.ndarray, ends: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many phones have been spoken at each time, parts of them counted: a line between any two borders."""
    ends = np.maximum(ends, starts + _SHORTEST)
    speed = 1 / (ends - starts)
    borders = np.concatenate([starts, ends])
    order = np.argsort(borders, kind="stable")
    slopes = np.cumsum(np.concatenate([speed, -speed])[order])
    borders = borders[order]
    counts = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(borders))])
    return np.interp(times, borders, counts)
