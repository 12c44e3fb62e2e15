"""Whatever is asked wrongly is refused with where, what was received and expected, and the remedy."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import ArgumentError, DataError
from shortlist.server import ServerOptions, app

BODY: list[tuple[bytes, str]] = [
    (b"", "truncated"),
    (b"{", "truncated"),
    (b'{"user": "u1"} and more', "trailing characters"),
    (b"\xff", "invalid character"),
    (b'{"user": "\\ud800"}', ""),
]


@pytest.mark.parametrize(("body", "received"), BODY, ids=range(len(BODY)))
def test_a_body_that_is_no_json(client: Any, body: bytes, received: str) -> None:
    error = client.refused("/recommend", body)
    assert error["where"] == "body"
    assert received in error["received"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"k": 0}, "k", "int >= 1"),
    ({"k": 1001}, "k", "int <= 1000"),
    ({"k": "ten"}, "k", "int"),
    ({"k": True}, "k", "int"),
    ({"user": 1.5}, "user", "int | str | null"),
    ({"users": "u1"}, "users", "array | null"),
    ({"users": ["u"] * 1025}, "users", "at most 1024"),
    ({"user": "u1", "users": ["u1"]}, "users", "one of them"),
    ({"user": "u1", "kk": 3}, "body", "known keys"),
    ({"user": "u1", "request_id": "r" * 129}, "request_id", "str of length <= 128"),
    ({"time": "yesterday"}, "time", "a time"),
    ({"time": 1e18}, "time", "a time"),
    ({"recent": ["i1", ["i2"]]}, "recent", "a list of ids, or one list of ids a user"),
    ({"users": ["u1", "u2"], "exclude": [["i1"]]}, "exclude", "a list of ids, or one list of ids a user"),
    ({"users": ["u1", "u2"], "context": {"a": [1]}}, "context.a", "one value for all, or one a user"),
    ({"context": {"a": {"b": 1}}}, "context[...]", "array"),
    ({"context": {"a": [[{"b": 1}]]}}, "context[...]", "null"),
    ({"columns": ["nam"]}, "columns", "columns of the item table"),
    ({"filters": [{"column": "price", "op": "~", "value": 1}]}, "filters[0].op", "one of =="),
    ({"filters": [{"column": "price", "op": "<"}]}, "filters[0]", "the key value"),
    ({"filters": [{"column": "price", "op": "<", "valu": 1}]}, "filters[0]", "known keys"),
    ({"filters": [{"column": "price", "op": "in", "value": 1}]}, "filters[0].value", "a list of values"),
    ({"filters": [{"column": "price", "op": "<", "value": [1]}]}, "filters[0].value", "one value"),
    ({"filters": [{"column": "a < b", "op": "<", "value": 1}]}, "filters[0].column", "a name without"),
    ({"filters": [{"column": "prise", "op": "<", "value": 1}]}, "stage 'filter'", "a column"),
    ({"filters": [{"column": "price", "op": "<", "value": "x"}]}, "rule", "values that can be compared"),
]


@pytest.mark.parametrize(("body", "where", "expected"), WRONG, ids=range(len(WRONG)))
def test_a_message_of_the_wrong_form(client: Any, body: dict[str, Any], where: str, expected: str) -> None:
    error = client.refused("/recommend", body)
    assert error["where"].startswith(where)
    assert expected in error["expected"]
    assert error["message"].startswith(error["where"])


def test_near_names_are_told(client: Any) -> None:
    assert "did you mean 'k'?" in client.refused("/recommend", {"kk": 3})["remedy"]
    assert "did you mean 'name'?" in client.refused("/recommend", {"columns": ["nam"]})["remedy"]
    wrong = {"events": [{"user": "u1", "itm": "i1"}]}
    assert "did you mean 'item'?" in client.refused("/events", wrong)["remedy"]


def test_what_was_received_is_shown_and_cut(client: Any) -> None:
    assert client.refused("/recommend", {"k": 5000})["received"] == "5000"
    shown = client.refused("/recommend", {"k": "x" * 500})["received"]
    assert len(shown) < 100
    huge = b'{"user": ' + b"1" * 9000 + b"}"
    assert client.refused("/recommend", huge)["expected"] == "a smaller number"


def test_values_nested_too_deeply_are_no_failure(client: Any) -> None:
    body = b'{"context": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    assert client.refused("/recommend", body)["received"] == "a value that cannot be read"


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({"user": "u1"}, "events[0]"),
        ({"user": "u1", "item": "i1", "weight": 0}, "events[0].weight"),
        ({"user": "u1", "item": "i1", "time": "soon"}, "events[0].time"),
        ({"user": "u1", "item": "i1", "time": 4_102_444_800}, "events[0].time"),
    ],
)
def test_events_of_the_wrong_form_are_not_kept(client: Any, event: dict[str, Any], where: str) -> None:
    assert client.refused("/events", {"events": [event]})["where"] == where
    assert client.lists(user="u1") == [["i1", "i2"]]


def test_bodies_over_the_limit_are_not_read(client: Any) -> None:
    async def parts() -> Any:
        for _ in range(3):
            yield b" " * (1 << 20)

    assert "1048576 bytes" in client.refused("/recommend", b" " * (1 << 21), 413)["expected"]
    answer = client.run(client.http.post("/recommend", content=parts()))
    assert answer.status_code == 413


def test_unknown_paths_and_methods(client: Any) -> None:
    missing, method = client.get("/recomend"), client.get("/recommend")
    assert (missing.status_code, method.status_code) == (404, 405)
    assert "POST /recommend" in missing.json()["error"]["remedy"]
    assert method.headers["allow"] == "POST"


def test_a_failure_says_nothing_but_a_name_to_look_for(
    client: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("shortlist.server._desk.together", fail)
    with caplog.at_level(logging.ERROR):
        error = client.refused("/recommend", {"user": "u1"}, 500)
    assert error["request_id"] in caplog.text
    assert "secret" in caplog.text
    assert "secret" not in str(error)


def test_errors_that_are_not_the_clients_are_failures_too(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DataError("event log", received="a full disk", expected="room")

    monkeypatch.setattr("shortlist.store.EmbeddedStore.append_events", fail)
    error = client.refused("/events", {"events": [{"user": "u1", "item": "i1"}]}, 500)
    assert error["received"] == "a full disk"


def test_a_damaged_bundle_is_told_and_never_ready(bundle: Path, opened: Any) -> None:
    (bundle / "stages.json").write_text("{}")
    client = opened(app(bundle))
    client.run(asyncio.sleep(0.3))
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["error"]["received"]


def test_before_the_bundle_is_loaded(bundle: Path, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortlist.server._service.Service.run", lambda _: asyncio.sleep(60))
    client = opened(app(bundle))
    answer = client.post("/recommend", {"user": "u1"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert client.get("/health/live").json() == {"status": "live"}
    assert "is being loaded" in client.get("/health/ready").json()["error"]["received"]


@pytest.mark.parametrize("name", ["max_users", "max_body_bytes", "max_waiting", "workers"])
def test_limits_below_one_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"ServerOptions.{name}"):
        ServerOptions(**{name: 0})


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ArgumentError, match="'wall' or 'log'"):
        ServerOptions(clock="sun")  # type: ignore[arg-type]
