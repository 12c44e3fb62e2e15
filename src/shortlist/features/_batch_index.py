"""Positions of a few hundred values at once, as requests bring them. Compiled loops.

A dictionary waits for memory value by value; the loops wait for all values together.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from shortlist.features._numbered import Integers, Texts, arrow_words, frozen

__all__ = ["BatchIndex"]

_NONE = frozen(np.zeros(0, np.bool_))


class BatchIndex:
    """Positions of V distinct integers or strings, for lists of Python values.

    Args:
        kernels: the compiled loops, which are loaded now.
        keys: the values, without nulls.
        native: the one type of values, beside None, that is looked up here.
    """

    def __init__(self, kernels: ModuleType, keys: pl.Series, native: type) -> None:
        self._types = {native, type(None)}
        text = keys.dtype == pl.String
        self._numbers = (Texts if text else Integers)(kernels, keys.dtype, len(keys))
        self._numbers.number(keys)
        self._kind = pa.string_view() if text else pa.uint64() if keys.dtype == pl.UInt64 else pa.int64()
        for part in ([], [None]):
            self.places([*keys[:1].to_list(), *part])

    def places(self, values: Sequence[Any]) -> npt.NDArray[np.int64] | None:
        """int64 [N]: the position of each value, -1 unknown, -2 null; None where one is of another type."""
        if not self._types.issuperset(map(type, values)):
            return None
        try:
            column = pa.array(values, self._kind)
        except (pa.ArrowInvalid, OverflowError, UnicodeError):  # beyond 64 bits, or no text at all
            return None
        null = _NONE
        if column.null_count:
            null = frozen(column.is_null().to_numpy(zero_copy_only=False))
        if isinstance(self._numbers, Texts):
            return self._numbers.find_words(*arrow_words(column), null)
        numbers = np.frombuffer(column.buffers()[1], np.int64, len(column))
        return self._numbers.find_plain(frozen(numbers), null)
