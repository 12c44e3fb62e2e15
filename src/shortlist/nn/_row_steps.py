"""Which steps on table rows are taken by compiled loops, and what these need."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import numpy.typing as npt
from torch import Tensor, float32

__all__ = ["first_biases", "row_loops"]

# Below so many numbers a table stays in the cache, and loading the loops takes longer than they save.
_LEAST = 1 << 21
_MOST_BIASES = 1 << 20


def row_loops(weight: Tensor) -> ModuleType | None:
    """The compiled loops for a table, None where torch takes the steps.

    Both follow one rule, and sums of floats may differ in their last digits. Which it is depends on the size
    of the table alone, so that a run and its continuation take one way.
    """
    fits = weight.device.type == "cpu" and weight.dtype == float32 and weight.is_contiguous()
    if not fits or weight.numel() < _LEAST or not _has_numba():
        return None
    return import_module("shortlist.nn._row_loops")


@cache
def first_biases(beta: float) -> npt.NDArray[np.float64]:
    """``1 - beta^t`` for t = 0, 1, ... until it is 1 to the last digit of a float32, or for a million.

    >>> first_biases(0.5)[:3].tolist()
    [0.0, 0.5, 0.75]
    """
    count = 2.0 if beta <= 0.0 else np.log(2.0**-26) / np.log(beta) + 2.0
    return 1.0 - beta ** np.arange(min(int(count) + 1, _MOST_BIASES), dtype=np.float64)


@cache
def _has_numba() -> bool:
    return find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
