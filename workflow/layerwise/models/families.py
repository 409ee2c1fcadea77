"""The families of original checkpoints: a line for each, and its one file under `originals/`.

A new family is a file with a `FAMILY` and its line here; nothing else asks for a family by name. The files are imported
by their dotted names when a checkpoint is read, so that the code of one family is no part of the others' digest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerwise.models.originals.family import Family

MODULES = {  # name of the family → where its `FAMILY` is
    "wav2vec2": "layerwise.models.originals.wav2vec2",
    "hubert": "layerwise.models.originals.hubert",
    "av_hubert": "layerwise.models.originals.avhubert",
    "wavlm": "layerwise.models.originals.wavlm",
    "fast_vgs": "layerwise.models.originals.fastvgs",
}


def family(name: str) -> Family:
    return import_module(MODULES[name]).FAMILY


def families() -> list[Family]:
    return [family(name) for name in MODULES]


def modules_of(name: str = "", title: str = "") -> tuple[str, ...]:
    """The modules that read an original checkpoint, by the name or the title of its family; all where neither is known.

    Args:
        title: `family` of a catalogue entry.
    """
    if name:
        return (MODULES[name],)
    titled = tuple(MODULES[known.name] for known in families() if known.title == title)
    return titled or tuple(MODULES.values())
