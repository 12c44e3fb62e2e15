"""Several bundles: who answers whom, by name, by share, and in the shadow."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import ArgumentError
from shortlist.server import ServerOptions, Traffic, app
from shortlist.testing._bundles import tiny_bundle


@pytest.fixture
def two(tmp_path: Path) -> dict[str, Path]:
    return {"old": tiny_bundle(tmp_path / "old"), "new": tiny_bundle(tmp_path / "new", note="new")}


def test_the_first_answers_unless_another_is_named(two: Any, opened: Any) -> None:
    client = opened(app(two)).settle()
    versions = client.get("/health/ready").json()["bundles"]
    assert list(versions) == ["old", "new"]
    assert client.ask(user="u1")["bundle"] == versions["old"]
    assert client.ask(user="u1", bundle="new")["bundle"] == versions["new"]
    assert client.refused("/recommend", {"user": "u1", "bundle": "nwe"})["remedy"].startswith(
        "did you mean 'new'"
    )


def test_events_reach_every_bundle(two: Any, opened: Any) -> None:
    client = opened(app(two)).settle()
    client.post("/events", {"events": [{"user": "stranger", "item": "i4"}]})
    assert client.lists(user="stranger") == client.lists(user="stranger", bundle="new") == [["i4"]]


def test_a_request_of_many_users_is_answered_in_their_order(two: Any, opened: Any) -> None:
    client = opened(app(two, ServerOptions(traffic=Traffic({"old": 1, "new": 1})))).settle()
    users = [f"u{n}" for n in range(40)]
    recent = [[f"i{n % 4 + 1}"] for n in range(40)]
    together = client.ask(users=users, recent=recent, trace=True)
    assert [one["user"] for one in together["results"]] == users
    assert set(Counter(one["bundle"] for one in together["results"])) == {"old", "new"}
    for one, user, seen in zip(together["results"], users, recent, strict=True):
        assert one["items"] == client.ask(user=user, recent=seen)["results"][0]["items"]


def test_a_user_keeps_a_bundle(two: Any, opened: Any) -> None:
    client = opened(app(two, ServerOptions(traffic=Traffic({"old": 1, "new": 1})))).settle()
    for user in ("a", "b", "c", "d"):
        assert len({client.ask(user=user)["bundle"] for _ in range(4)}) == 1


def test_shares_hold() -> None:
    split = Traffic({"a": 70, "b": 30, "c": 0})
    found = Counter(split.bundle_of(user, "") for user in range(4000))
    assert set(found) == {"a", "b"}
    assert abs(found["a"] / 4000 - 0.7) < 0.03  # 4 standard deviations
    strangers = Counter(split.bundle_of(None, f"r{n}") for n in range(4000))
    assert abs(strangers["a"] / 4000 - 0.7) < 0.03
    other = Traffic({"a": 70, "b": 30}, salt="again")
    assert any(split.bundle_of(user, "") != other.bundle_of(user, "") for user in range(50))


def test_growing_a_share_moves_users_one_way() -> None:
    before, after = Traffic({"a": 90, "b": 10}), Traffic({"a": 80, "b": 20})
    moves = Counter((before.bundle_of(user, ""), after.bundle_of(user, "")) for user in range(2000))
    assert moves["b", "a"] == 0 < moves["a", "b"]


@pytest.mark.parametrize("shares", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("inf")}])
def test_shares_that_cannot_be(shares: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"Traffic.shares: expected shares >= 0"):
        Traffic(shares)


def test_traffic_for_a_bundle_that_is_not_there(two: Any) -> None:
    with pytest.raises(ArgumentError, match=r"traffic: expected a bundle that is served; received 'nw'"):
        app(two, ServerOptions(traffic=Traffic({"old": 1}, shadows=("nw",))))
    with pytest.raises(ArgumentError, match="at least one bundle"):
        app({})


def test_a_shadow_is_asked_and_compared_but_never_shown(two: Any, opened: Any) -> None:
    client = opened(app(two, ServerOptions(traffic=Traffic({"old": 1}, shadows=("new",))))).settle()
    assert client.ask(user="u1")["bundle"] == client.get("/health/ready").json()["bundles"]["old"]
    line = 'shortlist_shadows_total{bundle="new",outcome="asked"} 1'
    for _ in range(200):
        if line in client.get("/metrics").text:
            break
        client.run(asyncio.sleep(0.01))
    text = client.get("/metrics").text
    assert line in text
    assert 'shortlist_shadow_overlap_total{bundle="new"} 1' in text
