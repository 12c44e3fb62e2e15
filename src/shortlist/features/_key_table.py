"""Distinct keys in a fixed order, with whatever is known about each."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._integer_index import IntegerIndex

__all__ = ["KeyTable"]

Positions = npt.NDArray[np.int64]


class KeyTable:
    """V distinct keys of one or several columns; a key's position is its row.

    Two look-ups find the same positions: `positions` takes columns of frames and searches an index built at
    its first use (integers: `IntegerIndex`; strings: a Polars enumeration; several columns: a join), `find`
    takes single values and asks a dictionary, also built at its first use.

    Attributes:
        frame: the key columns, then columns of values by key.
        keys: names of the key columns; a null is a key like any other where there are several.

    >>> table = KeyTable(pl.DataFrame({"value": ["b", "a"]}), ("value",))
    >>> table.positions(pl.Series(["a", "c", None])).tolist(), table.find("b")
    ([1, -1, -1], 0)
    """

    def __init__(self, frame: pl.DataFrame, keys: tuple[str, ...]) -> None:
        self.frame = frame
        self.keys = keys

    def __len__(self) -> int:
        return len(self.frame)

    def positions(self, values: pl.Series) -> Positions:
        """int64 [N]: the position of each value (a struct where there are several keys), -1 for others."""
        if len(self.keys) > 1:
            wanted = values.struct.unnest().rename(dict(zip(values.struct.fields, self.keys, strict=True)))
            places = self.frame.select(self.keys).with_row_index("position")
            found = wanted.join(places, on=self.keys, how="left", nulls_equal=True, maintain_order="left")[
                "position"
            ]
        elif self.is_text:
            found = values.cast(self._enumeration, strict=False).to_physical()
        else:
            nulls = values.is_null().to_numpy() if values.null_count() else False
            return np.where(nulls, -1, self._index.positions(_integers(values))).astype(np.int64)
        return found.cast(pl.Int64).fill_null(-1).to_numpy()

    def find(self, value: Any) -> int:
        """The position of one value (a tuple where there are several keys), -1 for others."""
        return self.lookup.get(value, -1)

    @cached_property
    def is_text(self) -> bool:
        """Whether the keys of the first column are strings."""
        return self._type == pl.String

    @cached_property
    def lookup(self) -> dict[Any, int]:
        """Position of each key: a tuple where there are several key columns."""
        return {key: position for position, key in enumerate(self.values)}

    @cached_property
    def values(self) -> list[Any]:
        """The keys in order: tuples where there are several key columns."""
        return self._series.to_list() if len(self.keys) == 1 else self.frame.select(self.keys).rows()

    @property
    def _series(self) -> pl.Series:
        return self.frame[self.keys[0]]

    @property
    def _type(self) -> pl.DataType:
        return self._series.dtype

    @cached_property
    def _enumeration(self) -> pl.Enum:
        return pl.Enum(self._series)

    @cached_property
    def _index(self) -> IntegerIndex:
        return IntegerIndex(_integers(self._series))


def _integers(values: pl.Series) -> npt.NDArray[np.int64]:
    if values.dtype == pl.UInt64:
        return values.fill_null(0).to_numpy().view(np.int64)
    return values.cast(pl.Int64).fill_null(0).to_numpy()
