"""The largest sizes that a configuration may declare, compared before anything is made of it."""

from __future__ import annotations

import math

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.files.limits import Limit

# What is declared in a few bytes, and costs memory, jobs and files. The largest published models have 48 blocks and 7
# conv blocks, widths below 20,000 and vocabularies below 300,000; their frames are up to 80 ms apart.
LAYERS = Limit("LAYERWISE_MAX_LAYERS", 1000, "layers")
SIZE = Limit("LAYERWISE_MAX_MODEL_SIZE", 1_000_000, "dimensions")
STRIDE = Limit("LAYERWISE_MAX_STRIDE", 10 * SAMPLE_RATE, "samples from frame to frame")

BLOCK_COUNTS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_adapter_layers")


def require_possible(config: dict, error: type[LayerwiseError], where: str = "") -> None:
    """Compare what a configuration declares with what models have, before anything is made of it.

    Args:
        where: begins the message.

    Raises:
        error: it declares more than `LAYERS`, `SIZE` or `STRIDE`.
    """
    layers, sizes = LAYERS.value, SIZE.value
    for key, value in config.items():
        numbers = value if isinstance(value, list | tuple) else (value,)
        if len(numbers) > layers:
            LAYERS.require(len(numbers), f"{where}{key}", error)
        for number in numbers:
            if isinstance(number, int) and number > (layers if key in BLOCK_COUNTS else sizes):
                (LAYERS if key in BLOCK_COUNTS else SIZE).require(number, f"{where}{key}", error)
    if strides := config.get("conv_stride"):
        STRIDE.require(math.prod(strides) * (config.get("squeeze_factor") or 1), f"{where}conv_stride", error)
    if "max_bucket_distance" in config:  # WavLM counts half of half of its buckets one by one, the others by logarithms
        singly, farthest = config["num_buckets"] // 4, config["max_bucket_distance"]
        if not 0 < singly < farthest:
            raise error(
                f"{where}num_buckets is {config['num_buckets']}, max_bucket_distance {farthest}: 4 or more, and a "
                "distance beyond a quarter of them, are expected"
            )
