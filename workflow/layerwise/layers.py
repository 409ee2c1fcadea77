"""Names of layers: C1, C2, … are conv blocks, T0 is the input of the transformer, T1, T2, … are its blocks.

Which names there are, how they are ordered, and how they are written in short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CONV, TRANSFORMER = "C", "T"  # what names begin with
FIRST = "T0"  # the input of the first block
WEIGHTED = "weighted"  # in place of a layer: the learned softmax-weighted sum of all T layers
MOST_LAYERS = 9999

_INDEX = r"(?:0|[1-9][0-9]{0,3})"
# Patterns of regular expressions: one name, one of the transformer, and the layers of a job (`T3` or `T0-T6`).
LAYER, TRANSFORMER_LAYER = f"[{CONV}{TRANSFORMER}]{_INDEX}", f"{TRANSFORMER}{_INDEX}"
SPAN_OF_LAYERS = f"{LAYER}(?:-{LAYER})?"
# The same of heads: `T3`, `T0-T6`, `T7-weighted`.
HEAD = f"(?:{TRANSFORMER_LAYER}|{WEIGHTED})"
SPAN_OF_HEADS = f"{HEAD}(?:-{HEAD})?"


def layer_names(conv_layers: int, blocks: int) -> list[str]:
    """Every layer of a model in order of depth: C1…C<conv_layers>, T0…T<blocks>."""
    return [*conv_names(conv_layers), *transformer_names(blocks)]


def conv_names(conv_layers: int) -> list[str]:
    """C1…C<conv_layers>."""
    return [f"{CONV}{index}" for index in range(1, conv_layers + 1)]


def transformer_names(blocks: int) -> list[str]:
    """T0…T<blocks>."""
    return [f"{TRANSFORMER}{index}" for index in range(blocks + 1)]


def block_names(blocks: int) -> list[str]:
    """T1…T<blocks>: without T0."""
    return transformer_names(blocks)[1:]


def is_layer(name: object) -> bool:
    """Whether anything, such as a value of a file, is the name of a layer."""
    return isinstance(name, str) and re.fullmatch(LAYER, name) is not None


def is_conv(layer: str) -> bool:
    """Whether a layer is a conv block."""
    return layer.startswith(CONV)


def is_transformer(layer: str) -> bool:
    """Whether a layer is of the transformer: a block, or T0."""
    return layer.startswith(TRANSFORMER)


def layer_key(layer: str) -> tuple[str, int]:
    """Sorts names by depth: C1, C2, …, T0, T1, …

    Raises:
        ValueError: it is no layer's name.
    """
    if not is_layer(layer):
        raise ValueError(f"{layer!r} is not a layer's name; expected C1, C2, … or T0, T1, …")
    return layer[0], int(layer[1:])


def layer_index(layer: str) -> int:
    """The number in a name: 3 of T3 and of C3."""
    return layer_key(layer)[1]


def layer_ranges(layers: Iterable[str]) -> str:
    """Names in short: T0, T1, T2, T5 give `T0-T2, T5`."""
    runs: list[list[tuple[str, int]]] = []
    for kind, index in sorted({layer_key(layer) for layer in layers}):
        if runs and runs[-1][-1] == (kind, index - 1):
            runs[-1].append((kind, index))
        else:
            runs.append([(kind, index)])
    names = [[f"{kind}{index}" for kind, index in run] for run in runs]
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in names)
