"""How many bytes representations will take on disk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.constants import MEL_BANDS, MEL_SECONDS
from layerwise.layers import is_conv
from layerwise.representations.writer import CHUNK_BYTES

NAME_BYTES = 16  # of a label or a name of an utterance: columns of text are as wide as their longest


@dataclass(frozen=True)
class LayerSize:
    """What a layer takes of each second.

    Attributes:
        width: dimensions.
        seconds_per_row: of its frames, as they are stored.
        segments: whether means over segments are stored too.
    """

    width: int
    seconds_per_row: float
    segments: bool


@dataclass(frozen=True)
class Drawn:
    """What a sample set has: seconds of audio whose frames are stored, and span → number of segments."""

    seconds: float
    segments: Mapping[str, int]


def representation_bytes(
    layers: Iterable[LayerSize], samples: Iterable[Drawn], stride_seconds: float, dtype: str
) -> int:
    """Bytes of a model's representations of some sample sets, in one file.

    A layer that does not fit float16 takes twice its share; that is rare.
    """
    layers, total = list(layers), 0
    grids = {stride_seconds, *(layer.seconds_per_row for layer in layers)}
    for sample in samples:
        for layer in layers:
            total += _dataset_bytes(sample.seconds / layer.seconds_per_row, layer.width, dtype)
            if layer.segments:
                total += sum(_dataset_bytes(rows, layer.width, dtype) for rows in sample.segments.values())
        # The mel rows that match the frames, for either grid that a layer has.
        total += sum(_dataset_bytes(sample.seconds / grid, MEL_BANDS, dtype) for grid in grids)
        total += _names_bytes(
            min(1, math.ceil(sample.seconds)), columns=2
        )  # utterances and speakers; thousands are few
        for segments in sample.segments.values():  # row, start and end; label, utterance and speaker
            total += 3 * _dataset_bytes(segments, 1, "float64") + _names_bytes(segments, columns=3)
    return total


def layer_sizes(names: Sequence[str], width: int, conv_width: int, stride_seconds: float) -> list[LayerSize]:
    """Sizes of a model's layers from what is known before its checkpoint is here.

    Conv blocks but the last are stored every 10 ms.
    """
    convs = [name for name in names if is_conv(name)]
    return [
        LayerSize(conv_width, stride_seconds if name == convs[-1] else MEL_SECONDS, segments=False)
        if name in convs
        else LayerSize(width, stride_seconds, segments=True)
        for name in names
    ]


def _names_bytes(rows: int, columns: int) -> int:
    """Bytes of columns of text."""
    return columns * _dataset_bytes(rows, NAME_BYTES, "uint8")


def _dataset_bytes(rows: float, width: int, dtype: str) -> int:
    """Bytes of a matrix on disk, in whole chunks."""
    row = width * np.dtype(dtype).itemsize
    chunk = max(1, CHUNK_BYTES // row)
    return math.ceil(rows / chunk) * chunk * row
