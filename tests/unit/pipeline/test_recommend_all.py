"""Recommendations for everybody: the lists of single requests, in files that appear whole."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import index
from shortlist.data import Requests
from shortlist.errors import ArgumentError, DataError
from shortlist.features import Workflow
from shortlist.io import read_parquet
from shortlist.pipeline import (
    Apply,
    BatchOptions,
    Diversify,
    Drop,
    Merge,
    Pipeline,
    Popular,
    Repeats,
    Retrieve,
    Sample,
    Score,
    State,
    Take,
    recommend_all,
)


@pytest.fixture
def pipe(tower: Any, cheap: Any, vectors: index.VectorIndex, flow: Workflow, state: State) -> Pipeline:
    stages = [
        Merge(Retrieve(tower, vectors, flow, k=4, where="price < 5"), Repeats(), Popular(k=2)),
        Drop(seen=True),
        Score(cheap, flow),
        Diversify(by="stock", strength=0.5),
        Sample(temperature=2.0),
        Take(4),
    ]
    return Pipeline(stages, state=state)


def single(pipe: Pipeline, users: list[Any], k: int) -> pl.DataFrame:
    return pl.concat([pipe.recommend([user], k, columns=["name"]) for user in users])


@pytest.mark.parametrize(("block", "part"), [(1, 1), (2, 3), (100, 100)])
def test_the_lists_are_those_of_single_requests(
    pipe: Pipeline, tmp_path: Path, block: int, part: int
) -> None:
    users = ["ann", "bob", "nobody", "eve", None, "ann"]
    options = BatchOptions(block_users=block, part_users=part)
    written = recommend_all(pipe, tmp_path / "top", 3, users=users, columns=["name"], options=options)
    found, expected = written.collect(), single(pipe, users, 3)
    assert found.columns == ["user", "rank", "item", "score", "source", "name"]
    assert found.drop("score").equals(expected.drop("score"))
    np.testing.assert_allclose(found["score"], expected["score"], atol=1e-5)
    assert len(list((tmp_path / "top").glob("*.parquet"))) == -(-6 // part)
    assert read_parquet(tmp_path / "top").collect().equals(found)
    assert [path.name for path in tmp_path.iterdir()] == ["top"]


def test_everybody_is_asked_by_default(pipe: Pipeline, tmp_path: Path) -> None:
    found = recommend_all(pipe, tmp_path / "top", 2, columns=["price"], filters=["price < 4"]).collect()
    assert found["user"].unique(maintain_order=True).to_list() == ["ann", "bob", "eve"]
    assert found["price"].max() < 4  # type: ignore[operator]
    live = pipe.with_state(pipe.state.live(clock=lambda: 601))
    again = recommend_all(live, tmp_path / "live", 2, columns=["price"], filters=["price < 4"]).collect()
    assert again.equals(found)


def test_nobody_and_nothing(pipe: Pipeline, state: State, tmp_path: Path) -> None:
    assert recommend_all(pipe, tmp_path / "none", users=[]).collect().height == 0
    nothing = Pipeline([Repeats()], state=state, fallback=None)
    found = recommend_all(nothing, tmp_path / "none", users=["nobody"]).collect()
    assert found.schema["item"] == pl.Int64
    assert found.height == 0
    numbers = recommend_all(pipe, tmp_path / "none", 1, users=[7, None]).collect()
    assert numbers["user"].to_list() == [7, None]


def broken_at(pipe: Pipeline, user: str) -> Pipeline:
    def check(requests: Requests, candidates: Any, state: Any) -> Any:
        if user in requests.users:
            raise RuntimeError("out of luck")
        return candidates

    stages = [*pipe.stages[:2], Apply(check, "check"), *pipe.stages[2:]]
    return replace(pipe, stages=stages)


def test_a_failure_leaves_what_stood_there(pipe: Pipeline, tmp_path: Path) -> None:
    before = recommend_all(pipe, tmp_path / "top", 1).collect()
    with pytest.raises(RuntimeError, match="out of luck"):
        recommend_all(broken_at(pipe, "eve"), tmp_path / "top", 2, options=BatchOptions(part_users=1))
    assert read_parquet(tmp_path / "top").collect().equals(before)
    assert [path.name for path in tmp_path.iterdir()] == ["top"]


def test_a_named_run_goes_on_where_it_stopped(pipe: Pipeline, tmp_path: Path) -> None:
    named = BatchOptions(part_users=1, version="v1")
    with pytest.raises(RuntimeError, match="out of luck"):
        recommend_all(broken_at(pipe, "eve"), tmp_path / "top", 2, options=named)
    assert not (tmp_path / "top").exists()
    asked: list[Any] = []

    def look(requests: Requests, candidates: Any, state: Any) -> Any:
        asked.extend(requests.users)
        return candidates

    watched = replace(pipe, stages=[*pipe.stages[:2], Apply(look, "look"), *pipe.stages[2:]])
    found = recommend_all(watched, tmp_path / "top", 2, options=named).collect()
    assert asked == ["eve"]
    assert found.equals(recommend_all(pipe, tmp_path / "whole", 2).collect())
    with pytest.raises(RuntimeError, match="out of luck"):
        recommend_all(broken_at(pipe, "eve"), tmp_path / "top", 2, options=named)
    asked.clear()
    recommend_all(watched, tmp_path / "top", 1, options=named)
    assert asked == ["ann", "bob", "eve"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top", "whole"]


def test_approximate_indexes_are_searched_exactly_where_asked(
    tower: Any, flow: Workflow, state: State, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    rough, whole = (index.build(vectors, [10, 20, 30, 40, 50], kind=kind) for kind in ("hnsw", "exact"))
    asked: list[int] = []
    search = rough.search

    def counted(queries: Any, k: int, **options: Any) -> Any:
        asked.append(len(queries))
        return search(queries, k, **options)

    rough.search = counted  # type: ignore[method-assign]
    pipes = [Pipeline([Retrieve(tower, found, flow)], state=state) for found in (rough, whole)]
    expected = recommend_all(pipes[1], tmp_path / "whole").collect()
    for exact in (False, True):
        found = recommend_all(pipes[0], tmp_path / "rough", options=BatchOptions(exact=exact)).collect()
        assert found["item"].to_list() == expected["item"].to_list()
        assert sum(asked) == 3


def test_progress_is_told(pipe: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recommend_all(pipe, tmp_path / "top", options=BatchOptions(progress=True))
    assert "3/3 users" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 0}, r"recommend_all\.k"),
        ({"columns": ["nam"]}, r"recommend_all\.columns.*did you mean 'name'"),
        ({"columns": ["item"]}, "other than those of every answer"),
        ({"users": "ann"}, "a list of user ids"),
    ],
)
def test_arguments_are_checked(pipe: Pipeline, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        recommend_all(pipe, tmp_path / "top", **options)
    assert list(tmp_path.iterdir()) == []


def test_places_are_checked(pipe: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="a folder or nothing"):
        recommend_all(pipe, tmp_path / "file")
    with pytest.raises(DataError, match="a place that can be written to"):
        recommend_all(pipe, tmp_path / "file" / "top")
    for name in ("block_users", "part_users"):
        with pytest.raises(ArgumentError, match=name):
            BatchOptions(**{name: 0})
