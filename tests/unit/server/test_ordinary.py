"""What made other servers fail is ordinary: no such user or item, a large k, nothing found, no candidates."""

from typing import Any

import numpy as np
import pytest

from shortlist.index import VectorIndex


def test_a_user_who_is_not_there(towers: Any) -> None:
    one, other, nobody = towers.lists(users=[1, "a stranger", None])
    assert one == other == nobody
    assert len(one) == 10
    answer = towers.post(
        "/v2/models/one/infer",
        {"inputs": [{"name": "user", "shape": [2], "datatype": "BYTES", "data": ["404", ""]}]},
    )
    assert answer.status_code == 200, answer.text


def test_an_item_that_is_not_there(towers: Any) -> None:
    plain = towers.lists(user=1)
    assert towers.lists(user=1, recent=["nothing"], exclude=["nothing", 7]) == plain
    kept = towers.post("/events", {"events": [{"user": 1, "item": "nothing"}]}).json()
    assert kept == {"kept": 1, "known_items": 0}
    assert towers.lists(user=1) == plain
    assert towers.post("/similar", {"item": "nothing"}).json()["results"][0]["items"] == []


@pytest.mark.parametrize("k", [39, 40, 41, 1000])
def test_a_k_beyond_the_catalogue(towers: Any, k: int) -> None:
    (found,) = towers.lists(user=1, k=k)
    assert len(found) == len({*found}) == min(k, 40)
    near = towers.post("/similar", {"item": "i01", "k": k}).json()["results"][0]["items"]
    assert len(near) == 39


@pytest.mark.parametrize("found", [0, 3])
def test_an_index_that_finds_fewer_than_it_was_asked_for(
    towers: Any, monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    """Rows of -1 with scores of -inf are no items; where all are, the fallback answers."""
    real = VectorIndex.search

    def search(index: VectorIndex, queries: Any, k: int, *, allowed: Any = None) -> Any:
        rows, scores = real(index, queries, k, allowed=allowed)
        return np.where(np.arange(k) < found, rows, -1), np.where(np.arange(k) < found, scores, -np.inf)

    (right,) = towers.lists(user=1, k=found or 1)
    monkeypatch.setattr(VectorIndex, "search", search)
    answer = towers.ask(user=1, k=10)["results"][0]["items"]
    if found:
        assert [one["item"] for one in answer] == right
    else:
        assert {one["source"] for one in answer} == {"popular"}
    assert len(towers.post("/similar", {"item": "i01"}).json()["results"][0]["items"]) <= 10


def test_no_candidates_at_all(towers: Any) -> None:
    nothing = [{"column": "price", "op": ">", "value": 1e9}]
    assert towers.lists(users=[1, 100, None], filters=nothing) == [[], [], []]
    everything = [f"i{n:02d}" for n in range(40)]
    assert towers.lists(user=1, exclude=everything) == [[]]
    near = towers.post("/similar", {"item": "i01", "filters": nothing}).json()["results"][0]
    assert (near["known"], near["items"]) == (True, [])
    gone = towers.run(towers.http.request("DELETE", "/items", json={"items": everything}))
    assert gone.json() == {"deleted": 40}
    assert towers.lists(users=[1, 100]) == [[], []]
    assert towers.post("/similar", {"item": "i01"}).json()["results"][0]["items"] == []
