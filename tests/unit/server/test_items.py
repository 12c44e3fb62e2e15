"""Items come and go while the server answers: found at once, never again, also after a kill or a swap."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import DataError
from shortlist.io import publish, roll_back
from shortlist.pipeline import LiveItems, load, rebuild_items
from shortlist.server import ServerOptions, app
from shortlist.store import ItemLog, Journal

QUICK = ServerOptions(watch_s=0.02)


def put(client: Any, *items: Any) -> Any:
    body = {"items": [{"item": item, "columns": columns} for item, columns in items]}
    answer = client.post("/items", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def take_out(client: Any, *ids: Any) -> Any:
    answer = client.run(client.http.request("DELETE", "/items", json={"items": list(ids)}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def alike(client: Any, item: Any, k: int = 50, **given: Any) -> list[str]:
    answer = client.post("/similar", {"item": item, "k": k, **given})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["results"]
    return [one["item"] for one in found["items"]]


def until(client: Any, holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        client.run(asyncio.sleep(0.01))
    raise AssertionError("not in time")


def test_an_item_comes_and_goes(towers: Any) -> None:
    before = towers.lists(user=1, k=50)[0]
    assert put(towers, ("fresh", {"price": 9.0, "category": "c1"}), ("i01", {})) == {"upserted": 2}
    after = towers.lists(user=1, k=50)[0]
    assert {*after} == {*before, "fresh"}
    assert "fresh" in alike(towers, "i02")
    assert len(alike(towers, "fresh")) == len(before)
    answer = towers.ask(user=1, k=50, columns=["price", "category"])["results"][0]["items"]
    (facts,) = (one["columns"] for one in answer if one["item"] == "fresh")
    assert facts == {"price": 9.0, "category": "c1"}
    assert take_out(towers, "fresh", "i02", "nothing") == {"deleted": 3}
    assert not {"fresh", "i02"} & {*towers.lists(user=1, k=50)[0], *alike(towers, "i03")}
    counted = towers.get("/metrics").text
    assert 'shortlist_items_edited_total{kind="upserted"} 2' in counted
    assert 'shortlist_items_edited_total{kind="deleted"} 3' in counted


def test_a_new_item_is_like_those_with_its_columns(towers: Any) -> None:
    """An unknown id has one row for all: two new items of the same columns are as like as can be."""
    put(towers, ("one", {"price": 5.0, "category": "c0"}), ("two", {"price": 5.0, "category": "c0"}))
    found = towers.post("/similar", {"item": "one", "k": 1}).json()["results"][0]["items"]
    assert [one["item"] for one in found] == ["two"]
    assert found[0]["score"] == pytest.approx(1, abs=1e-5)


def test_events_of_a_new_item_count(towers: Any) -> None:
    put(towers, ("fresh", {"price": 9.0}))
    kept = towers.post("/events", {"events": [{"user": "somebody", "item": "fresh"}]}).json()
    assert kept == {"kept": 1, "known_items": 1}
    assert "fresh" not in towers.lists(user="somebody", k=50)[0]  # it drops what was seen
    assert "fresh" not in alike(towers, "i01", user="somebody")
    assert "fresh" in alike(towers, "i01")


def test_similar_by_address(towers: Any) -> None:
    answer = towers.get("/similar?item=i01&item=i02&k=3&column=price&exclude=i05&user=1")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["item"] for one in body["results"]] == ["i01", "i02"]
    posted = {"items": ["i01", "i02"], "k": 3, "columns": ["price"], "exclude": ["i05"], "user": 1}
    assert body["results"] == towers.post("/similar", posted).json()["results"]
    assert all(len(one["items"]) == 3 and "price" in one["items"][0]["columns"] for one in body["results"])


def test_unknown_items_and_none_are_ordinary(towers: Any) -> None:
    answer = towers.post("/similar", {"items": ["nothing", 7]}).json()
    assert answer["results"] == [
        {"item": "nothing", "known": False, "items": []},
        {"item": 7, "known": False, "items": []},
    ]
    assert towers.post("/similar", {"items": []}).json()["results"] == []
    assert put(towers) == {"upserted": 0}
    assert take_out(towers) == {"deleted": 0}
    assert len(alike(towers, "i01", k=1000)) == 39


def test_a_bundle_without_vectors_says_so(client: Any) -> None:
    """Items come and go there too; what is like them nobody knows."""
    put(client, ("i4", {"stock": 9}), ("i9", {"stock": 1, "added": "2026-01-01T00:00:00Z"}))
    client.post("/events", {"events": [{"user": "new", "item": "i9"}]})
    assert client.lists(user="new") == [["i9"]]
    take_out(client, "i9", "i2")
    assert client.lists(user="new") == [["i1"]]
    assert client.lists(user="u1") == [["i1"]]
    assert "none with an index" in client.refused("/similar", {"item": "i1"})["received"]


WRONG: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("POST", "/items", {"items": [{"columns": {}}]}, "items[0]", "the key item"),
    ("POST", "/items", {"items": [{"item": "a", "price": 1}]}, "items[0]", "known keys"),
    ("POST", "/items", {"items": [{"item": None}]}, "items[0].item", "int | str"),
    (
        "POST",
        "/items",
        {"items": [{"item": "a", "columns": {"prise": 1}}]},
        "items[0].columns",
        "columns of the item",
    ),
    (
        "POST",
        "/items",
        {"items": [{"item": "a", "columns": {"price": "x"}}]},
        "items[0].columns.price",
        "a number",
    ),
    (
        "POST",
        "/items",
        {"items": [{"item": "a", "columns": {"item_id": "b"}}]},
        "items[0].columns",
        "but for its id",
    ),
    ("DELETE", "/items", {"items": [{"item": "a"}]}, "items[0]", "int | str"),
    ("DELETE", "/items", {"ids": []}, "body", "known keys"),
    ("POST", "/similar", {}, "items", "one of them"),
    ("POST", "/similar", {"item": "a", "items": ["b"]}, "items", "one of them"),
    ("POST", "/similar", {"items": ["a"] * 1025}, "items", "at most 1024"),
    ("POST", "/similar", {"item": "a", "k": 0}, "k", "int >= 1"),
    ("POST", "/similar", {"item": "i01", "columns": ["prise"]}, "columns", "columns of the item table"),
    ("POST", "/similar", {"item": "i01", "bundle": "other"}, "bundle", "a bundle of this server"),
    (
        "POST",
        "/similar",
        {"item": "i01", "filters": [{"column": "x", "op": "<", "value": 1}]},
        "item table",
        "a known",
    ),
    ("GET", "/similar?k=3", {}, "items", "one of them"),
    ("GET", "/similar?item=a&k=many", {}, "k", "int"),
    ("GET", "/similar?item=a&kk=3", {}, "query", "known names"),
]


@pytest.mark.parametrize(("method", "path", "body", "where", "expected"), WRONG, ids=range(len(WRONG)))
def test_what_is_asked_wrongly_is_refused_and_nothing_is_kept(
    towers: Any, method: str, path: str, body: dict[str, Any], where: str, expected: str
) -> None:
    answer = towers.run(towers.http.request(method, path, json=body if method != "GET" else None))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["where"] == where
    assert expected in error["expected"]
    assert len(towers.lists(user=1, k=50)[0]) == 40


def test_keys_and_limits_hold_for_items_too(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, ServerOptions(api_keys=("k",), max_body_bytes=64)))
    client.run(asyncio.sleep(0.2))
    for method, path in (("POST", "/items"), ("DELETE", "/items"), ("GET", "/similar"), ("POST", "/similar")):
        assert client.run(client.http.request(method, path)).status_code == 401
    large = {"items": ["x" * 100]}
    headers = {"x-api-key": "k"}
    answer = client.run(client.http.request("DELETE", "/items", json=large, headers=headers))
    assert answer.status_code == 413


def test_edits_are_there_after_a_restart(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle)).settle()
    put(client, ("i9", {"stock": 1}), ("i4", {"price": 8.0}))
    take_out(client, "i2")
    client.post("/events", {"events": [{"user": "new", "item": "i9"}]})
    client.close()
    again = opened(app(bundle)).settle()
    assert again.lists(user="new") == [["i9"]]
    assert again.lists(user="u1") == [["i1"]]
    put(again, ("i2", {}))
    assert again.lists(user="u1") == [["i1", "i2"]]


def test_edits_go_with_every_version_and_are_encoded_by_its_own_tower(
    tower_bundles: tuple[Path, Path], opened: Any, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    publish(tower_bundles[0], shelf)
    client = opened(app(shelf, QUICK)).settle()
    first = client.get("/health/ready").json()["bundle"]
    put(client, ("fresh", {"price": 9.0, "category": "c1"}))
    take_out(client, "i02")
    mine = client.ask(user=1, k=50)["results"][0]["items"]
    publish(tower_bundles[1], shelf)
    until(client, lambda: client.get("/health/ready").json()["bundle"] != first)
    theirs = client.ask(user=1, k=50)["results"][0]["items"]
    assert {one["item"] for one in theirs} == {one["item"] for one in mine}
    plain = load(tower_bundles[1], editable=True)
    edited = LiveItems(plain)
    edited.upsert([("fresh", {"price": 9.0, "category": "c1"})])
    edited.delete(["i02"])
    right = plain.recommend([1], 50)
    assert [one["item"] for one in theirs] == right["item"].to_list()
    assert [one["score"] for one in theirs] == pytest.approx(right["score"].to_list(), abs=1e-6)
    put(client, ("i02", {}))
    roll_back(shelf)
    until(client, lambda: client.get("/health/ready").json()["bundle"] == first)
    assert "i02" in client.lists(user=1, k=50)[0]


def test_a_rebuilt_bundle_has_the_edits_in_its_index_and_table(
    tower_bundles: tuple[Path, Path], opened: Any, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    publish(tower_bundles[0], shelf)
    client = opened(app(shelf, QUICK)).settle()
    put(client, ("fresh", {"price": 9.0, "category": "c1"}), ("later", {"price": 1.0}))
    take_out(client, "i02", "later")
    before, version = client.ask(user=1, k=50)["results"], client.get("/health/ready").json()["bundle"]
    rebuilt = rebuild_items(shelf)
    assert (rebuilt.items, rebuilt.upserted, rebuilt.deleted) == (40, 1, 2)
    until(client, lambda: client.get("/health/ready").json()["bundle"] != version)
    assert client.get("/health/ready").json()["bundle"] == rebuilt.version
    after = client.ask(user=1, k=50)["results"]
    assert [one["item"] for one in after[0]["items"]] == [one["item"] for one in before[0]["items"]]
    pipe = load(shelf)
    assert pipe.stages[0].index.edits == 0
    assert "fresh" in pipe.stages[0].index.keys.values.tolist()
    put(client, ("newest", {"price": 3.0}))
    assert {"fresh", "newest"} <= {*client.lists(user=1, k=50)[0]}
    roll_back(shelf)
    until(client, lambda: client.get("/health/ready").json()["bundle"] == version)
    assert {"fresh", "newest"} <= {*client.lists(user=1, k=50)[0]}
    client.close()
    again = opened(app(shelf, QUICK)).settle()
    assert {"fresh", "newest"} <= {*again.lists(user=1, k=50)[0]}


def test_a_value_that_a_new_version_cannot_hold_is_left_out(
    bundle: Path, opened: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = ItemLog(tmp_path / "live" / "items")
    log.open()
    log.append([("i4", {"price": "dear", "gone": 1}), ("i9", {"stock": 3, "gone": 1})], ["i1"])
    log.close()
    client = opened(app(bundle, ServerOptions(live=tmp_path / "live"))).settle()
    assert "item 'i4', edited while serving, is none for this bundle" in caplog.text
    assert client.lists(user="u1") == [["i2"]]
    client.post("/events", {"events": [{"user": "new", "item": "i9"}]})
    assert client.lists(user="new") == [["i9"]]


def test_the_log_is_packed_when_most_of_it_was_overridden(tmp_path: Path) -> None:
    path = tmp_path / "items"
    log = ItemLog(path)
    log.open()
    for number in range(600):
        log.append([("a", {"price": number}), ("b", {str(number % 3): number})], ["c"] if number == 7 else [])
    log.append([], ["b"])
    size, edited, name = path.stat().st_size, dict(log.edited), log.name
    log.close()
    with pytest.raises(DataError, match="closed"):
        log.append([], ["a"])
    again = ItemLog(path)
    again.open()
    assert (again.edited, again.name, again.number) == (edited, name, 601)
    assert path.stat().st_size < size / 50
    assert [(one.item, one.gone) for one in again.since(0)] == [("c", True), ("a", False), ("b", True)]
    assert [one.item for one in again.since(600)] == ["b"]
    again.append([("d", {})])
    again.close()
    path.write_bytes(b"shortlist events 1\n")
    with pytest.raises(DataError, match="not those of a log of items"):
        ItemLog(path).open()
    with pytest.raises(DataError, match="not those of a log of items"):
        ItemLog(path).read()
    assert list(Journal(tmp_path / "other", "item").open()) == []


KILLED = """
import asyncio, os, signal, sys
import httpx
from shortlist.server import app, ServerOptions

async def main(bundle, live):
    application = app(bundle, ServerOptions(live=live))
    transport = httpx.ASGITransport(application)
    async with application.router.lifespan_context(application):
        async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.01)
            for number in range(10_000):
                body = {"items": [{"item": f"new{number}", "columns": {"stock": 1}}]}
                kept = await client.post("/items", json=body)
                gone = await client.request("DELETE", "/items", json={"items": [f"new{number - 2}"]})
                events = {"events": [{"user": "w", "item": f"new{number}"}]}
                seen = await client.post("/events", json=events)
                if (kept.status_code, gone.status_code, seen.status_code) == (200, 200, 200):
                    print(number, flush=True)

from pathlib import Path
asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by a signal")
def test_acknowledged_edits_survive_a_kill(bundle: Path, opened: Any, tmp_path: Path) -> None:
    live = tmp_path / "live"
    command = [sys.executable, "-c", KILLED, str(bundle), str(live)]
    last = -1
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = int(line)
            if last >= 8:
                process.kill()
                break
        last = max([last, *map(int, process.stdout.read().split())])
    client = opened(app(bundle, ServerOptions(live=live))).settle()
    items = client.ask(user="w", k=100)["results"][0]["items"]
    shown = {one["item"] for one in items if one["source"] == "repeats"}
    # The newest two were not deleted; one more may have come unacknowledged and taken the older one out.
    assert f"new{last}" in shown
    assert shown <= {f"new{last - 1}", f"new{last}", f"new{last + 1}"}
    assert not {f"new{number}" for number in range(last - 1)} & shown
    shutil.rmtree(live)
