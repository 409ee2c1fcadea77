"""Speaking rate: how fast phones follow each other around each frame."""

from __future__ import annotations

import numpy as np

from layerwise.constants import MEL_SECONDS, SAMPLE_RATE
from layerwise.corpus.times import comparable
from layerwise.representations.windows import frames_of

WINDOW_SECONDS = 0.625
_SHORTEST = 0.01  # seconds of a phone; an alignment may have one without length


def measure(starts: np.ndarray, ends: np.ndarray, seconds: float) -> dict[str, np.ndarray]:
    """`speaking_rate`, phones per second of speech in the 625 ms around each frame.

    The local phone rate (Pfitzinger, ICSLP 1998). A phone counts by the share of it that lies in the window, so the
    rate has no steps. Pauses count neither as phones nor as time (such a rate is also called articulation rate): else
    it would mostly say where pauses are. Phones and not syllables, because every alignment has them, and which of them
    are vowels is only known for English.

    Args:
        starts, ends: of the phones of an utterance, in seconds from its start.
        seconds: its length.

    Returns:
        (1 + samples // 160, 1) float32, phones per second; NaN where the window has no phone.
    """
    frames = frames_of(round(seconds * SAMPLE_RATE))
    rate = np.full((frames, 1), np.nan, np.float32)
    if len(starts):
        starts, ends = np.asarray(starts, float), np.asarray(ends, float)
        ends = np.maximum(ends, starts + _SHORTEST)
        centres = np.arange(frames) * MEL_SECONDS
        window = comparable(np.stack([centres - WINDOW_SECONDS / 2, centres + WINDOW_SECONDS / 2]))
        phones = np.diff(_until(starts, ends, 1 / (ends - starts), window), axis=0)[0]
        speech = np.diff(_until(starts, ends, np.ones(len(starts)), window), axis=0)[0]
        heard = comparable(speech) > 0
        rate[heard, 0] = phones[heard] / speech[heard]
    return {"speaking_rate": rate}


def _until(starts: np.ndarray, ends: np.ndarray, each_second: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What has come together until some times, when each phone brings so much a second: a line between two borders."""
    borders = np.concatenate([starts, ends])
    order = np.argsort(borders, kind="stable")
    slopes = np.cumsum(np.concatenate([each_second, -each_second])[order])
    borders = borders[order]
    sums = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(borders))])
    return np.interp(times, borders, sums)
