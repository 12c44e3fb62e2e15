"""Launches, slices by columns, beyond accuracy, variants of metrics, splits with held-out users."""

from collections.abc import Callable
from datetime import datetime
from math import log2
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import split
from shortlist.errors import ArgumentError, SchemaError
from shortlist.evaluation import Evaluation, EvaluationProtocol, _values, baselines, evaluate
from shortlist.evaluation._launch import at_launch
from shortlist.io import Dataset, concat, scan
from shortlist.pipeline import Pipeline, Popular, State, Take
from shortlist.schema import Column, Schema

DAY = 86_400


def alone(pipe: Any, test: Dataset, **options: Any) -> Evaluation:
    return evaluate(pipe, test, **{"metrics": ("recall@2",), "baselines": False, **options})


def catalogue(launches: list[datetime | None], *tags: str) -> Dataset:
    frame = pl.DataFrame(
        {"item": [1, 2, 3, 4, 5], "launch": launches, "kind": ["a", "a", "b", None, "b"]},
        schema_overrides={"launch": pl.Datetime("us")},
    )
    return scan(frame, roles={"item": "item"}).tag("launch", "item", *tags)


def test_items_to_come_leave_the_catalogue(state: State, make_log: Callable[..., Dataset]) -> None:
    # The present of the log is 7 microseconds after 1970 began.
    soon, early = datetime(1970, 1, 1, 0, 0, 0, 7), datetime(1970, 1, 1)
    train = make_log([("a", 1, 1), ("a", 2, 2), ("b", 1, 3), ("b", 3, 4), ("c", 1, 5), ("c", 2, 6)])
    launched = State(train, items=catalogue([early, soon, None, soon, early], "launch"))
    pipe = Pipeline([Popular(10), Take(2)], state=launched)
    got = alone(pipe, make_log([("d", 2, 9), ("d", 3, 9)]))
    assert got.values["pipeline"]["recall@2"].tolist() == [1 / 2]  # 1 and 3 are shown, 2 counts as a miss
    assert (got.protocol.catalogue, got.protocol.not_launched, got.protocol.unknown_items) == (3, 2, 1)
    assert "2 items not launched yet left the catalogue (column 'launch')" in str(got.protocol)
    assert got.coverage["pipeline"] == 2 / 3
    # Without the tag the column says nothing, and nothing in the log comes later.
    assert alone(Pipeline([Popular(10)], state=State(train, items=catalogue([soon] * 5))), train).protocol
    assert at_launch(State(train, items=catalogue([soon] * 5)))[1].left_out == 0
    with pytest.raises(SchemaError, match="with the tag 'launch': expected a time; received 'string'"):
        at_launch(State(train, items=catalogue([None] * 5).tag("kind", "item", "launch")))


def test_shares_of_strangers(popular: Pipeline, make_log: Callable[..., Dataset]) -> None:
    got = alone(popular, make_log([("a", 1, 9), ("z", 4, 9), ("z", 1, 9), ("a", 99, 9)]))
    assert (got.protocol.cold_users, got.protocol.cold_items) == (1 / 2, 1 / 2)
    assert "50.0% of the test's events are of users, 50.0% of items without an event before" in str(got)
    # a has a cold item to find, z is one itself.
    assert {name: got.slices[name].tolist() for name in ("warm", "cold user", "cold item")} == {
        "warm": [False, False],
        "cold user": [False, True],
        "cold item": [True, True],
    }


def test_the_protocol_has_a_word_and_the_warnings_of_its_split(make_log: Callable[..., Dataset]) -> None:
    log = make_log([(user, item, item) for user in "abc" for item in range(10)])
    parts = split.by_user_random(log)
    pipe = Pipeline([Popular(10)], state=State(parts.train))
    got = alone(pipe, parts.test, split=parts, seen="drop")
    assert got.protocol.word == "RS811/u/full/filter"
    assert str(got).startswith("RS811/u/full/filter | split: random per user 0.8:0.1:0.1, seed 0 | ")
    assert "\nwarning: the order of events is ignored" in str(got)
    assert EvaluationProtocol("", 1, "seen items kept", "", 1, 0, 0, "LOO").word == "LOO/full/nofilter"


def people(make_log: Callable[..., Dataset]) -> tuple[State, Dataset]:
    users = pl.DataFrame({"user": list("abcd"), "country": ["x", "y", "x", None], "age": [10, 20, 30, 40]})
    schema = Schema(
        [
            Column("user", "string", ("user", "id", "categorical")),
            Column("country", "string", ("user", "categorical")),
            Column("age", "int64", ("user", "continuous")),
        ]
    )
    train = make_log([("a", 1, 1), ("b", 1, 2), ("c", 2, 3), ("d", 3, 4)])
    state = State(train, items=catalogue([None] * 5), users=Dataset.of(users, schema))
    at = [3 * DAY * 1_000_000, 4 * DAY * 1_000_000 + 7 * 3600 * 1_000_000]  # a Sunday; a Monday at seven
    test = make_log([("a", 2, at[0]), ("b", 3, at[1]), ("c", 4, at[1]), ("d", 1, at[1]), ("a", 3, at[1])])
    return state, test


def test_slices_by_columns_times_and_masks(make_log: Callable[..., Dataset]) -> None:
    state, test = people(make_log)
    got = alone(Pipeline([Popular(10)], state=state), test)
    users = ["a", "b", "c", "d"]
    assert got.asked is not None
    assert got.asked.truth.users == users

    def members(by: Any) -> dict[str, float]:
        table = got.sliced(by=by)
        return dict(zip(table.columns[1:], table.rows[0][1:], strict=True))  # type: ignore[arg-type]

    # 1 and 2 are shown: a finds one of two, b and c nothing, d one of one.
    assert members("country") == {"x (2)": 1 / 4, "y (1)": 0.0}
    assert members("kind") == {"b (2)": 1 / 4, "a (2)": 3 / 4}
    assert members("weekday") == {"Monday (3)": 1 / 3, "Sunday (1)": 1 / 2}
    assert members("hour") == {"00-06 h (1)": 1 / 2, "06-12 h (3)": 1 / 3}
    assert members({"mine": np.array([True, False, False, True])}) == {"mine (2)": 3 / 4}
    assert members("age") == {"10 (1)": 0.5, "20 (1)": 0.0, "30 (1)": 0.0, "40 (1)": 1.0}
    with pytest.raises(ArgumentError, match=r"sliced\(by\).*weekday, hour or a column.*'country'"):
        got.sliced(by="countri")
    with pytest.raises(ArgumentError, match=r"bool of shape \(4,\), one for each query"):
        got.sliced(by={"mine": np.array([True])})
    timeless = Dataset.of(test.collect().drop("time"), Schema(c for c in test.schema if c.name != "time"))
    with pytest.raises(ArgumentError, match="a test set with a column of times"):
        alone(Pipeline([Popular(10)], state=state), timeless).sliced(by="weekday")


def test_many_numbers_are_cut_into_quarters(make_log: Callable[..., Dataset]) -> None:
    names = [chr(97 + n) for n in range(12)]
    schema = Schema(
        [Column("user", "string", ("user", "id")), Column("age", "float64", ("user", "continuous"))]
    )
    users = Dataset.of(pl.DataFrame({"user": names, "age": [*map(float, range(11)), None]}), schema)
    state = State(make_log([(name, 1, 1) for name in names]), users=users)
    got = alone(Pipeline([Popular(10)], state=state), make_log([(name, 1, 9) for name in names]))
    # Quartiles of 0 .. 10 are 2.5, 5 and 7.5; nobody's age is no quarter.
    assert got.sliced(by="age").columns[1:] == (
        "0 .. 2.5 (3)",
        "2.5 .. 5 (3)",
        "5 .. 7.5 (2)",
        "7.5 .. 10 (3)",
    )


def test_beyond_accuracy_by_hand(make_log: Callable[..., Dataset]) -> None:
    state, test = people(make_log)
    got = alone(Pipeline([Popular(10)], state=state), test)
    table = got.beyond(2, by="kind", vectors=np.eye(5))
    assert table.columns == (
        "recommender",
        "coverage@2",
        "gini",
        "popularity",
        "novelty",
        "serendipity",
        "diversity",
        "miscalibration",
        "distance",
    )
    (row,) = table.rows
    # Items 1 and 2, shown to all four; 1 has two users, 2 and 3 one, 4 and 5 none; 1 and 2 are of kind a.
    counts = [0, 0, 0, 4, 4]
    gini = sum((2 * i - 5 - 1) * x for i, x in enumerate(counts, 1)) / (5 * 8)
    percentile = ((4 + 0.5) / 5 + (2 + 1) / 5) / 2
    novelty = (-log2(3 / 5) - log2(2 / 5)) / 2
    expected = [2 / 5, gini, percentile, novelty, 0.0, 0.0]
    assert row[1:7] == pytest.approx(expected)
    # a, b and c took kind a before, d kind b: ln(1 / 0.01).
    assert row[7:] == pytest.approx([np.log(100) / 4, 1.0])
    assert str(got.protocol) in str(table)
    with pytest.raises(ArgumentError, match="an item column: item"):
        got.beyond(by="colour")
    with pytest.raises(ArgumentError, match="one for each of the 5 items"):
        got.beyond(vectors=np.eye(3))


def test_an_evaluation_made_by_hand_has_no_questions(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test)
    bare = Evaluation(got.protocol, got.values, got.coverage, got.slices)
    assert str(bare) == str(got)
    with pytest.raises(ArgumentError, match=r"Evaluation\.beyond: expected one that evaluate made"):
        bare.beyond()
    with pytest.raises(ArgumentError, match=r"report: expected one that evaluate made"):
        bare.report("nowhere.html")


def test_variants_of_metrics_stand_beside_the_plain_one(popular: Pipeline, test: Dataset) -> None:
    names = (
        "recall@1",
        "recall@1(sampled:2,uniform)",
        "recall@1(debiased:0)",
        "ndcg@3(sampled:9,popularity)",
    )
    got = alone(popular, test, metrics=names)
    assert got.metrics == names
    assert [column for column in got.table().columns if "sampled" in column] == [names[1], names[3]]
    plain, sampled, debiased, _ = (got.values["pipeline"][name] for name in names)
    assert (sampled >= plain).all()
    # One of the three events of item 1 and one of the two of item 2 are kept.
    assert np.isnan(debiased).sum() <= 2
    assert got.of("pipeline", names[2]) == pytest.approx(np.nanmean(debiased))
    again = alone(popular, test, metrics=names)
    other = alone(popular, test, metrics=names, seed=1)
    assert all(np.array_equal(got.values["pipeline"][n], again.values["pipeline"][n], True) for n in names)
    assert not all(
        np.array_equal(got.values["pipeline"][n], other.values["pipeline"][n], True) for n in names
    )


def test_both_paired_tests(popular: Pipeline, test: Dataset, state: State) -> None:
    got = alone({"popular": popular, "one": Pipeline([Popular(1)], state=state)}, test)
    for kind in ("bootstrap", "sign flip"):
        found = got.difference("popular", "one", "recall@2", test=kind)  # type: ignore[arg-type]
        assert found.difference == got.of("popular", "recall@2") - got.of("one", "recall@2")
    with pytest.raises(ArgumentError, match=r"difference\(test\)"):
        got.difference("popular", "one", "recall@2", test="t")  # type: ignore[arg-type]


def test_baselines_do_not_learn_from_held_out_users(make_log: Callable[..., Dataset]) -> None:
    log = make_log([(user, item, item) for user in "abcdefghij" for item in range(10)])
    parts = split.strong_generalisation(log, 2)
    known = concat([parts.train, parts.fold_in["test"]])
    state = State(known)
    own = baselines(state, 2, drop_seen=True, learn_from=parts.train)["item-kNN"].stages[0]
    every = baselines(state, 2, drop_seen=True)["item-kNN"].stages[0]
    shared = [stage.learner.learner.similarity for stage in (own, every)]  # type: ignore[attr-defined]
    assert (shared[0] != shared[1]).nnz > 0
    pipe = Pipeline([Popular(10)], state=state)
    got = evaluate(pipe, parts.test, split=parts, seen="drop", metrics=("capped_recall@2",))
    assert got.protocol.word == "VAE-SG/full/filter"
    # Ten items, eight of them seen, two to find: whatever is left is right.
    assert got.of("EASE", "capped_recall@2") == 1.0


def test_whole_rankings_must_fit_into_memory(
    popular: Pipeline, test: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_values, "_MOST_PLACES", 19)
    alone(popular, test, metrics=("recall@1",))
    with pytest.raises(ArgumentError, match=r"4 users of a catalogue of 5.*the metric over the catalogue"):
        alone(popular, test, metrics=("recall@1", "recall@1(sampled:1,uniform)"))
