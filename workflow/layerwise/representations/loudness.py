"""Energy: how loud each frame is."""

from __future__ import annotations

import numpy as np

from layerwise.representations.windows import QUIETEST_DB, centred, levels, windowed


def measure(waveform: np.ndarray) -> dict[str, np.ndarray]:
    """`energy`, 10 log10(Σ (w x)² / Σ w²) for a Hann window w of 25 ms, less the mean of the utterance.

    The short-time energy of Rabiner and Schafer (Digital Processing of Speech Signals, 1978), in dB: a gain of g adds
    20 log10 g. A sine of amplitude 1 has -3. What is quieter than -100 dB, digital silence too, counts as -100: that is
    about the noise of rounding to 16 bits. At both ends of the utterance, zeros complete the window, as for mel.

    Args:
        waveform: (samples,) at 16 kHz.

    Returns:
        (1 + samples // 160, 1) float32, dB.

    Raises:
        AcousticsError: more than one channel, no samples, or NaN among them.
    """
    level = np.concatenate([levels(windows) for windows in windowed(centred(waveform))])
    return {"energy": np.maximum(level, QUIETEST_DB).astype(np.float32)[:, None]}
