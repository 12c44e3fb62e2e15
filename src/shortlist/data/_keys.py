"""Raw ids and their positions."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array
from shortlist.errors import DataError

__all__ = ["Keys"]

# Joined ids have a dictionary of their own while they are fewer than this part of all.
_MANY = 16


class Keys:
    """Distinct raw ids in a fixed order; the position of an id is its place in that order.

    Integer ids are found by binary search, others through a dictionary made at the first look-up. An id in
    the other notation (``"17850"`` for 17850, 17850 for ``"17850"``) is found too: JSON and CSV blur the two.

    >>> keys = Keys(["b", "a"])
    >>> keys.positions(["a", "zz", None]).tolist(), keys.take(np.array([0])).tolist()
    ([1, -1, -1], ['b'])
    """

    def __init__(self, values: Sequence[Any] | Array) -> None:
        self.values = _as_key_array(values)
        self._first: Keys | None = None
        self._fresh: dict[str, int] = {}
        if self._has_one_twice():
            raise DataError(
                "Keys", received="an id twice", expected="every id once", remedy="drop duplicates"
            )

    @classmethod
    def trusted(cls, values: Sequence[Any] | Array) -> "Keys":
        """Ids that are known to be distinct, such as those read back from a file: no look is taken.

        An array of int64, or of strings as objects, is kept as it is.
        """
        keys = cls.__new__(cls)
        keys._first, keys._fresh = None, {}
        as_it_is = isinstance(values, np.ndarray) and values.dtype in (np.dtype(np.int64), np.dtype(object))
        keys.values = np.asarray(values) if as_it_is else _as_key_array(values)
        return keys

    def __len__(self) -> int:
        return len(self.values)

    def _has_one_twice(self) -> bool:
        if self.values.dtype == object:
            return len(self._lookup) != len(self.values)
        if bool((self.values[1:] > self.values[:-1]).all()):
            return False
        return bool((self._sorted[1:] == self._sorted[:-1]).any())

    def positions(self, ids: Iterable[Any] | Array) -> npt.NDArray[np.int64]:
        """int64 [N]: the position of each id, -1 where it is unknown or null."""
        if isinstance(ids, np.ndarray) and _same(ids, self.values):  # an index of the whole catalogue
            return np.arange(len(self), dtype=np.int64)
        if self.values.dtype == object:
            return self._by_dictionary(ids)
        wanted, valid = _as_integers(ids)
        if len(self.values) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self.values) - 1)
        return np.where(valid & (self._sorted[place] == wanted), self._order[place], -1)

    def take(self, positions: npt.NDArray[np.integer[Any]]) -> Array:
        """The raw ids at these positions (all of them known)."""
        return np.asarray(self.values[positions])

    @cached_property
    def _order(self) -> npt.NDArray[np.int64]:
        return np.argsort(self.values, kind="stable").astype(np.int64)

    @cached_property
    def _sorted(self) -> Array:
        return self.values[self._order]

    @cached_property
    def _lookup(self) -> dict[str, int]:
        return {value: place for place, value in enumerate(self.values.tolist())}

    @property
    def first(self) -> "Keys":
        """The ids that these were before any were joined to them; their positions are the same."""
        return self if self._first is None else self._first

    def joined(self, values: Array) -> "Keys":
        """These ids and more at the end, which are of the same type, distinct, and not among them.

        Sorted arrays are merged and not sorted again, dictionaries are shared: the cost is that of a copy.

        >>> keys = Keys([7, 3]).joined(np.array([5]))
        >>> keys.values.tolist(), keys.positions([3, 5, 7]).tolist()
        ([7, 3, 5], [1, 2, 0])
        """
        if len(self) == 0:
            return Keys(values)
        keys = Keys.trusted(np.concatenate([self.values, values]))
        keys._first = self.first
        if self.values.dtype == object:
            fresh = self._fresh | {value: len(self) + place for place, value in enumerate(values.tolist())}
            many = len(fresh) * _MANY > len(self._lookup)
            keys.__dict__["_lookup"] = self._lookup | fresh if many else self._lookup
            keys._fresh = {} if many else fresh
            return keys
        order = np.argsort(values, kind="stable")
        places = np.searchsorted(self._sorted, values[order])
        keys.__dict__["_sorted"] = np.insert(self._sorted, places, values[order])
        keys.__dict__["_order"] = np.insert(self._order, places, len(self) + order)
        return keys

    def without(self, positions: npt.NDArray[np.integer[Any]]) -> "Keys":
        """The ids but for those at these positions; later ones move up.

        >>> keys = Keys([7, 3, 5]).without(np.array([1]))
        >>> keys.values.tolist(), keys.positions([3, 5, 7]).tolist()
        ([7, 5], [-1, 1, 0])
        """
        stays = np.ones(len(self), dtype=np.bool_)
        stays[positions] = False
        keys = Keys.trusted(self.values[stays])
        if self.values.dtype != object:
            places = np.cumsum(stays) - 1
            kept = stays[self._order]
            keys.__dict__["_sorted"] = self._sorted[kept]
            keys.__dict__["_order"] = places[self._order[kept]]
        return keys

    def _by_dictionary(self, ids: Iterable[Any] | Array) -> npt.NDArray[np.int64]:
        find = self._found if self._fresh else self._lookup.get
        plain = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        found = (
            find(key if isinstance(key, str) else str(key), -1) if key is not None else -1 for key in plain
        )
        return np.fromiter(found, np.int64, len(plain))

    def _found(self, key: str, otherwise: int) -> int:
        """The place of an id among those of the large dictionary, or among those joined since."""
        place = self._lookup.get(key)
        return self._fresh.get(key, otherwise) if place is None else place


def _same(one: Array, other: Array) -> bool:
    return len(one) == len(other) > 1 and one.dtype == other.dtype and bool((one == other).all())


def _as_key_array(values: Sequence[Any] | Array) -> Array:
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    # NumPy's own strings would lose a NUL at their end.
    text = not isinstance(values, np.ndarray) and str in map(type, values)
    array = np.asarray(values, dtype=object if text else None)
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    plain = array.tolist()
    out = np.empty(len(plain), dtype=object)
    out[:] = [value if isinstance(value, str) else str(value) for value in plain]
    return out


def _as_integers(ids: Iterable[Any] | Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    if isinstance(ids, np.ndarray) and ids.dtype.kind in "iu":
        return ids.astype(np.int64, copy=False), np.ones(len(ids), dtype=np.bool_)
    plain = [_integer(value) for value in ids]
    valid = np.fromiter((value is not None for value in plain), np.bool_, len(plain))
    numbers = np.fromiter((0 if value is None else value for value in plain), np.int64, len(plain))
    return numbers, valid


def _integer(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -(2**63) <= number < 2**63 and str(number) == str(value).removesuffix(".0") else None
