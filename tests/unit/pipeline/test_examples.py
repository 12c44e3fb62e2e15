from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import index
from shortlist.errors import ArgumentError, PipelineError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.pipeline import Learned, Merge, Pipeline, Popular, Retrieve, State, ranking_examples
from shortlist.schema import tags

WINDOW = [("ann", 40, 700, "app"), ("ann", 50, 700, "app"), ("new", 10, 800, "web"), ("eve", 50, 900, None)]


@pytest.fixture
def later(make_log: Callable[..., Dataset]) -> Dataset:
    return make_log(WINDOW)


def test_examples_are_what_was_found_as_of_the_request(state: State, later: Dataset) -> None:
    pipe = Pipeline([Popular(k=4)], state=state)
    histories = [ops.History("item", max_length=2), ops.AsOf("pair", "count")]
    got = ranking_examples(pipe, later, histories=histories, negatives=None)
    rows = got.collect().sort("request", "item")
    assert rows["request"].to_list() == [0] * 4 + [1] * 4
    assert rows["user"].to_list() == ["ann"] * 4 + ["new"] * 4
    assert rows["item"].to_list() == [10, 20, 30, 40] * 2
    assert rows["label"].to_list() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert rows["price"].to_list() == [1.0, 2.0, 3.0, 4.0] * 2
    assert rows["age"].to_list() == [30.0] * 4 + [None] * 4
    assert rows["device"].to_list() == ["app"] * 4 + ["web"] * 4
    assert rows["popular_score"].to_list() == [3.0, 1.0, 1.0, 1.0] * 2
    assert rows["item_history"].to_list() == [[10, 20]] * 4 + [[]] * 4
    assert rows["pair_count"].to_list() == [1.0, 1.0, 0.0, 0.0] + [0.0] * 4
    assert rows["time"].to_physical().to_list() == [700] * 4 + [800] * 4
    assert got.schema["label"].has("target", "binary")
    assert got.schema["popular_score"].has("cross", "continuous")
    assert got.schema["item_history"].is_list


def test_a_longer_window_labels_later_events(state: State, make_log: Callable[..., Dataset]) -> None:
    events = make_log([("ann", 40, 700, "app"), ("ann", 30, 704, "app")])
    pipe = Pipeline([Popular(k=9)], state=state)
    rows = ranking_examples(pipe, events, window_us=5, negatives=None).collect().sort("request", "item")
    assert rows.filter(request=0)["label"].to_list() == [0, 0, 1, 1]
    assert rows.filter(request=1)["label"].to_list() == [0, 0, 1, 0]


def test_negatives_are_drawn_by_the_seed(state: State, later: Dataset) -> None:
    pipe = Pipeline([Popular(k=4)], state=state)
    draws = [ranking_examples(pipe, later, negatives=1, seed=seed).collect() for seed in (0, 0, 1, 2, 3)]
    for rows in draws:
        assert rows.group_by("request").agg(pl.col("label").sum(), pl.len()).sort("request").rows() == [
            (0, 1, 2),
            (1, 1, 2),
        ]
    assert draws[0].equals(draws[1])
    assert any(not draws[0].equals(other) for other in draws[2:])


def test_features_and_workflows_read_the_examples(state: State, later: Dataset) -> None:
    pipe = Pipeline([Popular(k=4)], state=state)
    histories = [ops.History("item"), ops.AsOf("item", "count")]
    examples = ranking_examples(pipe, later, histories=histories)
    branches = [
        tags.any("id", "categorical") >> ops.Categorify(),
        tags.any("cross") >> ops.FillMissing(0.0),
        ops.History("item") >> ops.Categorify(like="item"),
        ops.AsOf("item", "count"),
    ]
    rows = Workflow(branches).fit(examples).transform(examples).collect()
    assert rows.height == examples.count()
    assert rows.filter(user=3)["item_count"].max() == 3.0


def test_no_events_give_no_examples(state: State, make_log: Callable[..., Dataset]) -> None:
    got = ranking_examples(Pipeline([Popular()], state=state), make_log([]), histories=[ops.History("item")])
    assert got.count() == 0
    assert got.collect().columns == list(got.schema.names)


def test_a_source_that_learned_from_the_window_is_refused(
    tower: Any, vectors: index.VectorIndex, flow: Workflow, state: State, later: Dataset
) -> None:
    unsaid = Retrieve(tower, vectors, flow)
    with pytest.raises(PipelineError, match="no trained_until"):
        ranking_examples(Pipeline([unsaid], state=state), later)
    leaking = replace(unsaid, trained_until=701)
    with pytest.raises(PipelineError, match="events from 700, trained until 701"):
        ranking_examples(Pipeline([Merge(leaking, Popular())], state=state), later)
    honest = replace(unsaid, trained_until=700)
    rows = ranking_examples(Pipeline([honest], state=state), later).collect()
    assert "retrieval_score" in rows.columns
    assert ranking_examples(Pipeline([leaking], state=state), later, allow_leak=True).count() == len(rows)


class Memory:
    """Has memorised the window: scores what each user took there highest."""

    def scores(self, rows: Any, users: Any = None) -> Any:
        out = np.zeros(rows.shape, np.float32)
        out[users == 0, 3:] = 9
        out[users == 2, 4] = 9
        return out


def test_a_learner_that_memorised_the_window_is_caught(state: State, later: Dataset) -> None:
    memorised = Pipeline([Learned(Memory(), trained_until=901)], state=state)
    with pytest.raises(PipelineError, match="train it on earlier events"):
        ranking_examples(memorised, later)
    rows = ranking_examples(memorised, later, allow_leak=True).collect().filter(pl.col("user") != "new")
    told = rows.filter(pl.col("label") == 1)["learned_score"].min()
    assert told > rows.filter(pl.col("label") == 0)["learned_score"].max()


@pytest.mark.parametrize("option", [{"negatives": 0}, {"window_us": 0}])
def test_options_are_counts(state: State, later: Dataset, option: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match="an integer >= 1"):
        ranking_examples(Pipeline([Popular()], state=state), later, **option)
