from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.errors import ArgumentError
from shortlist.features import ops
from shortlist.io import Dataset
from shortlist.metrics import undersampled
from shortlist.pipeline import State, downsample, impression_examples, undo_downsampling
from shortlist.schema import Column, Schema

SHOWN = [
    ("ann", 40, 700, 1, 1),
    ("bob", 10, 600, 1, 0),
    ("ann", 99, 700, 2, 0),
    ("ann", 10, 700, 3, 0),
    ("new", 20, 900, 1, 1),
]


def shown(rows: list[Any] = SHOWN) -> Dataset:
    schema = Schema(
        [
            Column("user", "string", ("user", "id", "categorical")),
            Column("item", "int64", ("item", "id", "categorical")),
            Column("time", "datetime", ("time",)),
            Column("position", "int64", ("context", "categorical")),
            Column("click", "int8", ("target", "binary")),
        ]
    )
    types = {"user": pl.String, "item": pl.Int64, "time": pl.Int64, "position": pl.Int64, "click": pl.Int8}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), schema)


def test_impressions_are_examples_as_of_when_they_were_shown(state: State) -> None:
    got = impression_examples(
        shown(), state, histories=[ops.AsOf("pair", "count"), ops.AsOf("user", "count")]
    )
    rows = got.collect()
    assert rows["request"].to_list() == [0, 1, 1, 2]
    assert rows["user"].to_list() == ["bob", "ann", "ann", "new"]
    assert rows["item"].to_list() == [10, 40, 10, 20]
    assert rows["position"].to_list() == [1, 1, 3, 1]
    assert rows["click"].to_list() == [0, 1, 0, 1]
    assert rows["price"].to_list() == [1.0, 4.0, 1.0, 2.0]
    assert rows["age"].to_list() == [None, 30.0, 30.0, None]
    assert rows["pair_count"].to_list() == [2.0, 0.0, 1.0, 0.0]
    assert rows["user_count"].to_list() == [3.0, 2.0, 2.0, 0.0]
    assert got.schema["request"].has("request")
    assert got.schema["click"].has("target", "binary")


def test_no_impressions_give_no_examples(state: State) -> None:
    got = impression_examples(shown([]), state, histories=[ops.AsOf("pair", "count")])
    assert got.count() == 0
    assert "pair_count" in got.schema


def test_impressions_say_what_became_of_them(state: State, make_log: Callable[..., Dataset]) -> None:
    with pytest.raises(ArgumentError, match="without a target"):
        impression_examples(make_log([("ann", 10, 100, "web")]), state)


def test_negatives_are_drawn_and_weighed() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"click": (rng.random(20_000) < 0.2).astype(np.int8), "w": np.full(20_000, 2.0)})
    data = Dataset.of(frame).tag("click", "target", "binary")
    kept = downsample(data, 0.25).collect()
    positives = int(frame["click"].sum())
    assert kept["click"].sum() == positives
    assert abs((kept.height - positives) / (20_000 - positives) - 0.25) < 0.02
    assert downsample(data, 0.25).collect().equals(kept)
    assert not downsample(data, 0.25, seed=1).collect().equals(kept)
    weighed = downsample(data, 0.25, weigh=True)
    assert weighed.schema["sample_weight"].has("weight")
    rows = weighed.collect()
    assert set(rows.filter(click=1)["sample_weight"].to_list()) == {1.0}
    assert set(rows.filter(click=0)["sample_weight"].to_list()) == {4.0}
    own = downsample(data.tag("w", "weight"), 0.25, weigh=True).collect()
    assert set(own.filter(click=0)["w"].to_list()) == {8.0}


def test_probabilities_are_set_right() -> None:
    chances = np.array([0.01, 0.5, 0.99])
    np.testing.assert_allclose(undo_downsampling(0.1).apply(chances), undersampled(chances, 0.1), rtol=1e-5)


def test_wrong_shares_are_refused() -> None:
    data = Dataset.of(pl.DataFrame({"click": [1, 0]}))
    with pytest.raises(ArgumentError, match="above 0 to 1"):
        downsample(data, 0.0)
    with pytest.raises(ArgumentError, match="above 0 to 1"):
        undo_downsampling(1.5)
    with pytest.raises(ArgumentError, match="a target tagged binary"):
        downsample(data, 0.5)
