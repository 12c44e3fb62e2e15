"""Work on rows, spread over threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["cores", "spread"]

# Pieces for each thread: enough to even out rows that take longer than they seem to.
_PIECES = 16


def cores(where: str, threads: int | None) -> int:
    """The number of threads asked for; None is all cores of the process, at most OMP_NUM_THREADS.

    Raises:
        ArgumentError: below 1.

    >>> cores("fit", 3)
    3
    """
    if threads is not None and threads < 1:
        raise ArgumentError(f"{where}.threads", received=threads, expected="a number >= 1, or None for all")
    if threads is not None:
        return threads
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(mine, int(said)) if said.isdecimal() and int(said) else mine


def spread(call: Callable[[int, int], object], work: npt.NDArray[Any], threads: int) -> None:
    """Call ``call(first, last)`` for pieces of equal work that cover all rows.

    Args:
        call: does rows first .. last - 1; it must not care what was done before, nor on which thread.
        work: [R] of each row.
        threads: how many at a time.

    >>> spread(lambda first, last: print(first, last), np.array([5, 0, 1]), threads=1)
    0 1
    1 2
    2 3
    """
    if len(work) == 0:
        return
    done = np.cumsum(work + 1.0)
    cuts = np.searchsorted(done, np.linspace(0, done[-1], _PIECES * threads + 1)[1:-1])
    bounds = np.unique(np.concatenate([[0], cuts, [len(work)]])).tolist()
    if threads == 1:
        for piece in pairwise(bounds):
            call(*piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        for finished in [pool.submit(call, *piece) for piece in pairwise(bounds)]:
            finished.result()
