"""Distinct keys in a fixed order, with whatever is known about each."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._array_columns import is_missing
from shortlist.features._batch_index import BatchIndex
from shortlist.features._combination_index import CombinationIndex
from shortlist.features._compiled import LEAST_ROWS, kernels, may_compile
from shortlist.features._integer_index import IntegerIndex
from shortlist.features._numbered import LongIndex, can_number
from shortlist.features._taken import taken

__all__ = ["NULL_KEY", "UNKNOWN_KEY", "KeyTable"]

Positions = npt.NDArray[np.int64]

UNKNOWN_KEY, NULL_KEY = -1, -2

# How many different expressions a table remembers; workflows use one or two.
_REMEMBERED = 8
# So many values in so many keys are found by compiled loops; others do not wait long for memory.
_LARGE, _SOME = 4096, 32


class KeyTable:
    """V distinct keys of one or several columns; a key's position is its row.

    Three look-ups find the same positions: `place` is an expression over frames, `positions` takes a column,
    and `find_all` single values. Each searches an index built at its first use (integers: `IntegerIndex`;
    strings: a Polars enumeration; several columns: `CombinationIndex`; single values: a dictionary). Where
    loops may be compiled, long columns of either kind are found by a `LongIndex`.

    Attributes:
        frame: the key columns, then columns of values by key.
        keys: names of the key columns; a null is a key like any other where there are several, but a key of
            nulls alone is none.

    >>> table = KeyTable(pl.DataFrame({"value": ["b", "a"]}), ("value",))
    >>> asked = pl.Series("x", ["a", "c", None])
    >>> asked.to_frame().select(table.place(pl.col("x")))["x"].to_list(), table.find_all(["a", "c", None])
    ([1, -1, -2], [1, -1, -2])
    """

    def __init__(self, frame: pl.DataFrame, keys: tuple[str, ...]) -> None:
        self.frame = frame.rechunk()  # arrays of its columns are then no copies
        self.keys = keys
        self._places: list[tuple[pl.Expr, pl.Expr]] = []
        self._whole: tuple[KeyTable, Positions] | None = None
        self._asked = 0
        self._long: LongIndex | None = None
        self._batch: BatchIndex | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.frame)

    def __getstate__(self) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """What travels to another process: the rows; look-ups are built there."""
        return self.frame, self.keys

    def __setstate__(self, state: tuple[pl.DataFrame, tuple[str, ...]]) -> None:
        KeyTable.__init__(self, *state)

    def place(self, value: pl.Expr) -> pl.Expr:
        """Int64: the position of each value (a struct where there are several keys), -1 unknown, -2 null.

        The same object for the same expression, so that a frame looks every value up once.
        """
        with self._lock:
            for known, place in self._places:
                if known.meta.eq(value):
                    return place
            place = self._looked_up(value)
            self._places = [*self._places[-_REMEMBERED + 1 :], (value, place)]
            return place

    def share(self, whole: "KeyTable") -> bool:
        """Find rows of frames by way of a table that has all of these keys: one look-up then serves both.

        Gives whether it has them; if not, nothing changes.
        """
        keys = self.frame.select(self.keys)
        found = whole.positions(self._series if len(self.keys) == 1 else keys.to_struct())
        if (found < 0).any() or (whole._whole is not None and whole._whole[0] is self):
            return False
        numbers = np.full(len(whole) + 2, UNKNOWN_KEY, np.int64)
        numbers[NULL_KEY] = NULL_KEY
        numbers[found] = np.arange(len(self))
        with self._lock:
            self._whole, self._places = (whole, numbers), []
        return True

    def positions(self, values: pl.Series) -> Positions:
        """int64 [N]: the position of each value (a struct where there are several keys), -1 for others."""
        if len(self.keys) > 1:
            return self._combinations.positions(values.struct.unnest().get_columns())
        return np.maximum(self._places_of(values), UNKNOWN_KEY)

    def find(self, value: Any) -> int:
        """The position of one value (a tuple where there are several keys), -1 for others."""
        return self.lookup.get(value, UNKNOWN_KEY)

    def find_all(self, values: Sequence[Any]) -> list[int]:
        """The positions of values (tuples where there are several keys), -1 unknown, -2 null.

        A number is found in another notation too: "17850" for 17850 and the reverse, as `Keys` does.
        """
        places: list[int] = self.find_many(values).tolist()
        return places

    def find_many(self, values: Sequence[Any]) -> Positions:
        """The same as int64 [N]."""
        if self._batch is not None and len(values) >= _SOME:
            at_once = self._batch.places(values)
            if at_once is not None:
                return at_once
        find, native = self._lookup_with_null.get, self.native
        found = np.fromiter(map(find, values, repeat(UNKNOWN_KEY)), np.int64, len(values))
        for row in np.flatnonzero(found == UNKNOWN_KEY).tolist():
            if type(values[row]) is not native:
                found[row] = find(self.as_key(values[row]), UNKNOWN_KEY)
        return found

    def as_key(self, value: Any) -> Any:
        """A single value in the notation of the keys, None for NaN."""
        if isinstance(value, tuple):
            return tuple(None if is_missing(member) else member for member in value)
        return None if is_missing(value) else _in_type(value, text=self.is_text)

    @cached_property
    def find_one(self) -> Callable[[Any, int], int]:
        """Position of one key in the notation of the table, -2 for null, and what is given for another."""
        return self._lookup_with_null.get

    @cached_property
    def native(self) -> type:
        """The type whose values have no other notation; a combination of values has none such."""
        if len(self.keys) > 1:
            return type(None)
        return {pl.String: str, pl.Boolean: bool}.get(self._type.base_type(), int)

    def warm_up(self) -> None:
        """Build the look-ups of single values now, and of some at once where loops may be compiled."""
        _ = self._lookup_with_null
        loops = kernels(LEAST_ROWS) if len(self) >= _LARGE and len(self.keys) == 1 else None
        if loops is not None and can_number(self._type):
            self._batch = BatchIndex(loops, self._series, self.native)

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

    @cached_property
    def _lookup_with_null(self) -> dict[Any, int]:
        nothing = None if len(self.keys) == 1 else (None,) * len(self.keys)
        self.lookup[nothing] = NULL_KEY
        return self.lookup

    def _looked_up(self, value: pl.Expr) -> pl.Expr:
        if self._whole is None:
            return self._searched(value)
        whole, numbers = self._whole

        def take(places: pl.Series) -> pl.Series:
            known = places.fill_null(UNKNOWN_KEY) if places.null_count() else places
            return pl.Series(places.name, taken(numbers, known.to_numpy()))

        place = whole.place(value)
        same = np.array_equal(numbers[: len(whole)], np.arange(len(whole)))
        return place if same else place.map_batches(take, return_dtype=pl.Int64, is_elementwise=True)

    def _searched(self, value: pl.Expr) -> pl.Expr:
        if self._is_plain_text and not may_compile():
            return _enumerated(pl.Enum(self._series), value)

        def search(values: pl.Series) -> pl.Series:
            return pl.Series(values.name, self._places_of(values))

        return value.map_batches(search, return_dtype=pl.Int64, is_elementwise=True)

    def _places_of(self, values: pl.Series) -> Positions:
        """int64 [N]: the position of each value, -1 unknown, -2 null."""
        index = self._long_index(values)
        if index is not None:
            return index.places(values)
        if self._is_plain_text:
            return values.to_frame("x").select(self._by_enumeration).to_series().to_numpy()
        if len(self.keys) > 1:
            places = self._combinations.positions(values.struct.unnest().get_columns())
        else:
            places = self._index.positions(_integers(values)).astype(np.int64)
        nulls = _nulls(values)
        if nulls is not None:
            places[nulls] = NULL_KEY
        return places

    def _long_index(self, values: pl.Series) -> LongIndex | None:
        """The index for so many values, if there is one for these types."""
        self._asked += len(values)
        loops = kernels(len(values), self._asked) if len(self.keys) == 1 else None
        if loops is None or not can_number(self._type) or (values.dtype == pl.String) != self.is_text:
            return None
        if self._long is None:  # two may come here at once; to wait for each other, they could wait for ever
            self._long = LongIndex(loops, self._series)
        return self._long

    @cached_property
    def _by_enumeration(self) -> pl.Expr:
        """The positions of strings x; the expression holds Polars' index of the keys."""
        return _enumerated(pl.Enum(self._series), pl.col("x"))

    @property
    def _series(self) -> pl.Series:
        return self.frame[self.keys[0]]

    @property
    def _type(self) -> pl.DataType:
        return self._series.dtype

    @property
    def _is_plain_text(self) -> bool:
        return len(self.keys) == 1 and self.is_text

    @cached_property
    def _combinations(self) -> CombinationIndex:
        def member(values: pl.Series) -> KeyTable:
            distinct = values.drop_nulls().unique(maintain_order=True)
            return KeyTable(distinct.to_frame(), (distinct.name,))

        return CombinationIndex(self.frame.select(self.keys).get_columns(), member)

    @cached_property
    def _index(self) -> IntegerIndex:
        return IntegerIndex(_integers(self._series))


def _enumerated(keys: pl.Enum, value: pl.Expr) -> pl.Expr:
    found = value.cast(keys, strict=False).to_physical().cast(pl.Int64)
    return pl.when(value.is_not_null()).then(found.fill_null(UNKNOWN_KEY)).otherwise(NULL_KEY)


def _integers(values: pl.Series) -> npt.NDArray[np.int64]:
    if values.dtype == pl.UInt64:
        return values.fill_null(0).to_numpy().view(np.int64)
    return values.cast(pl.Int64).fill_null(0).to_numpy()


def _nulls(values: pl.Series) -> npt.NDArray[np.bool_] | None:
    if values.dtype == pl.Struct:
        return values.struct.unnest().select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    return values.is_null().to_numpy() if values.null_count() else None


def _in_type(value: Any, *, text: bool) -> Any:
    """The value in the notation of the keys."""
    if text:
        return value if isinstance(value, str) else str(value)
    if not isinstance(value, str):
        return value
    digits = value.removeprefix("-")
    plain = digits.isascii() and digits.isdigit() and str(int(digits)) == digits
    return int(value) if plain else value
