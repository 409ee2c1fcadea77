"""Fundamental frequency and voicing, by pYIN."""

from __future__ import annotations

import numpy as np

from layerwise.constants import SAMPLE_RATE
from layerwise.representations.pyin import Pitches, pitch_path
from layerwise.representations.windows import HOP, centred, frames_of, stretches

# Voices of adults and most children: one outside counts as none, or an octave off. Steps of 25 cents: finer ones call
# more of what is noise voiced, as they divide what is left for no voice among more states.
PITCHES = Pitches(lowest=60.0, highest=500.0, steps=4, rate=SAMPLE_RATE, hop=HOP)
WINDOW_SAMPLES = 640  # 40 ms: two periods of the lowest voice. Longer ones call what lies beside a voice voiced.
_BLOCK_FRAMES, _MARGIN_FRAMES = 3000, 100  # half a minute, and the second on both sides that its path knows of


def measure(waveform: np.ndarray) -> dict[str, np.ndarray]:
    """`f0` and `voicing` of each frame, along the most likely path of pitches through the utterance.

    pYIN (Mauch and Dixon, ICASSP 2014): candidates are the troughs of YIN's difference function (de Cheveigné and
    Kawahara 2002), and a hidden Markov model finds a path through them that is voiced or not. f0 is in octaves (log2 of
    Hz), as pitch is heard and varies by ratios: the same melody of two voices differs by a constant. `voicing` is the
    decision of the path. pYIN's own probability of a voice says how deep a trough is, and agrees much less with what
    other programs call voiced (docs/measuring.md). Silence has no voice.

    Long utterances are decoded in blocks, so memory does not grow.

    Args:
        waveform: (samples,) at 16 kHz.

    Returns:
        two of (1 + samples // 160, 1) float32: log2 Hz, NaN where there is no voice; and 0 or 1.

    Raises:
        AcousticsError: more than one channel, no samples, or NaN among them.
    """
    windows = stretches(centred(waveform), WINDOW_SAMPLES)
    hertz = np.concatenate([_block(windows, start) for start in range(0, frames_of(len(waveform)), _BLOCK_FRAMES)])
    return {
        "f0": np.log2(hertz).astype(np.float32)[:, None],
        "voicing": (~np.isnan(hertz)).astype(np.float32)[:, None],
    }


def _block(windows: np.ndarray, start: int) -> np.ndarray:
    """The f0 in Hz of a block of frames, NaN where there is none."""
    first = max(0, start - _MARGIN_FRAMES)
    hertz = pitch_path(windows[first : start + _BLOCK_FRAMES + _MARGIN_FRAMES], PITCHES)
    return hertz[start - first : start - first + _BLOCK_FRAMES]
