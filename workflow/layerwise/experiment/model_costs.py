"""What one model takes: weights, representations and operations, from its shape alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.constants import MEL_SECONDS, SAMPLE_RATE
from layerwise.layers import CONV, is_conv
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
        passes: how often the audio passes through it.
        operations: floating-point operations of all forward passes.
        cpu_seconds: shortest and longest time of the extraction on a few CPU threads.
        measured: whether a model of this size class was measured; else the time is calculated from Base's.
    """

    name: str
    weights: int | None
    representations: int | None
    passes: int
    operations: float | None
    cpu_seconds: tuple[float, float] | None
    measured: bool


@dataclass(frozen=True)
class Encoder:
    """The shape of a model, from which its sizes follow: what wav2vec 2.0 and its kin have in common."""

    channels: int
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    blocks: int
    width: int
    feed_forward: int
    position_kernel: int
    position_groups: int
    stride_seconds: float

    @classmethod
    def of(cls, entry: ModelEntry) -> Encoder | None:
        """The architecture's numbers, or else wav2vec 2.0's; None: nobody knows before the checkpoint has been read."""
        if entry.blocks is None or entry.stride_seconds is None or not entry.width:
            return None
        given = entry.architecture
        return cls(
            channels=(given.get("conv_dim") or [CONV_CHANNELS])[0],
            kernels=tuple(given.get("conv_kernel", CONV_KERNELS))[: entry.conv_layers],
            strides=tuple(given.get("conv_stride", CONV_STRIDES))[: entry.conv_layers],
            blocks=entry.blocks,
            width=entry.width,
            feed_forward=given.get("intermediate_size", 4 * entry.width),
            position_kernel=given.get("num_conv_pos_embeddings", POSITION_KERNEL),
            position_groups=given.get("num_conv_pos_embedding_groups", POSITION_GROUPS),
            stride_seconds=entry.stride_seconds,
        )

    def width_of(self, layer: str) -> int:
        """Dimensions of a layer."""
        return self.channels if is_conv(layer) else self.width

    def seconds_per_row(self, layer: str) -> float:
        """Of a layer's frames as they are stored: conv blocks but the last every 10 ms."""
        is_fine = is_conv(layer) and layer != f"{CONV}{len(self.kernels)}"
        return MEL_SECONDS if is_fine else self.stride_seconds

    @property
    def parameters(self) -> int:
        """Numbers in the weights, without norms and heads."""
        into = self.channels * self.width
        return sum(self._conv_weights) + into + self._position_weights + self.blocks * self._block_weights

    @property
    def operations_per_second(self) -> float:
        """Floating-point operations of the forward pass of a second of audio."""
        rate, convs = float(SAMPLE_RATE), 0.0
        for weights, stride in zip(self._conv_weights, self.strides, strict=True):
            rate /= stride
            convs += 2 * weights * rate
        frames = 1 / self.stride_seconds
        attention = 4 * SECONDS_PER_ATTENTION / 2 * frames * self.width  # of a frame, with all others of its utterance
        return convs + frames * (2 * self._position_weights + self.blocks * (2 * self._block_weights + attention))

    @property
    def _conv_weights(self) -> list[int]:
        return [
            self.channels * (1 if number == 0 else self.channels) * kernel for number, kernel in enumerate(self.kernels)
        ]

    @property
    def _block_weights(self) -> int:
        return 4 * self.width**2 + 2 * self.width * self.feed_forward

    @property
    def _position_weights(self) -> int:
        return self.width**2 // self.position_groups * self.position_kernel


# Of the size whose speed was measured.
BASE = Encoder(
    CONV_CHANNELS, CONV_KERNELS, CONV_STRIDES, 12, 768, 4 * 768, POSITION_KERNEL, POSITION_GROUPS, stride_seconds=0.02
)


def model_cost(
    entry: ModelEntry, drawn: Drawn, count: int, passes: int, each: float, storage: Mapping, calibration: Mapping
) -> ModelCost:
    """What one model takes.

    Args:
        drawn: what is stored of a sample set. count: of sample sets. passes: of the audio through the model; each: its
            seconds.
        storage: `representations` of the configuration.
        calibration: the table of measurements.
    """
    encoder = Encoder.of(entry)
    if encoder is None:
        return ModelCost(entry.name, None, None, passes, None, None, measured=False)
    sizes = layer_sizes(entry.layers, encoder.width, encoder.channels, encoder.stride_seconds)
    shards = storage["shards"]
    part = Drawn(drawn.seconds / shards, {span: rows // shards for span, rows in drawn.segments.items()})
    stored = shards * representation_bytes(sizes, [part] * count, encoder.stride_seconds, storage["dtype"])
    weights = 4 * encoder.parameters if entry.kind != "folder" else 0
    low, high = pass_seconds(entry, encoder, calibration["extraction"])
    measured = entry.size in calibration["extraction"]["cpu_seconds"]
    seconds = passes * each
    operations = seconds * encoder.operations_per_second
    return ModelCost(entry.name, weights, stored, passes, operations, (low * seconds, high * seconds), measured)


def pass_seconds(entry: ModelEntry, encoder: Encoder, extraction: Mapping) -> tuple[float, float]:
    """Shortest and longest time of the pass of a second of audio on a few CPU threads.

    Args:
        extraction: of the table of measurements.
    """
    times = extraction["cpu_seconds"]
    if entry.size in times:
        low, high = times[entry.size]
        return low, high
    share = encoder.operations_per_second / BASE.operations_per_second  # as many operations a second as Base
    low, high = times["Base"]
    return share * low, share * high
