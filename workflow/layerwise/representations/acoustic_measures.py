"""Measures of the audio that a layer can be compared with: what each is, and how many numbers it has for each frame."""

from __future__ import annotations

from dataclasses import dataclass

from layerwise.constants import MEL_BANDS


@dataclass(frozen=True)
class Measure:
    """A measure of the audio.

    Attributes:
        dimensions: numbers for each frame.
    """

    name: str
    dimensions: int = 1


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("mel", MEL_BANDS),
        Measure("f0"),
        Measure("voicing"),
        Measure("energy"),
        Measure("spectral_tilt"),
        Measure("speaking_rate"),
    )
}
