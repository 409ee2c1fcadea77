"""Batches for any number of processes: results come in order, and memory does not grow with their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from layerwise.progress import ProgressLine

# Those of LibriSpeech have 4 MB. In memory, intervals may take twenty times the bytes of their file.
_UTTERANCES_PER_BATCH, _BYTES_PER_BATCH = 256, 1 << 24
Item = TypeVar("Item")
Result = TypeVar("Result")


def batches_of(items: Sequence[Item], size: Callable[[Item], int]) -> list[list[Item]]:
    """Items in order, in lists of bounded length and, unless one item alone is larger, bounded bytes."""
    batches: list[list[Item]] = []
    room = 0
    for item in items:
        room -= size(item)
        if not batches or room < 0 or len(batches[-1]) == _UTTERANCES_PER_BATCH:
            batches.append([])
            room = _BYTES_PER_BATCH - size(item)
        batches[-1].append(item)
    return batches


def in_order(
    function: Callable[[Sequence[Item]], Result], batches: Sequence[Sequence[Item]], processes: int, what: str
) -> Iterator[Result]:
    """The function's value of every batch, in order; only a few are waiting to be taken at any time.

    Args:
        what: is done to the items, for the line that says how far it is.
    """
    progress = ProgressLine(what, sum(map(len, batches)), "files")
    for batch, value in zip(batches, _mapped(function, batches, min(processes, len(batches))), strict=True):
        yield value
        progress.add(len(batch))


def _mapped(function: Callable[[Item], Result], tasks: Sequence[Item], processes: int) -> Iterator[Result]:
    if processes < 2:
        yield from map(function, tasks)
        return
    # Forked: any other way imports the running program, a job's script, again in each process.
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        running: deque[Future[Result]] = deque()
        for task in tasks:
            running.append(pool.submit(function, task))
            if len(running) > 2 * processes:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
