"""Distinct values of a long column: their numbers, and an index that finds them again. Compiled loops."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["LongIndex", "Numbered", "can_number", "frozen", "numbered"]

Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
_NONE = np.zeros(0, np.bool_)
_NONE.flags.writeable = False
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A column by the numbers of its distinct values.

    Attributes:
        numbers: int32 [N]: from 1 in the order of the values' first rows; 0 for null.
        keys: [D + 1]: the distinct values by number, null first.
    """

    numbers: Numbers
    keys: pl.Series


def can_number(dtype: pl.DataType) -> bool:
    """Whether columns of a type can be numbered: integers and strings."""
    return dtype.is_integer() or dtype == pl.String


def numbered(kernels: ModuleType, values: pl.Series) -> Numbered:
    """Number the distinct values of a column of integers or strings."""
    if values.dtype == pl.String:
        views, buffers, _ = _words(values)
        numbers, _, _, rows = kernels.number_texts(views, buffers, _missing(values))
        keys = pl.concat([pl.Series(values.name, [None], values.dtype), values.gather(rows[1:])])
        return Numbered(numbers, keys)
    numbers, found, _ = kernels.number_integers(_integers(values), _missing(values))
    keys = pl.Series(values.name, found[1:])
    known = keys.reinterpret(signed=False) if values.dtype == pl.UInt64 else keys.cast(values.dtype)
    return Numbered(numbers, pl.concat([pl.Series(values.name, [None], values.dtype), known]))


class LongIndex:
    """Positions of V distinct integers or strings, for millions of values at a time.

    Args:
        kernels: the compiled loops.
        keys: the values, without nulls.
    """

    def __init__(self, kernels: ModuleType, keys: pl.Series) -> None:
        self._kernels = kernels
        self._text = keys.dtype == pl.String
        self._index: tuple[Any, ...]
        if self._text:
            views, buffers, self._held = _words(keys)
            _, words, slots, _ = kernels.number_texts(views, buffers, _NONE)
            self._index = frozen(words), buffers, frozen(slots)
        else:
            _, found, slots = kernels.number_integers(_integers(keys), _NONE)
            self._index = frozen(found), frozen(slots)

    def places(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """int64 [N]: the position of each value, -1 unknown, -2 null."""
        found: npt.NDArray[np.int64]
        if self._text:
            views, buffers, _held = _words(values)
            found = self._kernels.find_texts(views, buffers, _missing(values), *self._index)
        else:
            found = self._kernels.find_integers(_integers(values), _missing(values), *self._index)
        return found


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """The array as one that is only read: loops are compiled once for these, and again for others."""
    view = array.view()
    view.flags.writeable = False
    return view


def _missing(values: pl.Series) -> npt.NDArray[np.bool_]:
    return frozen(values.is_null().to_numpy()) if values.null_count() else _NONE


def _integers(values: pl.Series) -> npt.NDArray[np.int64]:
    plain = values if values.dtype == pl.UInt64 else values.cast(pl.Int64)
    return frozen(plain.fill_null(0).to_numpy().view(np.int64))


def _words(values: pl.Series) -> tuple[Words, Words, object]:
    """The views of strings, the addresses of the buffers they refer to, and what keeps these alive."""
    arrow = values.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    _, views, *data = arrow.buffers()
    words = np.frombuffer(views, np.uint64).reshape(-1, 2)[arrow.offset : arrow.offset + len(arrow)]
    addresses = np.array([buffer.address for buffer in data] or [0], np.uint64)
    return frozen(words), frozen(addresses), arrow
