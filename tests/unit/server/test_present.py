"""The present of a server, and its address."""

import logging
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import ServerError
from shortlist.server import ServerOptions, app, free_port
from shortlist.server._clock import live_state
from shortlist.server._serve import _bound
from shortlist.testing._bundles import tiny_pipeline

DAY_US = 86_400_000_000


def test_the_wall_clock_is_the_present() -> None:
    state = live_state(tiny_pipeline().state, ServerOptions())
    before = time.time_ns() // 1000
    assert before <= state.now <= time.time_ns() // 1000


def test_the_clock_of_the_log_goes_on_from_its_end() -> None:
    state = tiny_pipeline().state
    moving = live_state(state, ServerOptions(clock="log"))
    assert moving.is_live
    first = moving.now
    assert state.store.until <= first < state.store.until + DAY_US
    time.sleep(0.001)
    assert moving.now > first


def test_a_log_of_long_ago_is_told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tiny_pipeline().state
    for days, told in ((40, True), (20, False)):
        caplog.clear()
        moment = (state.store.until + days * DAY_US) * 1000
        monkeypatch.setattr("shortlist.server._clock.time.time_ns", lambda moment=moment: moment)
        with caplog.at_level(logging.WARNING):
            live_state(state, ServerOptions())
        assert (f"ended {days} days ago" in caplog.text) == told


def test_events_without_a_time_happen_in_that_present(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, ServerOptions(clock="log"))).settle()
    client.post("/events", {"events": [{"user": "new", "item": "i4"}]})
    assert client.lists(user="new") == [["i4"]]
    assert client.lists(user="new", time="2026-01-08") == [["i4"]]
    late = {"events": [{"user": "new", "item": "i1", "time": "2026-01-20"}]}
    assert client.refused("/events", late)["where"] == "events[0].time"


def test_small_answers_are_sent_at_once() -> None:
    with closing(_bound("127.0.0.1", 0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_free_ports_can_be_bound_and_others_are_told() -> None:
    with closing(_bound("127.0.0.1", free_port())) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}: .*--port"):
            _bound("127.0.0.1", port)
    with pytest.raises(ServerError, match="no such host"):
        _bound("no such host", 0)
