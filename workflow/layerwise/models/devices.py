"""Which device a job computes on, and what happens when its memory is too small."""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


def visible_devices() -> dict[str, str]:
    """The GPUs of this process: what torch calls each (`cuda:0`) → what tells it from the others on this machine."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = asked.split(",") if asked else [str(number) for number in range(torch.cuda.device_count())]
    return {f"cuda:{number}": names[number] for number in range(torch.cuda.device_count())}


def any_device() -> str:
    """A GPU where there is one, whoever computes on it, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for what torch computes here, as extraction wants it; afterwards its settings are as before.

    What weights are made from may be summed: a model that is loaded in several threads may differ in its last digits.
    """
    threads, allowed = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = allowed


@contextmanager
def claimed_device(devices: dict[str, str] | None = None) -> Iterator[str]:
    """A GPU that no other job on this machine computes on, for the length of the block; `cpu` where there is none.

    Schedulers of clusters show each job its own GPUs. On one machine Snakemake counts how many GPUs are in use, but
    tells no job which: here each takes the first that is free. The claim is a lock of the operating system, which ends
    with the process, however that ends. With more jobs than GPUs (`--resources gpu=N` above their number) some share.

    Args:
        devices: as `visible_devices` has them.
    """
    devices = visible_devices() if devices is None else devices
    folder = Path(tempfile.gettempdir()) / f"layerwise-{os.getuid()}"  # of the machine: no file system of a network
    folder.mkdir(exist_ok=True)
    for device, name in devices.items():
        lock = FileLock(folder / f"gpu-{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield device
        finally:
            lock.release()
        return
    shared = list(devices)[os.getpid() % len(devices)] if devices else "cpu"
    if devices:
        log.warning("all %d GPUs are in use: this job shares %s", len(devices), shared)
    yield shared


class InHalves:
    """Computes batches. A batch that does not fit the device's memory is halved, and later ones as large are too."""

    def __init__(self, compute: Callable[[Sequence], list], size: Callable[[Sequence], float]):
        """Compute with `compute`, results in the order of the batch; `size` says how much memory a batch takes."""
        self._compute, self._size = compute, size
        self._too_large = math.inf

    def __call__(self, batch: Sequence) -> list:
        """The results of a batch.

        Raises:
            torch.cuda.OutOfMemoryError: there is too little memory for one item alone.
        """
        if len(batch) == 1 or self._size(batch) < self._too_large:
            try:
                return self._compute(batch)
            except torch.cuda.OutOfMemoryError:
                if len(batch) == 1:
                    raise
        # Not in the handler, whose traceback would keep the tensors of the attempt.
        if self._size(batch) < self._too_large:
            self._too_large = self._size(batch)
            log.warning(
                "too little memory on the device for a batch of %d: it is halved, and so are others", len(batch)
            )
            torch.cuda.empty_cache()
        middle = len(batch) // 2
        return [*self(batch[:middle]), *self(batch[middle:])]
