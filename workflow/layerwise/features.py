"""The public names of targets computed from the waveform; `layerwise.representations.features` has the code."""

from layerwise.representations.features import log_mel

__all__ = ["log_mel"]
