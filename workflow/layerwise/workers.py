"""Threads that compute side by side, each with one thread of its libraries: no number depends on how many there are."""

from __future__ import annotations

import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import ThreadpoolController


class Workers(ThreadPoolExecutor):
    """A pool of threads for whatever computes with torch or BLAS.

    Left alone, the first products of a new thread use as many threads as the process has by default: what a sum rounds
    to would depend on which worker comes first to which rows. So every worker starts with one. BLAS counts threads for
    the whole process: it has one, in the thread that made the pool too, until the last pool is shut down or forgotten.
    """

    def __init__(self, count: int) -> None:
        controller = ThreadpoolController()
        _one_blas_thread.enter(controller)
        self._leave = weakref.finalize(self, _one_blas_thread.leave)
        super().__init__(count, initializer=_start, initargs=(controller,))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._leave()


class _OneBlasThread:
    """The limit of BLAS while there is any pool: pools overlap, and the first that ends must not lift it for others."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a pool may be forgotten, and leave, while this thread makes another
        self._pools = 0
        self._limits: list = []

    def enter(self, controller: ThreadpoolController) -> None:
        with self._lock:
            self._pools += 1
            self._limits.append(controller.limit(limits=1, user_api="blas"))

    def leave(self) -> None:
        with self._lock:
            self._pools -= 1
            while not self._pools and self._limits:
                self._limits.pop().restore_original_limits()


_one_blas_thread = _OneBlasThread()


def _start(controller: ThreadpoolController) -> None:
    controller.limit(limits=1, user_api="openmp")  # which counts threads for each thread that computes
    if torch := sys.modules.get("torch"):  # scoring never imports it; whoever computes with it has
        torch.set_num_threads(1)
        torch.get_num_threads()  # else a number that another thread sets before the first operation here would count
