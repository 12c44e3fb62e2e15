from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import pipeline
from shortlist.bundle import Reader
from shortlist.data import Requests
from shortlist.errors import BundleError, DataError
from shortlist.io import Dataset
from shortlist.pipeline import Merge, Pipeline, State
from shortlist.recipes import evaluate_bundle
from shortlist.recipes._present import brought_to_present
from shortlist.testing._stages import lists_of

MODELS = ("item-kNN", "EASE", "pipeline", "popular", "popular, 30 days")


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


@pytest.mark.parametrize("place", [0, 1])
def test_the_metrics_in_the_manifest_are_those_of_the_loaded_bundle(shop: Any, place: int) -> None:
    since = _moment(Reader(shop.bundle).open().facts["trained_until"])
    got = evaluate_bundle(shop.bundle, shop.data.events, since=since, seen=("keep", "drop")[place])
    written = shop.fitted.evaluations[place]
    assert got.protocol.count == written.protocol.count > 10
    assert "some of them" not in str(got)
    for model in MODELS:
        for metric in written.metrics:
            assert got.of(model, metric) == pytest.approx(written.of(model, metric), abs=1e-5)


def test_it_is_told_when_the_models_know_the_events(shop: Any) -> None:
    since = _moment(Reader(shop.bundle).open().facts["trained_until"] - 1)
    got = evaluate_bundle(shop.bundle, shop.data.events, since=since)
    assert "some of them the models have learned from" in str(got)


def test_only_events_from_the_moment_on_count(shop: Any) -> None:
    with pytest.raises(DataError, match="no event at or after the moment"):
        evaluate_bundle(shop.bundle, shop.data.events)
    last = shop.data.events.times()[1]
    later = shop.data.events.collect().tail(1).with_columns(time=pl.lit(last + 5).cast(pl.Datetime("us")))
    got = evaluate_bundle(shop.bundle, later, seen="keep")
    assert got.protocol.count == 1


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        evaluate_bundle(tmp_path, pl.DataFrame())


def test_new_items_are_searched_by_the_same_models(shop: Any) -> None:
    loaded = pipeline.load(shop.bundle)
    rows = shop.items.collect()
    more = pl.DataFrame({"item_id": ["fresh"], "category": ["g1"], "price": [9.0]}).cast(dict(rows.schema))
    state = State(shop.data.events, items=Dataset.of(pl.concat([more, rows]), shop.items.schema))
    moved = brought_to_present(loaded, state)
    (was, now) = (pipe.stages[0].sources[0] for pipe in (loaded, moved))
    assert now.model is was.model
    assert now.flow is was.flow
    assert now.index.facts.model == was.index.facts.model == was.model.fingerprint
    assert moved.stages[1].index is now.index
    assert now.index.keys.values.tolist()[0] == "fresh"
    found = Pipeline([replace(now, k=50)], state=state).run(Requests([0], k=50))
    assert "fresh" in state.items.take(found.items).tolist()
    # What both know has the same vectors.
    places = now.index.keys.positions(was.index.keys.values)
    np.testing.assert_allclose(
        now.index.vectors(places), was.index.vectors(np.arange(len(was.index.keys))), atol=1e-6
    )


def test_the_same_state_changes_no_answer(shop: Any) -> None:
    loaded = pipeline.load(shop.bundle)
    searching = loaded.stages[0].sources[0]
    pipe = Pipeline(loaded.stages, state=loaded.state, fallback=Merge(searching, name="again"))
    moved = brought_to_present(pipe, loaded.state)
    asked = Requests(range(20), k=10)
    assert lists_of(moved.run(asked)) == lists_of(loaded.run(asked))
    assert isinstance(moved.fallback, Merge)
    assert moved.fallback.sources[0].index is moved.stages[0].sources[0].index
