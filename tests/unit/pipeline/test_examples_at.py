"""Examples asked for at given moments instead of at the events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from shortlist.data import Candidates, Requests
from shortlist.errors import PipelineError
from shortlist.features import ops
from shortlist.io import Dataset
from shortlist.pipeline import Pipeline, Popular, State, ranking_examples

WINDOW = [("ann", 40, 700, "app"), ("new", 10, 800, "web"), ("ann", 10, 900, "app"), ("eve", 50, 900, None)]
AT = [700, 800]


@pytest.fixture
def grown(make_log: Callable[..., Dataset]) -> State:
    """The past and the window together: features must still be those of each moment."""
    past = [
        ("ann", 10, 100, "web"),
        ("ann", 20, 200, "app"),
        ("bob", 10, 300, "web"),
        ("eve", 40, 600, "web"),
    ]
    return State(make_log([*past, *WINDOW]))


@pytest.fixture
def later(make_log: Callable[..., Dataset]) -> Dataset:
    return make_log(WINDOW)


def test_every_user_of_the_window_is_asked_for_at_every_moment(grown: State, later: Dataset) -> None:
    pipe = Pipeline([Popular()], state=grown)
    histories = [ops.History("item"), ops.AsOf("item", "count")]
    got = ranking_examples(pipe, later, histories=histories, negatives=None, window_us=200, at=AT)
    rows = got.collect().with_columns(pl.col("time").to_physical())
    asked = rows.select("user", "time").unique().sort("time", "user").rows()
    # At 700 ann takes 40 and new takes 10 within 200; eve takes 50, which nobody has taken yet, at 900.
    assert asked == [("ann", 700), ("new", 700), ("ann", 800), ("new", 800)]
    taken = rows.filter(label=1).select("user", "time", "item").sort("time", "user").rows()
    assert taken == [("ann", 700, 40), ("new", 700, 10), ("ann", 800, 10), ("new", 800, 10)]
    ann = rows.filter(user="ann", item=10).sort("time")
    assert ann["item_history"].to_list() == [[10, 20], [10, 20, 40]]
    # 10 was taken at 100 and 300; what is taken at 800 is not known then.
    assert ann["item_count"].to_list() == [2.0, 2.0]
    assert rows.filter(user="ann", item=40).sort("time")["item_count"].to_list() == [1.0, 2.0]


def test_the_window_ends_before_its_last_moment(grown: State, later: Dataset) -> None:
    pipe = Pipeline([Popular()], state=grown)
    for window_us, users in ((100, ["ann"]), (101, ["ann", "new"])):
        rows = ranking_examples(pipe, later, negatives=None, window_us=window_us, at=[700]).collect()
        assert sorted(rows["user"].unique()) == users


def test_moments_may_come_in_any_order_and_rows_of_a_request_together(grown: State, later: Dataset) -> None:
    pipe = Pipeline([Popular()], state=grown)
    one, other = (
        ranking_examples(pipe, later, negatives=None, window_us=200, at=at).collect() for at in (AT, AT[::-1])
    )
    assert one.equals(other)
    assert one["request"].is_sorted()
    assert one["time"].is_sorted()


def test_nothing_of_an_event_is_known_at_another_time(grown: State, later: Dataset) -> None:
    pipe = Pipeline([Popular()], state=grown)
    assert "device" in ranking_examples(pipe, later).schema
    assert "device" not in ranking_examples(pipe, later, window_us=200, at=AT).schema


@dataclass(frozen=True)
class Trained:
    """Popularity that says until when it has learned."""

    trained_until: int | None
    name: str = "trained"
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ("candidates", "scores")

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        found = Popular().run(requests, candidates, state)
        return Candidates(found.items, found.offsets, found.scores, found.source, (self.name,))


def test_the_first_moment_must_come_after_training(grown: State, later: Dataset) -> None:
    def examples(until: int | None, **options: Any) -> int:
        pipe = Pipeline([Trained(until)], state=grown)
        return ranking_examples(pipe, later, window_us=200, **options).count()

    assert examples(700, at=AT) > 0
    with pytest.raises(PipelineError, match="events from 700, trained until 750"):
        examples(750, at=AT)
    with pytest.raises(PipelineError, match="no trained_until"):
        examples(None, at=AT)
    assert examples(750, at=[750]) > 0
    assert examples(750, at=AT, allow_leak=True) > 0


def test_no_moments_and_no_events_give_no_examples(
    grown: State, later: Dataset, make_log: Callable[..., Dataset]
) -> None:
    pipe = Pipeline([Popular()], state=grown)
    assert ranking_examples(pipe, later, at=[]).count() == 0
    assert ranking_examples(pipe, make_log([]), at=AT).count() == 0


def test_negatives_of_each_request_are_drawn_by_the_seed(grown: State, later: Dataset) -> None:
    pipe = Pipeline([Popular()], state=grown)
    options: dict[str, Any] = {"negatives": 1, "window_us": 200, "at": AT}
    draws = [ranking_examples(pipe, later, seed=seed, **options).collect() for seed in (0, 0, 1, 2, 3)]
    for rows in draws:
        counts = rows.group_by("request").agg(pl.col("label").sum(), pl.len())
        assert (counts["label"] == 1).all()
        assert (counts["len"] == 2).all()
    assert draws[0].equals(draws[1])
    assert any(not draws[0].equals(other) for other in draws[2:])
