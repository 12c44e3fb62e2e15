"""What every store and event log must answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Entity, EventLog, Store

__all__ = ["PlainLog", "check_empty_questions", "check_same_answers", "check_unknown_rows"]

Positions = npt.NDArray[np.int64]
_ENTITIES: tuple[Entity, ...] = ("user", "item", "pair")


@dataclass(frozen=True)
class PlainLog:
    """The slow, plain truth about events ``(user, item, time, weight)`` in the order they came."""

    events: list[tuple[int, int, int, float]]
    n_items: int

    def history(self, user: int, before: int, limit: int) -> list[int]:
        """Items of a user before a time, oldest first."""
        rows = [event for event in self._known() if user >= 0 and event[0] == user and event[2] < before]
        return [event[1] for event in sorted(rows, key=lambda event: event[2])][-limit:]

    def times(self, user: int | None, item: int | None, since: int, before: int) -> list[int]:
        """Times of the events of a user, an item, or both in [since, before)."""
        if -1 in (user, item):
            return []
        return [
            time
            for one, thing, time, _ in self._known()
            if user in (None, one) and item in (None, thing) and since <= time < before
        ]

    def popularity(self, since: int, before: int) -> list[float]:
        """Weight of the events of every item in [since, before)."""
        totals = [0.0] * self.n_items
        for _, item, time, weight in self._known():
            if since <= time < before:
                totals[item] += weight
        return totals

    def _known(self) -> list[tuple[int, int, int, float]]:
        return [event for event in self.events if event[1] >= 0]


def check_same_answers(log: EventLog, truth: PlainLog, questions: list[tuple[int, int, int, int]]) -> None:
    """A log answers questions ``(user, item, since, before)`` as the plain truth does."""
    asked = np.array(questions, dtype=np.int64).reshape(-1, 4)
    users, items, since, before = (np.ascontiguousarray(column) for column in asked.T)
    for limit in (1, 3, 100):
        found, times = log.history(users, before, limit)
        assert found.to_lists() == [truth.history(u, b, limit) for u, _, _, b in questions]
        assert times.offsets.tolist() == found.offsets.tolist()
        assert all(t == sorted(t) for t in times.to_lists())
    for of in _ENTITIES:
        known = [truth.times(*_named(of, u, i), s, b) for u, i, s, b in questions]
        assert log.counts(of, users, items, since, before).tolist() == [len(times) for times in known]
        assert log.first(of, users, items, since, before).tolist() == [min(t, default=-1) for t in known]
        assert log.last(of, users, items, since, before).tolist() == [max(t, default=-1) for t in known]
    for _, _, start, stop in questions:
        assert log.popularity(start, stop).tolist() == truth.popularity(start, stop)


def check_empty_questions(log: EventLog, items: int) -> None:
    """Asked about nobody, a log gives empty answers of the right kind."""
    none = np.zeros(0, dtype=np.int64)
    history, times = log.history(none, none, 5)
    assert len(history) == len(times) == 0
    for of in _ENTITIES:
        for ask in (log.counts, log.first, log.last):
            assert ask(of, none, none, none, none).shape == (0,)
    assert log.popularity(10, 10).tolist() == [0.0] * items


def check_unknown_rows(store: Store) -> None:
    """Columns of unknown ids are null, whatever their type, and their order is that asked for."""
    nobody = np.array([-1, -1])
    for name, column in store.item_columns(nobody, store.item_schema.names).items():
        assert len(column) == 2, name
        assert all(_is_null(value) for value in _values(column)), name
    assert store.user_positions([None, "nobody of this name"]).tolist() == [-1, -1]
    places = np.arange(len(store.items))[::-1]
    key = store.item_schema.item.name
    assert _values(store.item_columns(places, (key,))[key]) == store.items.take(places).tolist()


def _named(of: Entity, user: int, item: int) -> tuple[int | None, int | None]:
    return (None if of == "item" else user), (None if of == "user" else item)


def _values(column: Any) -> list[Any]:
    return column.to_lists() if hasattr(column, "to_lists") else column.tolist()  # type: ignore[no-any-return]


def _is_null(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_null(part) for part in value)
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124
