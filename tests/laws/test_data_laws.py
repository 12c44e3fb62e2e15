"""Laws of the shapes in flight."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import ArrayLog, Candidates, Ragged, merge

ROWS = st.lists(st.lists(st.integers(1, 9), max_size=4), max_size=5)
EVENTS = st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 3), st.integers(0, 5)), max_size=25)


@given(ROWS, st.integers(0, 5))
def test_ragged_equals_python_lists(rows: list[list[int]], limit: int) -> None:
    ragged = Ragged.of(rows)
    assert ragged.to_lists() == rows
    assert ragged.last(limit).to_lists() == [row[max(len(row) - limit, 0) :] for row in rows]
    assert [row[row > 0].tolist() for row in ragged.padded()] == rows
    assert [row[row > 0].tolist() for row in ragged.first_padded(limit)] == [row[:limit] for row in rows]
    assert ragged.keep(ragged.values > 4).to_lists() == [[v for v in row if v > 4] for row in rows]
    backwards = np.arange(len(rows))[::-1]
    assert ragged.take(backwards).to_lists() == rows[::-1]


@settings(max_examples=60)
@given(EVENTS, st.integers(-1, 2), st.integers(-1, 3), st.integers(0, 6), st.integers(0, 6))
def test_the_log_sees_only_what_is_strictly_before(
    events: list[tuple[int, int, int]], user: int, item: int, since: int, before: int
) -> None:
    users, items, times = (np.array([event[place] for event in events], dtype=np.int64) for place in range(3))
    log = ArrayLog(users, items, times, n_items=4)
    one = lambda value: np.array([value])  # noqa: E731
    known = [(u, i, t) for u, i, t in sorted(events, key=lambda e: e[2]) if i >= 0]
    past = [event for event in known if event[2] < before]
    mine = [event for event in past if event[0] == user and user >= 0]
    of_item = [event for event in past if event[1] == item]
    pair = [event for event in mine if event[1] == item]
    assert log.history(one(user), one(before), 3)[0].to_lists() == [[i for _, i, _ in mine][-3:]]
    for of, rows in (("user", mine), ("item", of_item), ("pair", pair)):
        asked = (of, one(user), one(item), one(since), one(before))
        within = [time for _, _, time in rows if time >= since]
        assert log.counts(*asked).tolist() == [len(within)]
        assert log.first(*asked).tolist() == [min(within, default=-1)]
        assert log.last(*asked).tolist() == [max(within, default=-1)]
    counted = log.popularity(since, before)
    assert counted.tolist() == [sum(i == n and t >= since for _, i, t in past) for n in range(4)]


@given(st.lists(st.lists(st.integers(0, 6), max_size=4, unique=True), min_size=1, max_size=4), st.data())
def test_merge_holds_every_item_once_and_prefers_the_first_source(
    rows: list[list[int]], data: st.DataObject
) -> None:
    others = [data.draw(st.lists(st.integers(0, 6), max_size=4, unique=True)) for _ in rows]
    both = merge([_candidates(rows, "first"), _candidates(others, "second")])
    for query, (mine, theirs) in enumerate(zip(rows, others, strict=True)):
        span = slice(both.offsets[query], both.offsets[query + 1])
        assert both.items[span].tolist() == [*mine, *(item for item in theirs if item not in mine)]
        names = [both.sources[place] for place in both.source[span]]
        assert names == ["first"] * len(mine) + ["second"] * (len(names) - len(mine))


def _candidates(rows: list[list[int]], name: str) -> Candidates:
    matrix = Ragged.of(rows).first_padded(4, fill=-1) if rows else np.zeros((0, 4), np.int64)
    return Candidates.of(matrix, np.ones(matrix.shape, np.float32), name)
