"""What was shown beside what was taken."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.unit.pipeline.conftest import tables as shop

from shortlist.data import Requests
from shortlist.errors import ArgumentError, DataError
from shortlist.io import read_parquet
from shortlist.metrics import ips
from shortlist.pipeline import AnswerLog, Explore, Listed, OutcomeLog, Pipeline, State, join_log
from shortlist.schema import Column, Schema

HOUR = 3_600_000_000


@pytest.fixture
def answers(state: State, tmp_path: Path) -> Path:
    """Items 10 and 20 are shown to ann at 1 h (r1) and 2 h (no id), to bob (r2) and a visitor (r3) at 1 h."""
    pipe = Pipeline([Listed((10, 20))], state=state)
    log = AnswerLog(tmp_path / "answers", bundle="v1", segment_rows=2)
    for users, hour, ids in ((["ann", "bob"], 1, ["r1", "r2"]), (["ann"], 2, ()), ([None], 1, ["r3"])):
        requests = Requests(users, 2, np.full(len(users), hour * HOUR), ids=ids)
        log.add(requests, pipe.run(requests), state)
    log.close()
    return tmp_path / "answers"


def outcomes(folder: Path, rows: list[tuple[Any, ...]]) -> Path:
    log = OutcomeLog(folder, segment_rows=1)
    log.add(*(list(column) for column in zip(*rows, strict=True)))
    return folder


def taken(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return (
        frame.filter(pl.col("label") == 1).select("request_id", "user", "item", "position", "reward").rows()
    )


def test_an_event_counts_for_the_request_it_names(answers: Path, tmp_path: Path) -> None:
    rows = [
        ("r1", "ann", 20, 5 * HOUR, 2.0),
        ("r1", "ann", 20, 3 * HOUR, 1.0),
        ("r1", "ann", 99, 3 * HOUR, 1.0),
        ("r9", "ann", 10, 3 * HOUR, 1.0),
        ("r3", None, 10, 3 * HOUR, 1.0),
        ("r2", "ann", 10, 3 * HOUR, 1.0),
    ]
    joined = join_log(answers, outcomes(tmp_path / "events", rows), tmp_path / "out")
    frame = joined.collect()
    assert frame.height == 8
    assert taken(frame) == [("r1", "ann", "20", 2, 3.0), ("r3", None, "10", 1, 1.0)]
    one = frame.filter(pl.col("reward") == 3).row(0, named=True)
    assert one["taken"] == datetime(1970, 1, 1, 3)
    assert one["time"] == datetime(1970, 1, 1, 1)
    assert (one["source"], one["bundle"], one["score"], one["propensity"]) == ("listed", "v1", 1.0, None)
    assert frame["request"].n_unique() == 4
    assert read_parquet(tmp_path / "out").collect().equals(frame)
    assert joined.schema.user.name == "user"


def test_other_events_count_for_the_last_answer_that_showed_the_item(answers: Path, tmp_path: Path) -> None:
    rows = [
        (None, "ann", 10, 2 * HOUR + 1, 1.0),
        (None, "ann", 20, 2 * HOUR - 1, 1.0),
        (None, "bob", 10, HOUR - 1, 1.0),
        (None, "bob", 20, 26 * HOUR, 1.0),
        (None, None, 10, 3 * HOUR, 1.0),
    ]
    events = outcomes(tmp_path / "events", rows)
    frame = join_log(answers, events, tmp_path / "out").collect()
    assert taken(frame) == [("r1", "ann", "20", 2, 1.0), (None, "ann", "10", 1, 1.0)]
    wide = join_log(answers, events, tmp_path / "out", window="2d").collect()
    assert ("r2", "bob", "20", 2, 1.0) in taken(wide)


def test_rows_are_called_and_typed_as_a_log(answers: Path, make_log: Any, tmp_path: Path) -> None:
    events = outcomes(tmp_path / "events", [("r1", "ann", 20, 5 * HOUR, 1.0)])
    schema = Schema(
        [
            Column("who", "int64", ("user", "id")),
            Column("what", "int64", ("item", "id")),
            Column("when", "datetime", ("time",)),
        ]
    )
    rows = join_log(answers, events, tmp_path / "out", like=schema)
    assert (rows.schema.user.name, rows.schema.item.name, rows.schema.time.name) == ("who", "what", "when")
    frame = rows.collect()
    assert frame["who"].to_list() == [None] * 8
    assert frame["what"].to_list() == [10, 20] * 4
    assert frame.filter(pl.col("label") == 1)["when"].to_list() == [datetime(1970, 1, 1, 1)]
    tables = join_log(answers, events, tmp_path / "out", like=make_log([]).schema).join_tables(shop()[0])
    assert tables.collect()["price"].to_list() == [1.0, 2.0] * 4
    assert "ignored" in tables.schema["score"].tags


def test_events_of_ones_own(answers: Path, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("user,item,time\nann,10,1970-01-01T02:30:00\n")
    assert taken(join_log(answers, tmp_path / "own.csv", tmp_path / "out").collect()) == [
        (None, "ann", "10", 1, 1.0)
    ]
    pl.DataFrame(
        {"user": ["bob"], "item": [20], "time": [datetime(1970, 1, 1, 2)], "weight": [5]}
    ).write_parquet(tmp_path / "own.parquet")
    assert taken(join_log(answers, tmp_path / "own.parquet", tmp_path / "out").collect()) == [
        ("r2", "bob", "20", 2, 5.0)
    ]


def test_an_answer_that_was_logged_twice_counts_once(answers: Path, state: State, tmp_path: Path) -> None:
    log = AnswerLog(answers, bundle="v1")
    requests = Requests(["ann"], 2, np.array([HOUR]), ids=["r1"])
    log.add(requests, Pipeline([Listed((10, 20))], state=state).run(requests), state)
    log.close()
    frame = join_log(
        answers, outcomes(tmp_path / "e", [("r1", "ann", 20, 5 * HOUR, 1.0)]), tmp_path / "out"
    ).collect()
    assert frame.height == 8
    assert frame["label"].sum() == 1


def test_shares_of_users_join_to_the_same(
    answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shortlist.pipeline import _join_log

    events = outcomes(
        tmp_path / "events", [("r1", "ann", 20, 5 * HOUR, 2.0), (None, "bob", 10, 2 * HOUR, 1.0)]
    )
    whole = join_log(answers, events, tmp_path / "whole").collect()
    monkeypatch.setattr(_join_log, "_ROWS", 2)
    parts = join_log(answers, events, tmp_path / "parts")
    assert len(parts.partitions) == 4
    assert parts.collect().sort("request", "position").equals(whole.sort("request", "position"))


def test_what_was_drawn_can_judge_another_policy(state: State, tmp_path: Path) -> None:
    """Item 20 is always taken, item 10 never: always showing 20 first earns 1, showing 10 first 0."""
    pipe = Pipeline([Listed((10, 20)), Explore(epsilon=0.5, places=1)], state=state)
    log, many = AnswerLog(tmp_path / "answers"), 2000
    requests = Requests(["ann"] * many, 1, np.full(many, HOUR), ids=[f"r{n}" for n in range(many)])
    found = pipe.run(requests)
    log.add(requests, found, state)
    log.close()
    rows = [(f"r{n}", "ann", 20, 2 * HOUR, 1.0) for n in range(many) if found.items[n] == 1]
    frame = join_log(tmp_path / "answers", outcomes(tmp_path / "events", rows), tmp_path / "out").collect()
    assert frame.height == many
    reward, shown, logged = (frame[name].to_numpy() for name in ("reward", "item", "propensity"))
    assert ips(reward, (shown == "20").astype(float), logged).mean() == pytest.approx(1, abs=0.15)
    assert ips(reward, (shown == "10").astype(float), logged).mean() == 0


def test_logs_of_before_propensities_are_read(answers: Path, tmp_path: Path) -> None:
    for path in answers.glob("*.parquet"):
        pl.read_parquet(path).drop("propensities").write_parquet(path)
    events = outcomes(tmp_path / "events", [("r1", "ann", 20, 5 * HOUR, 1.0)])
    frame = join_log(answers, events, tmp_path / "out").collect()
    assert frame["propensity"].null_count() == frame.height == 8


def test_what_cannot_be_joined_is_refused(answers: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.csv").write_text("who,item,time\n")
    good = outcomes(tmp_path / "events", [("r1", "ann", 20, 5 * HOUR, 1.0)])
    for first, second, words in (
        (tmp_path / "empty", good, "no answers"),
        (answers, tmp_path / "empty", "no events"),
        (answers, tmp_path / "odd.csv", "no column 'user'"),
        (answers, tmp_path / "missing.parquet", "of events"),
    ):
        with pytest.raises(DataError, match=words):
            join_log(first, second, tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"join_log\.window"):
        join_log(answers, good, tmp_path / "out", window="soon")
    assert not (tmp_path / "out").exists()
