"""Events in sorted arrays: histories and as-of questions at any time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data._entities import Entities, Of, members_of
from shortlist.data._event_values import Attribute, as_numbers, null_of
from shortlist.data._marks import Marks
from shortlist.data._ragged import Array, Ragged
from shortlist.data._sums import Sums
from shortlist.data._workspace import FileArray, Workspace, as_file, places_in

__all__ = ["ArrayLog"]

Positions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Positions]

_EVER = np.zeros(1, dtype=np.int64)
_NOTHING: Columns = {}
_OWN = {"user": "users", "item": "items", "time": "times"}


@dataclass(frozen=True)
class ArrayLog:
    """An `EventLog` over arrays of E events in any order; ties in time keep the order given.

    Every question is about a user, an item, values of columns, or a combination of these, and a stretch of
    time [since, before). Unknown users and items (-1) have no events. Sorted copies are made when first
    needed: 16 bytes an event for the order by time, 16 for each of those by user, by item and by anything
    else that is asked for, up to 24 more for each combination, and 8 to 24 for each column that is summed.

    Events of weight 0 or less, or NaN, are not positive: only `totals` and `recent` see them.

    Attributes:
        users: int64 [E], positions of users; events with -1 are kept for item statistics only.
        items: int64 [E], positions of items; events with -1 are not part of any answer.
        times: int64 [E], microseconds since 1970 UTC.
        weights: float32 [E], how strong each event is; ones by default.
        n_items: number of items in the catalogue.
        columns: further columns, [E] each: floats with NaN for null, or int64 with `NULL` for null.
        attributes: columns that follow from the user or the item of an event.
        space: where sorted copies are made.

    >>> log = ArrayLog(np.array([0, 0, 1]), np.array([5, 6, 5]), np.array([10, 20, 30]), n_items=7)
    >>> log.history(np.array([0, 0]), np.array([20, 21]), limit=10)[0].to_lists()
    [[5], [5, 6]]
    >>> nobody, since, before = np.array([-1]), np.array([0]), np.array([31])
    >>> log.counts("item", nobody, np.array([5]), since, before).tolist()
    [2]
    """

    users: Positions
    items: Positions
    times: Positions
    weights: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    n_items: int = 0
    columns: Mapping[str, Array] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    space: Workspace = field(default_factory=Workspace)

    def __len__(self) -> int:
        return len(self.times)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: arrays that are mapped from files stay there."""
        plain = {part.name: getattr(self, part.name) for part in fields(self)}
        own = {name: as_file(value) for name, value in plain.items() if isinstance(value, np.ndarray)}
        return {**plain, **own, "columns": {name: as_file(array) for name, array in self.columns.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        opened = {name: _opened(value) for name, value in state.items()}
        columns = {name: _opened(array) for name, array in state["columns"].items()}
        self.__dict__.update(opened, columns=columns)

    def stored(self, space: Workspace) -> "ArrayLog":
        """The same events, their arrays and sorted copies made in a workspace."""
        arrays: dict[str, Any] = {
            part.name: space.joined([value], value.dtype)
            for part in fields(self)
            if isinstance(value := getattr(self, part.name), np.ndarray)
        }
        columns = {name: space.joined([array], array.dtype) for name, array in self.columns.items()}
        return replace(self, **arrays, columns=columns, space=space)

    def values(self, name: str, events: Positions | slice) -> Array:
        """A column of some of the events: "user", "item", "time", or an event column."""
        if name in _OWN:
            found: Array = getattr(self, _OWN[name])[events]
            return found
        if name in self.columns:
            return self.columns[name][events]
        attribute = self.attributes[name]
        return attribute.at((self.users if attribute.of == "user" else self.items)[events])

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns."""
        return self._last(self._marked("user"), users, before, limit, ("item", "time", *names))

    def recent(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        before: Positions,
        limit: int,
        *,
        names: tuple[str, ...],
        columns: Columns = _NOTHING,
    ) -> tuple[Ragged, ...]:
        """Columns of the last ``limit`` events, positive or not, of each before a time, oldest first."""
        numbers = self._numbers(of, users, items, columns)
        return self._last(self._marked(of, positive=False), numbers, before, limit, names)

    def following(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        after: Positions,
        shift: int,
        *,
        name: str,
        columns: Columns = _NOTHING,
    ) -> Array:
        """A column of the event, positive or not, that is ``shift`` events of its entity after a time.

        Null where there is none. It looks ahead: for targets of training only.
        """
        marks, numbers = self._marked(of, positive=False), self._numbers(of, users, items, columns)
        place = marks.before(numbers, self._rank(after + 1)) + shift - 1
        there = (numbers >= 0) & (place < marks.before(numbers, np.array([len(self)])))
        values = self.values(name, marks.events[place[there]])
        found = np.full(len(numbers), null_of(values), values.dtype)
        found[there] = values
        return found

    def counts(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """How many positive events each entity had in [since, before)."""
        numbers = self._numbers(of, users, items, columns)
        start, stop = self._span(self._marked(of), numbers, since, before)
        return stop - start

    def first(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of each entity's first positive event in [since, before), -1 for none."""
        marks, numbers = self._marked(of), self._numbers(of, users, items, columns)
        start, stop = self._span(marks, numbers, since, before)
        return self._times_at(marks.events, start, stop > start)

    def last(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of each entity's last positive event in [since, before), -1 for none."""
        marks, numbers = self._marked(of), self._numbers(of, users, items, columns)
        start, stop = self._span(marks, numbers, since, before)
        return self._times_at(marks.events, stop - 1, stop > start)

    def totals(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        name: str,
        columns: Columns = _NOTHING,
    ) -> tuple[Positions, Floats]:
        """How many numbers the events of each entity in [since, before) have in a column, and their sum.

        Events that are not positive count too; nulls, NaN and infinite numbers do not.
        """
        marks, numbers = self._marked(of, positive=False), self._numbers(of, users, items, columns)
        start, stop = self._span(marks, numbers, since, before)
        return self._sums(of, name, marks).between(start, stop)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Float64 [n_items]: weighted number of positive events of every item in [since, before)."""
        order, times = self._by_time
        low, high = np.searchsorted(times, [since, before])
        rows = order[low:high]
        kept = self.items[rows] >= 0
        rows = rows[kept if self.all_positive else kept & self._positive(rows)]
        weights = self.weights[rows] if len(self.weights) else None
        return np.bincount(self.items[rows], weights, minlength=self.n_items).astype(np.float64)

    @cached_property
    def all_positive(self) -> bool:
        """Whether every event is positive."""
        return all(bool(self._positive(part).all()) for part in self.space.parts(len(self)))

    def positives(self) -> "ArrayLog":
        """The positive events, without further columns."""
        if self.all_positive:
            return ArrayLog(self.users, self.items, self.times, self.weights, self.n_items)
        kept = np.flatnonzero(self._positive(slice(None)))
        return ArrayLog(
            self.users[kept], self.items[kept], self.times[kept], self.weights[kept], self.n_items
        )

    def _last(
        self, marks: Marks, numbers: Positions, before: Positions, limit: int, names: tuple[str, ...]
    ) -> tuple[Ragged, ...]:
        stop = marks.before(numbers, self._rank(before))
        start = np.maximum(marks.before(numbers, _EVER), stop - limit)
        offsets = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.cumsum(stop - start, out=offsets[1:])
        rows = np.repeat(start - offsets[:-1], stop - start) + np.arange(offsets[-1])
        events = marks.events[rows]
        return tuple(Ragged(self.values(name, events), offsets) for name in names)

    def _span(
        self, marks: Marks, numbers: Positions, since: Positions, before: Positions
    ) -> tuple[Positions, Positions]:
        """First and one-past-last place of each entity in [since, before)."""
        start = marks.before(numbers, self._rank(since))
        return start, np.maximum(start, marks.before(numbers, self._rank(before)))

    def _times_at(self, events: Positions, place: Positions, found: npt.NDArray[np.bool_]) -> Positions:
        times = np.full(len(place), -1, dtype=np.int64)
        times[found] = self.times[events[place[found]]]
        return times

    def _rank(self, times: Positions) -> Positions:
        """How many events come before each time."""
        return places_in(self._by_time[1], times)

    def _numbers(self, of: Of, users: Positions, items: Positions, columns: Columns) -> Positions:
        if of in ("user", "item"):
            return users if of == "user" else items
        given = {"user": users, "item": items, **columns}
        members = members_of(of)
        return self._entities(members).numbers([given[member] for member in members])

    def _positive(self, events: Positions | slice) -> npt.NDArray[np.bool_]:
        if len(self.weights) == 0:
            return np.ones(len(self.items[events]), np.bool_)
        return self.weights[events] > 0

    @cached_property
    def _by_time(self) -> tuple[Positions, Positions]:
        return self.space.sorted(self.times)

    @cached_property
    def _orders(self) -> dict[tuple[tuple[str, ...], bool], Marks]:
        """Events in the order of an entity and time, for each entity asked for."""
        return {}

    @cached_property
    def _combined(self) -> dict[tuple[str, ...], Entities]:
        """Numbers of combinations and of values of columns, for each that was asked for."""
        return {}

    @cached_property
    def _summed(self) -> dict[tuple[tuple[str, ...], str], Sums]:
        """Running sums of a column in an entity's order, for each asked for."""
        return {}

    def _marked(self, of: Of, *, positive: bool = True) -> Marks:
        """Events of known items in the order of an entity and time, all or the positive ones."""
        members, positive = members_of(of), positive and not self.all_positive
        found = self._orders.get((members, positive))
        if found is None:
            order = self._by_time[0]

            def numbers(part: slice) -> Positions:
                events = order[part]
                known = self.items[events] >= 0
                known = known & self._positive(events) if positive else known
                return np.where(known, self._numbers_of_events(members, events), -1)

            found = Marks.made(numbers, order, self.space)
            self._orders[members, positive] = found
        return found

    def _numbers_of_events(self, members: tuple[str, ...], events: Positions) -> Positions:
        if members in (("user",), ("item",)):
            return self.values(members[0], events)
        return self._entities(members).numbers([self.values(member, events) for member in members])

    def _entities(self, members: tuple[str, ...]) -> Entities:
        found = self._combined.get(members)
        if found is None:
            found = Entities(members, self.values, len(self), self.n_items, self.space)
            self._combined[members] = found
        return found

    def _sums(self, of: Of, name: str, marks: Marks) -> Sums:
        members = members_of(of)
        found = self._summed.get((members, name))
        if found is None:

            def numbers(part: slice) -> Floats:
                return as_numbers(self.values(name, marks.events[part]))

            found = self._summed[members, name] = Sums(len(marks.events), numbers, self.space)
        return found


def _opened(value: Any) -> Any:
    return value.open() if isinstance(value, FileArray) else value
