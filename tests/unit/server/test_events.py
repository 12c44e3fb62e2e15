"""Events that arrive while serving."""

from pathlib import Path
from typing import Any

from shortlist.pipeline import join_log
from shortlist.server import ServerOptions, app


def test_the_next_request_sees_them(client: Any) -> None:
    assert client.lists(user="new") == [["i2", "i1"]]
    answer = client.post(
        "/events", {"events": [{"user": "new", "item": "i4"}, {"user": "new", "item": "i1"}]}
    )
    assert answer.json() == {"kept": 2, "known_items": 2}
    assert sorted(client.lists(user="new")[0]) == ["i1", "i4"]


def test_times_weights_and_strangers(client: Any) -> None:
    events = [
        {"user": None, "item": "i1", "weight": 2.5},
        {"user": "u3", "item": "nothing we know", "time": "2026-01-07"},
        {"user": "u3", "item": "i1", "time": 1_767_312_000},
    ]
    assert client.post("/events", {"events": events}).json() == {"kept": 3, "known_items": 2}
    assert client.lists() == [["i1", "i2"]]
    assert client.lists(user="u3", time="2026-01-03") == [["i1"]]
    assert client.post("/events", {"events": []}).json() == {"kept": 0, "known_items": 0}


def test_they_outlive_the_process(bundle: Path, opened: Any, tmp_path: Path) -> None:
    options = ServerOptions(live=tmp_path / "live")
    client = opened(app(bundle, options)).settle()
    client.post("/events", {"events": [{"user": "new", "item": "i4"}]})
    client.close()
    again = opened(app(bundle, options)).settle()
    assert again.lists(user="new") == [["i4"]]


def test_they_are_kept_beside_the_bundle_which_is_not_touched(client: Any, bundle: Path) -> None:
    before = {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    client.post("/events", {"events": [{"user": "new", "item": "i4"}]})
    assert {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()} == before
    assert (bundle.parent / "bundle.live" / "events").is_file()


def test_answers_and_events_are_logged_and_joined(bundle: Path, opened: Any, tmp_path: Path) -> None:
    options = ServerOptions(answers=tmp_path / "answers", events=tmp_path / "events")
    client = opened(app(bundle, options)).settle()
    first, second = (client.ask(user=user) for user in ("u1", "u2"))
    events = [
        {"user": "u1", "item": "i2", "request_id": first["request_id"], "weight": 3},
        {"user": "u2", "item": "i2"},
    ]
    assert client.post("/events", {"events": events}).json()["kept"] == 2
    client.refused("/events", {"events": [{"user": "u1", "item": "i1", "request_id": "x" * 129}]})
    client.close()
    rows = join_log(tmp_path / "answers", tmp_path / "events", tmp_path / "out").collect()
    shown = rows.select("request_id", "user", "item", "position", "label", "reward").rows()
    assert shown == [
        (first["request_id"], "u1", "i1", 1, 0, 0.0),
        (first["request_id"], "u1", "i2", 2, 1, 3.0),
        (second["request_id"], "u2", "i2", 1, 1, 1.0),
    ]
