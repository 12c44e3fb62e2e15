"""Laws of the store: its answer at any time is the offline answer as of that time."""

import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import NULL, ArrayLog, Workspace
from shortlist.io import Dataset
from shortlist.schema import Column, Schema
from shortlist.store import EmbeddedStore
from shortlist.store._layered_log import LayeredLog
from shortlist.store._windows import Windows
from shortlist.testing._store import PlainLog, check_column_answers, check_same_answers

USERS, ITEMS = 3, 4
EVENT = st.tuples(
    st.integers(-1, USERS - 1), st.integers(-1, ITEMS - 1), st.integers(0, 9), st.integers(-1, 3)
)
EVENTS = st.lists(EVENT, max_size=30)
QUESTIONS = st.lists(
    st.tuples(st.integers(-1, USERS), st.integers(-1, ITEMS - 1), st.integers(0, 9), st.integers(0, 11)),
    max_size=6,
)
SCHEMA = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
    ]
)
CATALOGUE = Dataset.of(pl.DataFrame({"item": range(ITEMS)}), Schema([SCHEMA["item"]]))
PEOPLE = Dataset.of(pl.DataFrame({"user": ["u0", "u1", "u2"]}), Schema([SCHEMA["user"]]))


def _arrays(events: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, ...]:
    table = np.array(events, dtype=np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(EVENTS.filter(len), max_size=4), QUESTIONS)
def test_layers_answer_as_one_log(first: list, appended: list[list], questions: list) -> None:
    log = LayeredLog(ArrayLog(*_arrays(first), n_items=ITEMS))
    for events in appended:
        log.append(*_arrays(events))
    truth = PlainLog([*first, *(event for events in appended for event in events)], ITEMS)
    check_same_answers(log, truth, questions)
    check_same_answers(log.flattened(), truth, questions)


def _dataset(events: list[tuple[int, int, int, int]]) -> Dataset:
    users = pl.Series([None if user < 0 else f"u{user}" for user, *_ in events], dtype=pl.String)
    items = pl.Series([item for _, item, *_ in events], dtype=pl.Int64)
    times = pl.Series([time for *_, time, _ in events], dtype=pl.Int64).cast(pl.Datetime("us"))
    weights = pl.Series([weight for *_, weight in events], dtype=pl.Float32)
    columns = {"user": users, "item": items, "time": times, "weight": weights}
    return Dataset.of(pl.DataFrame(columns), SCHEMA)


@settings(max_examples=40, deadline=None)
@given(EVENTS.map(lambda rows: [r for r in rows if r[0] >= 0 and r[1] >= 0]), st.integers(0, 30), QUESTIONS)
def test_events_replayed_one_by_one_equal_events_read_at_once(
    events: list, cut: int, questions: list
) -> None:
    whole = EmbeddedStore.build(_dataset(events), CATALOGUE, PEOPLE)
    grown = EmbeddedStore.build(_dataset(events[:cut]), CATALOGUE, PEOPLE)
    for user, item, time, weight in events[cut:]:
        kept = grown.append_events([f"u{user}"], [item], np.array([time]), np.array([weight], np.float32))
        assert kept == 1
    truth = PlainLog(events, ITEMS)
    check_same_answers(whole, truth, questions)
    check_same_answers(grown, truth, questions)
    assert whole.until == grown.until == max((time for *_, time, _ in events), default=-1) + 1


KEYS = st.sampled_from([NULL, -1, 0, 7, 2**62])
PRICES = st.sampled_from([0.1, -3.0, 1e9, float("nan"), float("inf")])
WIDE = st.lists(st.tuples(EVENT, KEYS, PRICES), max_size=24)
WIDE_QUESTIONS = st.lists(
    st.tuples(
        st.integers(-1, USERS), st.integers(-1, ITEMS - 1), KEYS, st.integers(0, 9), st.integers(0, 11)
    ),
    max_size=5,
)


def _wide(events: list[tuple]) -> tuple[np.ndarray, ...]:
    keys = np.array([key for _, key, _ in events], dtype=np.int64)
    prices = np.array([price for _, _, price in events], dtype=np.float64)
    return (*_arrays([event for event, _, _ in events]), {"key": keys, "price": prices})


@settings(max_examples=30, deadline=None)
@given(first=WIDE, appended=st.lists(WIDE.filter(len), max_size=3), questions=WIDE_QUESTIONS)
def test_event_columns_are_answered_alike_in_one_log_in_layers_and_in_files(
    first: list, appended: list[list], questions: list, tmp_path_factory: pytest.TempPathFactory
) -> None:
    *arrays, columns = _wide(first)
    log = LayeredLog(ArrayLog(*arrays, n_items=ITEMS, columns=columns))
    for events in appended:
        log.append(*_wide(events))
    every = [*first, *(event for events in appended for event in events)]
    columns = _wide(every)[-1]
    truth = PlainLog([event for event, _, _ in every], ITEMS, {n: c.tolist() for n, c in columns.items()})
    space = Workspace(tmp_path_factory.mktemp("log"), rows=3)
    stored = log.flattened().stored(space)
    for one in (log, log.flattened(), stored, pickle.loads(pickle.dumps(stored))):
        check_column_answers(one, truth, questions, key="key", value="price")
        check_same_answers(one, truth, [(u, i, since, before) for u, i, _, since, before in questions])
    assert stored.positives().weights.tolist() == [w for (_, _, _, w), *_ in every if w > 0]


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(st.one_of(EVENT, st.tuples(st.integers(0, 9), st.integers(0, 11))), max_size=20))
def test_remembered_windows_count_what_a_fresh_count_gives(first: list, steps: list) -> None:
    log = LayeredLog(ArrayLog(*_arrays(first), n_items=ITEMS))
    windows = Windows(log, size=3)
    for step in steps:
        if len(step) == 2:
            since, before = step
            fresh = log.popularity(since, max(since, before)).tolist()
            assert windows.counts(since, before, ITEMS).tolist() == fresh
        else:
            log.append(*_arrays([step]))
            windows.forget_from(step[2])
