"""What one model takes: weights, representations and operations, from its shape alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.models.catalogue import ModelEntry
from layerwise.representations.size import Drawn, layer_sizes, representation_bytes

CONV_CHANNELS, CONV_KERNELS, CONV_STRIDES = 512, (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
POSITION_KERNEL, POSITION_GROUPS = 128, 16
SECONDS_PER_ATTENTION = 20  # utterances are at most about as long


@dataclass(frozen=True)
class ModelCost:
    """What one model takes; None: not known before its checkpoint has been read.

    Attributes:
        weights, representations: bytes on the disk.
        operations: floating-point operations of all forward passes.
        cpu_seconds: shortest and longest time of the extraction on a few CPU threads.
        measured: whether a model of this size class was measured; else the time is calculated from Base's.
    """

    name: str
    weights: int | None
    representations: int | None
    operations: float | None
    cpu_seconds: tuple[float, float] | None
    measured: bool


def model_cost(
    entry: ModelEntry, drawn: Drawn, count: int, seconds: float, storage: Mapping, calibration: Mapping
) -> ModelCost:
    if not (entry.is_planned and entry.width):
        return ModelCost(entry.name, None, None, None, None, measured=False)
    sizes = layer_sizes(entry.layers, entry.width, conv_encoder(entry)[0], entry.stride_seconds)
    shards = storage["shards"]
    part = Drawn(drawn.seconds / shards, drawn.phones // shards, drawn.words // shards)
    stored = shards * representation_bytes(sizes, [part] * count, entry.stride_seconds, storage["dtype"])
    weights = 4 * parameters(entry) if entry.kind != "folder" else 0
    operations = seconds * operations_per_second(entry)
    times = calibration["extraction"]["cpu_seconds"]
    if measured := entry.size in times:
        low, high = times[entry.size]
    else:  # as many operations a second as Base
        share = operations_per_second(entry) / operations_per_second(base_model())
        low, high = (share * time for time in times["Base"])
    return ModelCost(entry.name, weights, stored, operations, (low * seconds, high * seconds), measured)


def base_model() -> ModelEntry:
    return ModelEntry("base", "base", "", conv_layers=7, blocks=12, stride_seconds=0.02, width=768)


def conv_encoder(entry: ModelEntry) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Channels, kernels and strides of the conv encoder: the architecture's, or else wav2vec 2.0's."""
    given = entry.architecture
    kernels = tuple(given.get("conv_kernel", CONV_KERNELS))[: entry.conv_layers]
    strides = tuple(given.get("conv_stride", CONV_STRIDES))[: entry.conv_layers]
    return (given.get("conv_dim") or [CONV_CHANNELS])[0], kernels, strides


def _conv_weights(entry: ModelEntry) -> list[int]:
    channels, kernels, _ = conv_encoder(entry)
    return [channels * (1 if number == 0 else channels) * kernel for number, kernel in enumerate(kernels)]


def _block_weights(entry: ModelEntry) -> int:
    wide = entry.architecture.get("intermediate_size", 4 * entry.width)
    return 4 * entry.width**2 + 2 * entry.width * wide


def _position_weights(entry: ModelEntry) -> int:
    kernel = entry.architecture.get("num_conv_pos_embeddings", POSITION_KERNEL)
    groups = entry.architecture.get("num_conv_pos_embedding_groups", POSITION_GROUPS)
    return entry.width**2 // groups * kernel


def parameters(entry: ModelEntry) -> int:
    """Numbers in the weights: what wav2vec 2.0 and its kin have in common, without norms and heads."""
    into = conv_encoder(entry)[0] * entry.width
    return sum(_conv_weights(entry)) + into + _position_weights(entry) + entry.blocks * _block_weights(entry)


def operations_per_second(entry: ModelEntry) -> float:
    """Floating-point operations of the forward pass of a second of audio."""
    rate, convs = 16_000, 0.0
    for weights, stride in zip(_conv_weights(entry), conv_encoder(entry)[2], strict=True):
        rate /= stride
        convs += 2 * weights * rate
    frames = 1 / entry.stride_seconds
    attention = 4 * SECONDS_PER_ATTENTION / 2 * frames * entry.width  # of a frame, with all others of its utterance
    return convs + frames * (2 * _position_weights(entry) + entry.blocks * (2 * _block_weights(entry) + attention))
