"""Threads that compute side by side, each with one thread of its libraries: no number depends on how many there are."""

from __future__ import annotations

import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import ThreadpoolController


class Workers(ThreadPoolExecutor):
    """A pool of threads for whatever computes with torch or BLAS.

    Left alone, the first products of a new thread use as many threads as the process has by default: what a sum rounds
    to would depend on which worker comes first to which rows. So every worker starts with one. BLAS counts threads for
    the whole process: it has one, in the thread that made the pool too, until `shutdown`.
    """

    def __init__(self, count: int) -> None:
        controller = ThreadpoolController()
        blas = controller.limit(limits=1, user_api="blas")
        self._restore = weakref.finalize(self, blas.restore_original_limits)
        super().__init__(count, initializer=_start, initargs=(controller,))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._restore()


def _start(controller: ThreadpoolController) -> None:
    controller.limit(limits=1, user_api="openmp")  # which counts threads for each thread that computes
    if torch := sys.modules.get("torch"):  # scoring never imports it; whoever computes with it has
        torch.set_num_threads(1)
        torch.get_num_threads()  # else a number that another thread sets before the first operation here would count
