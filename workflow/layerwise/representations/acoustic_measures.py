"""Acoustic measures that layers are compared with, and where their files lie: read where no library of audio is.

A family is what one job measures in one pass, into one file. A new measure is an entry of `MEASURES` and a value that
the module of its family returns under that name.
"""

from __future__ import annotations

from dataclasses import dataclass

from layerwise.constants import MEL_BANDS
from layerwise.errors import LayerwiseError

WAVEFORM, PHONES = "waveform", "phones"  # what a family is measured on


class AcousticsError(LayerwiseError):
    """Something has no acoustic measures, or has other ones than were asked for."""


@dataclass(frozen=True)
class Family:
    """Measures that are taken together.

    Attributes:
        name: of the file, <name>.h5.
        module: has `measure(waveform)` or `measure(starts, ends, seconds)`, which returns a matrix (frames ×
            dimensions) for each measure of the family.
        takes: `WAVEFORM`, the audio; or `PHONES`, when each phone begins and ends, and no audio.
    """

    name: str
    module: str
    takes: str = WAVEFORM


@dataclass(frozen=True)
class Measure:
    """One target: a number, or a few, every 10 ms.

    Attributes:
        name: of the dataset, and of the target in a property.
        definition: in words; it stands beside the numbers in the file.
        unit: of the numbers.
        source: where the definition is from.
        dimensions: columns.
    """

    name: str
    family: str
    title: str
    unit: str
    definition: str
    source: str
    dimensions: int = 1


FAMILIES = {
    family.name: family
    for family in (
        Family("mel", "layerwise.representations.mel"),
        Family("pitch", "layerwise.representations.pitch"),
        Family("loudness", "layerwise.representations.loudness"),
        Family("tilt", "layerwise.representations.tilt"),
        Family("rate", "layerwise.representations.speaking_rate", PHONES),
    )
}

MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "mel",
            "mel",
            "log-mel spectrum",
            "dB / 80 + 1",
            "80 log-mel filterbank energies from 50 Hz, of a Hann window of 25 ms, at least 80 dB below the loudest",
            "Pasad et al. 2023, their code",
            MEL_BANDS,
        ),
        Measure(
            "f0",
            "pitch",
            "fundamental frequency",
            "log2 Hz",
            "log2 of the fundamental frequency in Hz, from 60 to 500 Hz in steps of 25 cents, by pYIN in windows of "
            "40 ms; NaN where it finds no voice",
            "Mauch and Dixon 2014 (pYIN)",
        ),
        Measure(
            "voicing",
            "pitch",
            "voicing",
            "0 or 1",
            "1 where the most likely path of pYIN is voiced, else 0; windows of 40 ms, 60 to 500 Hz",
            "Mauch and Dixon 2014 (pYIN)",
        ),
        Measure(
            "energy",
            "loudness",
            "energy",
            "dB",
            "level of a Hann window of 25 ms in dB, 0 for a mean square of 1; at least -100, as digital silence has",
            "short-time energy (Rabiner and Schafer 1978), in dB",
        ),
        Measure(
            "spectral_tilt",
            "tilt",
            "spectral tilt",
            "dB per octave",
            "slope of the least-squares line through the power densities, in dB, of 15 third-octave bands from 250 "
            "to 6300 Hz over log2 of their centres, in a Hann window of 25 ms; white noise has 0, pink noise -3; "
            "NaN below -100 dB",
            "spectral slope (Lerch 2012), over octaves",
        ),
        Measure(
            "speaking_rate",
            "rate",
            "speaking rate",
            "phones per second",
            "phones per second of speech in the 625 ms around the frame: pauses count neither as phones nor as time, "
            "a phone that lies partly in them counts by that part; NaN where there is no phone",
            "local phone rate (Pfitzinger 1998)",
        ),
    )
}


def measures_of(family: str) -> list[Measure]:
    """The measures of a family, in the order of the registry."""
    return [measure for measure in MEASURES.values() if measure.family == family]
