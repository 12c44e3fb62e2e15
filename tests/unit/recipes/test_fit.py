import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import pipeline
from shortlist.bundle import Reader
from shortlist.data import Requests
from shortlist.errors import ArgumentError, BundleError, DataError, ExportError
from shortlist.pipeline import Retrieve
from shortlist.recipes import FitRecipe, _fit, fit

LIMIT = 1e-5


def test_it_says_what_it_does(shop: Any) -> None:
    steps = (
        "read",
        "split",
        "retriever behind",
        "ranker",
        "retriever for serving",
        "bundle",
        "kept",
        "filtered",
    )
    told = [text.splitlines()[0] for text in shop.said if text.startswith("[")]
    assert all(step in line for step, line in zip(steps, told, strict=False))
    assert told[-1].endswith("present")
    assert set(shop.fitted.seconds) == {line.split("] ")[1] for line in told}
    everything = "\n".join(shop.said)
    for name in ("pipeline", "popular, 30 days", "own repeats", "item-kNN", "EASE", "iALS", "3 score", "AUC"):
        assert name in everything


def test_the_manifest_holds_the_metrics(shop: Any) -> None:
    facts = Reader(shop.bundle).open().facts
    kept, dropped = facts["metrics"]["evaluations"]
    assert [kept, dropped] == [one.to_json() for one in shop.fitted.evaluations]
    assert "by time, test 7 days" in kept["protocol"]
    assert "seen items kept" in kept["protocol"]
    assert "seen items filtered" in dropped["protocol"]
    assert facts["metrics"]["ranker"]["rows"] == shop.fitted.ranker.rows > 0
    assert facts["roles"] == {"user": "user_id", "item": "item_id", "time": "time"}
    assert json.loads(json.dumps(shop.fitted.to_json(), allow_nan=False))["bundle"] == str(shop.bundle)


def test_no_other_folder_is_left(shop: Any) -> None:
    assert [path.name for path in shop.bundle.parent.iterdir()] == ["bundle"]


def test_the_bundle_is_at_the_present(shop: Any) -> None:
    loaded = pipeline.load(shop.bundle)
    assert len(loaded.state.events()[0]) == shop.data.events.count() > len(shop.live.state.events()[0])
    assert loaded.state.now == shop.data.events.times()[1] + 1
    for place in (0, 1):
        was, now = ((pipe.stages[0].sources[0], pipe.stages[1]) for pipe in (shop.live, loaded))
        assert (
            now[place].trained_until
            == was[place].trained_until
            == Reader(shop.bundle).open().facts["trained_until"]
        )


def test_features_of_the_given_tables_reach_the_models(shop: Any) -> None:
    merged, _, score, _ = shop.live.stages
    assert {"segment", "age", "category", "price"} <= set(merged.sources[0].flow.schema.names)
    assert {"segment", "age", "category", "price"} <= set(score.flow.schema.names)


def test_an_item_without_events_can_be_found(shop: Any) -> None:
    loaded = pipeline.load(shop.bundle)
    retrieve = loaded.stages[0].sources[0]
    (place,) = loaded.state.items.positions(["novel"])
    assert place >= 0
    assert loaded.state.positions_of(retrieve.index.keys).tolist().count(place) == 1
    everything = replace(loaded, stages=[replace(retrieve, k=41)]).recommend([0], k=41)
    assert "novel" in everything["item"].to_list()
    assert everything.height == 41


def test_answers_name_items_and_sources(shop: Any) -> None:
    got = pipeline.load(shop.bundle).recommend([0, 1, "nobody"], k=3, columns=["category", "price"])
    assert got.columns == ["user", "rank", "item", "score", "source", "category", "price"]
    assert got.group_by("user", maintain_order=True).len()["len"].to_list() == [3, 3, 3]
    assert set(got["source"]) <= {"retrieve", "repeats", "popular"}


def test_a_place_that_is_taken(shop: Any, once: pl.DataFrame, tmp_path: Path) -> None:
    before = sorted(path.stat().st_mtime_ns for path in shop.bundle.rglob("*"))
    with pytest.raises(ArgumentError, match="a folder that exists"):
        fit(once, out=shop.bundle)
    assert sorted(path.stat().st_mtime_ns for path in shop.bundle.rglob("*")) == before
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    for place in (home, home / "letter.txt"):
        with pytest.raises(BundleError, match="something that is no bundle"):
            fit(once, out=place, options=FitRecipe(force=True))
    assert (home / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("days", "test", "words"),
    [(60, "16d", "at most 14.75 days"), (1, "1d", "a log of 0.0 days"), (1, None, "a log of 0.0 days")],
)
def test_a_log_that_is_too_short(
    once: pl.DataFrame, tmp_path: Path, untouched: Callable[[], bool], days: int, test: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        fit(once.head(days), out=tmp_path / "bundle", options=FitRecipe(test=test))
    assert untouched()


def test_a_place_that_cannot_be_written(once: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    with pytest.raises(DataError, match="a place that can be written to"):
        fit(once, out=tmp_path / "file" / "bundle", log=said.append)
    assert [text for text in said if text.startswith("... training")] == []


def test_nothing_is_left_of_a_run_that_fails(
    shop: Any, again: pl.DataFrame, tmp_path: Path, quick: FitRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "bundle"
    older.mkdir()
    (older / "manifest.json").write_text("{}")
    calls: list[Path] = []

    def failing(_: Any, folder: Path, **__: Any) -> None:
        calls.append(folder)
        if len(calls) == 2:
            raise ExportError("save", received="a full disk", expected="room")

    monkeypatch.setattr(_fit, "save", failing)
    monkeypatch.setattr(_fit, "load", lambda _: pipeline.load(shop.bundle))
    monkeypatch.setattr(_fit, "_measured", lambda *_: shop.fitted)
    with pytest.raises(ExportError, match="a full disk"):
        fit(again, out=older, options=replace(quick, force=True))
    assert calls[0].parent.parent == tmp_path
    assert calls[0] != older
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "manifest.json"]


def test_a_log_of_three_columns_and_repeats_alone(
    again: pl.DataFrame, tmp_path: Path, quick: FitRecipe
) -> None:
    again.write_csv(tmp_path / "log.csv")
    fitted = fit(tmp_path / "log.csv", out=tmp_path / "bundle", options=quick)
    # Nothing is new to anybody in the test window: there is nothing to find behind a filter.
    (kept,) = fitted.evaluations
    assert kept.of("own repeats", "recall@10") == 1.0
    assert "test 9.67 days" in str(kept.protocol)  # a sixth of 58 days
    got = pipeline.load(fitted.bundle).recommend(["u3", "unknown"], k=5)
    assert got.filter(user="u3")["item"].to_list().count("i3") == 1
    assert got.height == 10


def test_a_log_in_which_nothing_comes_back(once: pl.DataFrame, tmp_path: Path, quick: FitRecipe) -> None:
    said: list[str] = []
    catalogue = pl.DataFrame({"item": [*(str(item) for item in range(60)), "a1"], "size": range(61)})
    fitted = fit(once, items=catalogue, out=tmp_path / "bundle", options=quick, log=said.append)
    assert fitted.ranker is None
    assert any("retrieval's order stays" in text for text in said)
    assert fitted.to_json()["ranker"] is None
    pipe = pipeline.load(fitted.bundle)
    assert [stage.name for stage in pipe.stages] == ["merge", "take"]
    # Numbers in the log and text in the table are both text now.
    assert pipe.state.items.values.tolist() == catalogue["item"].to_list()
    assert pipe.run(Requests([3, "3", None], k=4)).lengths.tolist() == [4, 4, 4]
    assert isinstance(pipe.stages[0].sources[0], Retrieve)


def test_scores_fall_along_every_list(shop: Any) -> None:
    got = pipeline.load(shop.bundle).run(Requests(range(60), k=10))
    for row in range(60):
        scores = got.scores[got.offsets[row] : got.offsets[row + 1]]
        assert (np.diff(scores) <= LIMIT).all()


@pytest.mark.parametrize("name", ["dim", "history", "epochs", "k"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_options_that_are_counts(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"FitRecipe.{name}.*an integer >= 1"):
        FitRecipe(**{name: value})


@pytest.mark.parametrize("name", ["test", "half_life"])
def test_options_that_are_lengths_of_time(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"FitRecipe.{name}"):
        FitRecipe(**{name: "a week"})
