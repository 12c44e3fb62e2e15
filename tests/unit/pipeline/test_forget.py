"""A user is taken out of all that is kept, and nobody else is."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import pipeline
from shortlist.bundle import Reader
from shortlist.data import Requests
from shortlist.errors import ArgumentError, DataError
from shortlist.io import publish
from shortlist.pipeline import AnswerLog, Forgotten, OutcomeLog, Pipeline, State, forget_user
from shortlist.server._live import LiveEvents
from shortlist.store import EmbeddedStore, forget_live
from shortlist.testing._bundles import tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def live_pipe(bundle: Path) -> tuple[Pipeline, LiveEvents]:
    """What a server has."""
    version, live = Reader(bundle).open().version, LiveEvents(bundle.with_name("bundle.live") / "events")
    pipe = pipeline.load(bundle)
    live.open()
    live.attach(f"bundle:{version}", pipe.state.store)
    return pipe.with_state(State(store=pipe.state.store, now=2**60)), live


def lists(pipe: Pipeline, users: list[Any]) -> list[list[str]]:
    found = pipe.run(Requests(users))
    ids = pipe.state.items.take(found.items).tolist()
    return [ids[low:high] for low, high in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def append(live: LiveEvents, time: int) -> None:
    at, ones = np.array([time] * 3), np.ones(3, np.float32)
    live.append(["u1", "u2", None], ["i4", "i4", "i1"], at, ones)
    live.append(["u1", "new"], ["i2", "i2"], at[:2], ones[:2])


@pytest.mark.parametrize("time", [5, 2**55])
def test_a_user_leaves_the_bundle_and_its_live_events(bundle: Path, time: int) -> None:
    pipe, live = live_pipe(bundle)
    append(live, time)
    before = lists(pipe, ["u2", "u3", "new"])
    old = Reader(bundle).open().version
    with pytest.raises(DataError, match="stop the other process"):
        forget_user("u1", bundle=bundle)
    live.close()
    gone = forget_user("u1", bundle=bundle)
    assert gone == Forgotten(3, 2, 0, Reader(bundle).open().version)
    assert gone.version != old
    again, live = live_pipe(bundle)
    assert again.state.store.users.values.tolist() == ["forgotten-1", "u2", "u3"]
    assert lists(again, ["u2", "u3", "new"]) == before
    assert lists(again, ["u1"]) == lists(again, ["nobody"])
    live.close()
    for path in [*bundle.rglob("*"), *bundle.with_name("bundle.live").glob("*")]:
        assert path.is_dir() or b"u1" not in path.read_bytes()
    assert forget_user("u1", bundle=bundle) == Forgotten(0, 0, 0, gone.version)
    assert forget_user("u2", bundle=bundle).store_events == 2


def test_a_user_met_since_leaves_the_live_events(bundle: Path, tmp_path: Path) -> None:
    _, live = live_pipe(bundle)
    append(live, 2**55)
    live.close()
    version = Reader(bundle).open().version
    assert forget_user("new", bundle=bundle) == Forgotten(0, 1, 0, version)
    assert forget_user("new", bundle=bundle, live=tmp_path / "elsewhere") == Forgotten(0, 0, 0, version)


def test_a_user_leaves_every_version_of_a_shelf(bundle: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    for _ in range(2):
        publish(bundle, shelf)
    assert forget_user("u1", bundle=shelf).store_events == 6
    assert all(b"u1" not in path.read_bytes() for path in shelf.rglob("*") if path.is_file())
    assert lists(pipeline.load(shelf), ["u1"]) == lists(pipeline.load(shelf), ["nobody"])


def test_a_user_leaves_the_logs(bundle: Path, tmp_path: Path) -> None:
    pipe, answers, events = pipeline.load(bundle), tmp_path / "answers", tmp_path / "events"
    log, outcomes = AnswerLog(answers, segment_rows=1), OutcomeLog(events, segment_rows=1)
    for users in (["u1", "u2"], ["u1"], ["u3", None]):
        log.add(Requests(users), pipe.run(Requests(users)), pipe.state)
    outcomes.add([None, "r1"], ["u1", "u2"], ["i1", "i2"], [5, 6], [1.0, 1.0])
    assert forget_user("u1", logs=(answers, events)) == Forgotten(log_rows=3)
    assert log.read().collect()["user"].to_list() == ["u2", "u3", None]
    assert outcomes.read().collect()["user"].to_list() == ["u2"]
    assert forget_user("u1", logs=(answers,)).log_rows == 0


def test_numbers_and_columns_are_forgotten_too(make_log: Any, tmp_path: Path) -> None:
    from tests.unit.pipeline.conftest import LOG

    store = EmbeddedStore.build(make_log(LOG), columns=("device",))
    kept, gone = store.without_user("bob")
    assert gone == 3
    assert kept.users.values.tolist() == ["ann", "forgotten-1", "eve"]
    assert kept.user_positions(["eve"]).tolist() == [2]
    assert len(kept.events()) == 3
    devices = kept.history(np.array([0, 1, 2]), np.array([10_000] * 3), 9, ("device",))[2]
    assert devices.lengths.tolist() == [2, 0, 1]
    assert kept.event_values("device", devices.values).tolist() == ["web", "app", "web"]
    assert store.without_user("nobody")[1] == 0
    kept.save(tmp_path / "store")
    assert EmbeddedStore.open(tmp_path / "store").users.values.tolist() == ["ann", "forgotten-1", "eve"]
    assert EmbeddedStore.open(tmp_path / "store").without_user("ann")[0].users.values.tolist()[:2] == [
        "forgotten-2",
        "forgotten-1",
    ]


def test_live_files_keep_what_others_did(make_log: Any, tmp_path: Path) -> None:
    from tests.unit.pipeline.conftest import LOG

    EmbeddedStore.build(make_log(LOG), columns=("device",)).save(tmp_path / "store")
    store = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    for number in range(5):
        columns = {"device": ["web", "app"]} if number % 2 else {}
        store.append_events(["ann", "bob"], [10, 20], np.array([700 + number] * 2), columns=columns)
    store.close()
    assert forget_live(tmp_path / "missing", "ann") == 0
    assert forget_live(tmp_path / "live", "ann") == 5
    again = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    history, times = again.history(np.array([0, 1]), np.array([10_000] * 2), 99)
    assert history.lengths.tolist() == [2, 8]
    assert times.to_lists()[1][-5:] == [700, 701, 702, 703, 704]
    again.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live", "store"]


def test_there_must_be_somewhere_to_look(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="nothing to look through"):
        forget_user("u1")
    with pytest.raises(DataError, match="no folder"):
        forget_user("u1", logs=(tmp_path / "nothing",))
    (tmp_path / "x.parquet").write_bytes(b"?")
    with pytest.raises(DataError, match="a file of an answer log"):
        forget_user("u1", logs=(tmp_path,))
    pl.DataFrame({"user": ["u1"]}).write_parquet(tmp_path / "x.parquet")
    assert forget_user("u1", logs=(tmp_path,)).log_rows == 1
    assert list(tmp_path.iterdir()) == []
