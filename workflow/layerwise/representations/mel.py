"""Log-mel spectra as a file of their own, for rows that are not frames: frames have theirs with the representations."""

from __future__ import annotations

import numpy as np

from layerwise.representations.features import log_mel


def measure(waveform: np.ndarray) -> dict[str, np.ndarray]:
    """`mel`, (1 + samples // 160, 80) float32, as `log_mel` has it."""
    return {"mel": log_mel(waveform)}
