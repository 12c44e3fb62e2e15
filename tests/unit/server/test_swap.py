"""Versions that change while the server answers: no failed request, no lost event, one version an answer."""

import asyncio
import gc
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shortlist.io import publish, roll_back
from shortlist.pipeline import AnswerLog
from shortlist.server import ServerOptions, app
from shortlist.server._ask import Ask
from shortlist.server._counters import Counters
from shortlist.server._desk import Desk
from shortlist.server._live import LiveEvents
from shortlist.server._live_items import LiveCatalogue
from shortlist.server._messages import Recommend
from shortlist.server._rack import Rack, mark_of
from shortlist.testing._bundles import tiny_bundle

QUICK = ServerOptions(watch_s=0.02)


def version(client: Any) -> str:
    return str(client.get("/health/ready").json()["bundle"])


def rewritten(folder: Path, note: str) -> Path:
    """The same pipeline as another version."""
    tiny_bundle(folder, note=note)
    return folder


def until(client: Any, holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        client.run(asyncio.sleep(0.01))
    raise AssertionError("not within 5 s")


def test_a_bundle_that_is_written_anew_is_swapped_in(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, QUICK)).settle()
    old = version(client)
    rewritten(bundle, "second")
    until(client, lambda: version(client) != old)
    assert client.ask(user="u1")["bundle"] == version(client)
    assert 'shortlist_swaps_total{bundle="bundle",outcome="done"} 1' in client.get("/metrics").text


def test_a_shelf_goes_forward_and_back(bundle: Path, opened: Any, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    publish(bundle, shelf)
    client = opened(app(shelf, QUICK)).settle()
    first = version(client)
    publish(rewritten(bundle, "second"), shelf)
    until(client, lambda: version(client) != first)
    roll_back(shelf)
    until(client, lambda: version(client) == first)


def test_a_version_that_cannot_be_loaded_leaves_the_one_before(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, QUICK)).settle()
    old = version(client)
    rewritten(bundle, "second")
    (bundle / "stages.json").write_text("{")
    line = 'shortlist_swaps_total{bundle="bundle",outcome="failed"} 1'
    until(client, lambda: line in client.get("/metrics").text)
    assert client.ask(user="u1")["bundle"] == old


def test_a_bundle_that_is_gone_goes_on_answering(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, QUICK)).settle()
    shutil.rmtree(bundle)
    client.run(asyncio.sleep(0.1))
    assert client.lists(user="u1") == [["i1", "i2"]]


def test_events_survive_swaps_and_roll_backs(bundle: Path, opened: Any, tmp_path: Path) -> None:
    """Those that came before the swap, those after it, and both in the version gone back to."""
    shelf = tmp_path / "shelf"
    publish(bundle, shelf)
    client = opened(app(shelf, QUICK)).settle()
    old = version(client)
    client.post("/events", {"events": [{"user": "new", "item": "i4"}]})
    publish(rewritten(bundle, "second"), shelf)
    until(client, lambda: version(client) != old)
    assert client.lists(user="new") == [["i4"]]
    client.post("/events", {"events": [{"user": "new", "item": "i1"}] * 2})
    assert client.lists(user="new") == [["i1", "i4"]]
    roll_back(shelf)
    until(client, lambda: version(client) == old)
    assert client.lists(user="new") == [["i1", "i4"]]


def test_a_new_version_gets_what_its_log_does_not_hold(bundle: Path, tmp_path: Path) -> None:
    """Its own log ends on 6 January: older events are in it, unless they came while it answered."""
    live = LiveEvents(tmp_path / "events")
    live.open()
    day = 86_400_000_000
    store = Desk.open(bundle, ServerOptions()).pipe.state.store
    old, new = np.array([store.until - day]), np.array([store.until + day])
    live.append(["a"], ["i1"], old, np.ones(1, np.float32))
    live.append(["b"], ["i1"], new, np.ones(1, np.float32))
    live.attach("v1", store)
    assert store.user_positions(["a"])[0] == -1 < store.user_positions(["b"])[0]
    live.append(["c"], ["i1"], old, np.ones(1, np.float32))
    again = Desk.open(bundle, ServerOptions()).pipe.state.store
    live.attach("v1", again)
    assert again.user_positions(["c"])[0] >= 0
    other = Desk.open(bundle, ServerOptions()).pipe.state.store
    live.attach("v2", other)
    assert other.user_positions(["c"])[0] == -1 < other.user_positions(["b"])[0]
    live.detach("v2")
    live.append(["d"], ["i1"], new, np.ones(1, np.float32))
    assert again.user_positions(["d"])[0] >= 0 > other.user_positions(["d"])[0]
    assert live.append([], [], np.zeros(0, np.int64), np.zeros(0, np.float32)) == 0
    live.close()


def test_a_desk_at_work_is_let_go_when_it_is_done(bundle: Path, tmp_path: Path) -> None:
    options = ServerOptions(answers=tmp_path / "answers")
    items = LiveCatalogue(tmp_path / "items")
    rack = Rack({"shop": bundle}, options, LiveEvents(tmp_path / "events"), Counters(), items)
    rack.open()
    with rack.desk("shop") as desk:
        rewritten(bundle, "second")
        rack.refresh()
        assert rack.versions["shop"] != desk.version
        assert desk in rack._retired
    rack.flush()
    assert rack._retired == []
    assert rack._at_work == {}
    rack.close()


def test_requests_during_swaps_never_fail_and_each_is_of_one_version(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, ServerOptions(watch_s=0.02, answers=bundle.parent / "answers"))).settle()

    async def storm() -> list[Any]:
        answers = []
        for round_ in range(6):
            await asyncio.to_thread(rewritten, bundle, f"v{round_}")
            asked = [client.http.post("/recommend", json={"users": ["u1", "u2", None]}) for _ in range(8)]
            answers += await asyncio.gather(*asked)
            await asyncio.sleep(0.05)
        return answers

    answers = client.run(storm())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["bundle"] for answer in answers}) > 1
    client.close()
    rows = AnswerLog(bundle.parent / "answers").read().collect()
    assert len(rows) == 3 * len(answers)
    versions = rows.group_by("request_id").agg(pl.col("bundle").n_unique())["bundle"]
    assert versions.to_list() == [1] * len(answers)


def test_a_mark_tells_states_of_a_folder_apart(bundle: Path, tmp_path: Path) -> None:
    before = mark_of(bundle)
    assert before == mark_of(bundle)
    rewritten(bundle, "second")
    assert before != mark_of(bundle)
    assert mark_of(tmp_path / "none") is None


def test_what_was_swapped_out_is_let_go_at_once(tmp_path: Path) -> None:
    desk = Desk.open(tiny_bundle(tmp_path / "shop"), ServerOptions())
    desk.run([Ask.of(Recommend(user="u1"), 10)])
    desk.flush()
    held = [weakref.ref(one) for one in (desk.pipe.state, desk.pipe.state.store, desk.monitor)]
    gc.disable()
    try:
        desk.close()
        del desk
        assert [one() for one in held] == [None, None, None]
    finally:
        gc.enable()
