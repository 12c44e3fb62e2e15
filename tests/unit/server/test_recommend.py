"""What clients get who ask for recommendations. The events behind it stand in `tiny_pipeline`."""

from typing import Any

import pytest


def test_an_answer_is_whole(client: Any) -> None:
    answer = client.ask(user="u1", k=5, request_id="r1", columns=["name", "price", "added"])
    assert answer["request_id"] == "r1"
    assert answer["bundle"] == client.get("/health/ready").json()["bundle"]
    assert answer["latency_ms"] > 0
    assert "trace" not in answer
    (only,) = answer["results"]
    assert only["user"] == "u1"
    first, second = only["items"]
    added = "2025-12-01T00:00:00.000000Z"
    assert (first["item"], first["rank"], first["source"]) == ("i1", 1, "repeats")
    assert first["columns"] == {"name": "one", "price": 1.0, "added": added}
    assert (second["item"], second["rank"]) == ("i2", 2)
    assert first["score"] > second["score"]


def test_missing_values_of_columns_are_null(client: Any) -> None:
    client.post("/events", {"events": [{"user": "new", "item": "i4"}]})
    (only,) = client.ask(user="new", columns=["name", "price", "stock"])["results"]
    assert only["items"][0]["columns"] == {"name": None, "price": None, "stock": 4}


def test_many_users_get_the_lists_of_one_by_one(client: Any) -> None:
    users = ["u1", "u2", None, "stranger", "u1", "u3"]
    together = client.lists(users=users, k=3)
    assert together == [client.lists(user=user, k=3)[0] for user in users]
    assert together == [["i1", "i2"], ["i2"], ["i2", "i1"], ["i2", "i1"], ["i1", "i2"], ["i2"]]


def test_nobody_is_an_ordinary_request(client: Any) -> None:
    assert client.ask(users=[])["results"] == []


def test_no_user_is_an_anonymous_visitor(client: Any) -> None:
    (only,) = client.ask()["results"]
    assert only["user"] is None
    assert {item["source"] for item in only["items"]} == {"popular"}


def test_more_items_than_there_are(client: Any) -> None:
    assert client.lists(user="u1", k=1000) == [["i1", "i2"]]


def test_recent_items_count_as_history(client: Any) -> None:
    assert client.lists(recent=["i4"]) == [["i4"]]
    assert client.lists(users=["u2", None], recent=[["i1"], []]) == [["i1", "i2"], ["i2", "i1"]]


def test_exclude_for_all_or_one_by_one(client: Any) -> None:
    assert client.lists(users=["u1", None], exclude=["i2"]) == [["i1"], ["i1"]]
    assert client.lists(users=["u1", "u1"], exclude=[["i1"], []]) == [["i2"], ["i1", "i2"]]


@pytest.mark.parametrize(
    ("column", "op", "value", "found"),
    [
        ("price", "<", 2, ["i1"]),
        ("price", ">=", 2.0, ["i2"]),
        ("name", "==", "two", ["i2"]),
        ("name", "in", ["one", "three"], ["i1"]),
        ("name", "not in", ["one"], ["i2"]),
        ("name", "!=", None, ["i1", "i2"]),
        ("price", "==", None, []),
    ],
)
def test_filters(client: Any, column: str, op: str, value: Any, found: list[str]) -> None:
    assert client.lists(user="u1", filters=[{"column": column, "op": op, "value": value}]) == [found]


def test_the_past_is_as_it_was(client: Any) -> None:
    assert client.lists(user="u1", time="2026-01-01T12:00:00") == [["i1"]]
    assert client.lists(user="u1", time="2026-01-01T13:00:00+01:00") == [["i1"]]
    assert client.lists(user="u1", time=1_767_268_800) == [["i1"]]  # the same moment


def test_context_is_one_value_for_all_or_one_a_user(client: Any) -> None:
    assert len(client.ask(users=["u1", "u2"], context={"device": "web", "age": [1, 2]})["results"]) == 2
    assert len(client.ask(user="u1", context={"pages": [1, 2, 3]})["results"]) == 1


def test_a_trace_says_what_each_stage_did(client: Any) -> None:
    trace = client.ask(user="u2", trace=True)["trace"]
    assert [stage["name"] for stage in trace] == ["repeats", "drop", "take"]
    assert trace[1]["dropped"] == {"not stock > 0": 1}
    assert trace[0]["sources"] == {"repeats": 2}


def test_request_ids_are_made_where_none_is_given(client: Any) -> None:
    names = {client.ask(user="u1")["request_id"] for _ in range(3)}
    assert len(names) == 3
