"""What every store and event log must answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import NULL, Entity, EventLog, Store, members_of

__all__ = [
    "PlainLog",
    "check_column_answers",
    "check_empty_questions",
    "check_same_answers",
    "check_unknown_rows",
]

Positions = npt.NDArray[np.int64]
_ENTITIES: tuple[Entity, ...] = ("user", "item", "pair")


@dataclass(frozen=True)
class PlainLog:
    """The slow, plain truth about events ``(user, item, time, weight)`` in the order they came.

    Attributes:
        events: the events; those of weight 0 or less are not positive.
        n_items: number of items.
        columns: further columns of the events.
    """

    events: list[tuple[int, int, int, float]]
    n_items: int
    columns: Mapping[str, list[Any]] = field(default_factory=dict)

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

    def rows(self, asked: Mapping[str, Any], since: int, before: int) -> list[int]:
        """Numbers of the events in [since, before) that agree with what is asked, positive or not."""
        if any(asked.get(side) == -1 for side in ("user", "item")) or NULL in asked.values():
            return []
        own = [{"user": user, "item": item} for user, item, _, _ in self.events]
        for name, values in self.columns.items():
            for event, value in zip(own, values, strict=True):
                event[name] = value
        found = [
            number
            for number, (_, item, time, _) in enumerate(self.events)
            if item >= 0
            and since <= time < before
            and all(own[number][name] == value for name, value in asked.items())
        ]
        return sorted(found, key=lambda number: self.events[number][2])

    def is_positive(self, number: int) -> bool:
        """Whether an event is positive."""
        return self.events[number][3] > 0

    def _known(self) -> list[tuple[int, int, int, float]]:
        return [event for event in self.events if event[1] >= 0 and event[3] > 0]


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


def check_column_answers(
    log: EventLog, truth: PlainLog, questions: list[tuple[int, int, int, int, int]], *, key: str, value: str
) -> None:
    """A log answers questions ``(user, item, key, since, before)`` that name event columns as the truth does.

    Args:
        log: the log.
        truth: what is so.
        questions: what is asked.
        key: a column of integers.
        value: a column of floats.
    """
    asked = np.array(questions, dtype=np.int64).reshape(-1, 5)
    users, items, keys, since, before = (np.ascontiguousarray(column) for column in asked.T)
    plain = {"user": users, "item": items, key: keys}
    ever = np.full(len(users), -(2**62))
    for of in ((key,), ("user", key), (key, "item"), ("user", "item", key), "user", "pair"):
        members = members_of(of)
        given = [{name: int(plain[name][row]) for name in members} for row in range(len(users))]
        windows = zip(given, since.tolist(), before.tolist(), strict=True)
        rows = [truth.rows(one, start, stop) for one, start, stop in windows]
        past = [truth.rows(one, -(2**62), stop) for one, stop in zip(given, before.tolist(), strict=True)]
        positive = [[number for number in part if truth.is_positive(number)] for part in rows]
        own = {} if key not in members else {key: keys}
        asking = (of, users, items, since, before)
        assert log.counts(*asking, columns=own).tolist() == [len(part) for part in positive]
        times = [[truth.events[number][2] for number in part] for part in positive]
        assert log.first(*asking, columns=own).tolist() == [min(part, default=-1) for part in times]
        assert log.last(*asking, columns=own).tolist() == [max(part, default=-1) for part in times]
        _check_totals(log.totals(*asking, name=value, columns=own), [_numbers(truth, value, r) for r in rows])
        _check_totals(
            log.totals(of, users, items, ever, before, name=key, columns=own),
            [[float(n) for n in (truth.columns[key][row] for row in part) if n != NULL] for part in past],
        )
        for limit in (1, 2, 50):
            found = log.recent(of, users, items, before, limit, names=("item", key), columns=own)
            last = [part[-limit:] for part in past]
            assert found[0].to_lists() == [[truth.events[row][1] for row in part] for part in last]
            assert found[1].to_lists() == [[truth.columns[key][row] for row in part] for part in last]
    found = log.history(users, before, 2, (key, value))
    past = [truth.rows({"user": int(u)}, -(2**62), int(b)) for u, b in zip(users, before, strict=True)]
    last = [[row for row in part if truth.is_positive(row)][-2:] for part in past]
    assert found[2].to_lists() == [[truth.columns[key][row] for row in part] for part in last]
    np.testing.assert_array_equal(
        found[3].values, [truth.columns[value][row] for part in last for row in part]
    )


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
    strangers = store.user_positions([None, "nobody of this name"])
    assert strangers[0] == -1
    for name, column in store.user_columns(strangers, store.user_schema.names).items():
        assert all(_is_null(value) for value in _values(column)), name
    places = np.arange(len(store.items))[::-1]
    key = store.item_schema.item.name
    assert _values(store.item_columns(places, (key,))[key]) == store.items.take(places).tolist()


def _numbers(truth: PlainLog, name: str, rows: list[int]) -> list[float]:
    return [truth.columns[name][row] for row in rows if np.isfinite(truth.columns[name][row])]


def _check_totals(found: tuple[Positions, Any], expected: list[list[float]]) -> None:
    assert found[0].tolist() == [len(part) for part in expected]
    np.testing.assert_allclose(found[1], [fsum(part) for part in expected], rtol=1e-12, atol=1e-6)


def _named(of: Entity, user: int, item: int) -> tuple[int | None, int | None]:
    return (None if of == "item" else user), (None if of == "user" else item)


def _values(column: Any) -> list[Any]:
    return column.to_lists() if hasattr(column, "to_lists") else column.tolist()  # type: ignore[no-any-return]


def _is_null(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_null(part) for part in value)
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124
