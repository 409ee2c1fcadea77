"""Utterances that pass through a model together: which ones, and which one is at fault where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch

from layerwise.corpus.times import comparable
from layerwise.errors import LayerwiseError

Item = TypeVar("Item")

# Seconds of audio in a batch by default, padding included. On a CPU batches save little
# (tests/benchmarks/extraction.py), and one by one the numbers do not depend on the shards at all.
BATCH_SECONDS = {"cpu": 0, "cuda": 120}


def padded_batches(
    items: Iterable[Item],
    seconds: Callable[[Item], float],
    most: float,
    computed: Callable[[float], float] = lambda seconds: seconds,
) -> list[list[Item]]:
    """Items in batches of similar length, the longest first.

    A batch holds at most `most` seconds when its items are padded to the longest, or else one item.

    Args:
        computed: seconds of an item to those that a model computes for it.
    """
    batches: list[list[Item]] = []
    for item in sorted(items, key=seconds, reverse=True):
        longest = computed(seconds((batches[-1] if batches else [item])[0]))
        if batches and comparable((len(batches[-1]) + 1) * longest) <= comparable(most):
            batches[-1].append(item)
        else:
            batches.append([item])
    return batches


def computed_together(
    compute: Callable[[Sequence[Item]], list],
    batch: Sequence[Item],
    too_large: Callable[[Item], LayerwiseError],
    at_fault: Callable[[Item, LayerwiseError], LayerwiseError],
) -> list:
    """What `compute` makes of a batch; where it fails, each item is computed alone, so that an error names one.

    Args:
        too_large: an item that the device has too little memory for, alone, to the error that says so.
        at_fault: an item that raises an error, and that error, to the one that names the item.

    Raises:
        torch.cuda.OutOfMemoryError: there is too little memory for several items at once.
    """
    try:
        return compute(batch)
    except torch.cuda.OutOfMemoryError as error:
        if len(batch) > 1:
            raise
        raise too_large(batch[0]) from error
    except LayerwiseError as error:
        if len(batch) == 1:
            raise at_fault(batch[0], error) from error
    return [made for item in batch for made in computed_together(compute, [item], too_large, at_fault)]
