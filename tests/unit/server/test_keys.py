"""API keys, time limits, the log."""

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import ArgumentError
from shortlist.server import ServerOptions, app, log_to_stderr

ASKED = {"user": "u1"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer k2"}, 200),
        ({"authorization": "bearer k1"}, 200),
        ({"x-api-key": "k1"}, 200),
        ({"authorization": "Bearer k3"}, 401),
        ({"authorization": "Basic k1"}, 401),
        ({"x-api-key": ""}, 401),
    ],
)
def test_a_key_is_asked_for(bundle: Path, opened: Any, headers: dict[str, str], status: int) -> None:
    client = opened(app(bundle, ServerOptions(api_keys=("k1", "k2")))).settle()
    answer = client.run(client.http.post("/recommend", json=ASKED, headers=headers))
    assert answer.status_code == status
    if status == 401:
        assert "Authorization: Bearer KEY" in answer.json()["error"]["remedy"]


def test_health_is_open_to_all_and_the_rest_is_not(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, ServerOptions(api_keys=("k1",)))).settle()
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200
    assert {client.get(path).status_code for path in ("/metrics", "/docs", "/openapi.json")} == {401}


@pytest.mark.parametrize("key", ["", "a b", "schlüssel", "a\n"])
def test_keys_that_no_header_can_hold(key: str) -> None:
    with pytest.raises(ArgumentError, match="api_keys"):
        ServerOptions(api_keys=(key,))


@pytest.mark.parametrize("options", [{"watch_s": -1.0}, {"timeout_ms": -5}])
def test_limits_below_zero(options: Any) -> None:
    with pytest.raises(ArgumentError, match="expected 0 or more"):
        ServerOptions(**options)


def test_what_takes_too_long_is_told(bundle: Path, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from shortlist.server._desk import Desk

    client = opened(app(bundle, ServerOptions(timeout_ms=30))).settle()
    run = Desk.run

    def slow(self: Desk, asks: Any) -> Any:
        time.sleep(0.2)
        return run(self, asks)

    monkeypatch.setattr(Desk, "run", slow)
    fault = client.refused("/recommend", ASKED, 504)
    assert fault["received"] == "more than 30 ms of work"
    monkeypatch.setattr(Desk, "run", run)
    time.sleep(0.25)
    assert client.lists(user="u1") == [["i1", "i2"]]


def test_answers_are_logged_as_lines(
    bundle: Path, opened: Any, capsys: pytest.CaptureFixture[str], restored: None
) -> None:
    log_to_stderr("json")
    client = opened(app(bundle, ServerOptions(access_log=True))).settle()
    client.ask(**ASKED)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    found = [line for line in lines if line["logger"] == "shortlist.access" and line["path"] == "/recommend"]
    assert [(line["method"], line["status"], line["level"]) for line in found] == [("POST", 200, "info")]
    assert found[0]["ms"] > 0


def test_lines_for_people_and_failures(capsys: pytest.CaptureFixture[str], restored: None) -> None:
    log_to_stderr()
    logging.getLogger("shortlist.access").info("answered", extra={"facts": {"path": "/a", "status": 200}})
    assert capsys.readouterr().err.rstrip().endswith("answered path=/a status=200")
    log_to_stderr("json")
    try:
        int("no")
    except ValueError:
        logging.getLogger("shortlist.server").exception("failed")
    assert "ValueError: invalid literal" in json.loads(capsys.readouterr().err)["exception"]
    with pytest.raises(ArgumentError, match="'text' or 'json'"):
        log_to_stderr("xml")  # type: ignore[arg-type]


@pytest.fixture
def restored() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
