"""Many at once: the same lists, run together, and refused beyond the limit."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shortlist.errors import ArgumentError
from shortlist.server import ServerOptions, app
from shortlist.server._ask import Ask
from shortlist.server._gather import Gatherer
from shortlist.server._messages import Recommend
from shortlist.server._refusal import Refusal


def ask(user: str, **options: Any) -> Ask:
    return Ask.of(Recommend(user=user, **options), 10)


class Slow:
    """Answers with the users that were asked together, once it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.groups: list[list[str]] = []

    def run(self, asks: Sequence[Ask]) -> list[Any]:
        self.go.wait(5)
        self.groups.append([str(ask.users[0]) for ask in asks])
        return [(each.users, None) for each in asks]


async def released(slow: Slow, gatherer: Gatherer, asks: Sequence[Ask]) -> list[Any]:
    waiting = [asyncio.ensure_future(gatherer.ask(each, slow.run)) for each in asks]
    await asyncio.sleep(0.05)
    slow.go.set()
    return await asyncio.gather(*waiting)


def test_those_who_wait_run_together_by_kind() -> None:
    slow, gatherer = Slow(), Gatherer(ServerOptions(workers=1))
    asks = [ask("a"), ask("b"), ask("c", k=3), ask("d"), ask("e", k=3), ask("f", trace=True)]
    answers = asyncio.run(released(slow, gatherer, asks))
    gatherer.close()
    assert [users for users, _ in answers] == [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]
    assert slow.groups == [["a"], ["b", "d"], ["c", "e"], ["f"]]


def test_a_run_has_at_most_so_many_users() -> None:
    slow, gatherer = Slow(), Gatherer(ServerOptions(workers=1, max_users=2))
    asyncio.run(released(slow, gatherer, [ask(name) for name in "abcdef"]))
    gatherer.close()
    assert slow.groups == [["a"], ["b", "c"], ["d", "e"], ["f"]]


def test_beyond_the_limit_is_refused() -> None:
    slow, gatherer = Slow(), Gatherer(ServerOptions(workers=1, max_waiting=2))

    async def crowd() -> list[Any]:
        waiting = [asyncio.ensure_future(gatherer.ask(ask(name), slow.run)) for name in "abc"]
        await asyncio.sleep(0.05)
        with pytest.raises(Refusal):
            await gatherer.alone(lambda: None)
        slow.go.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, second, third = asyncio.run(crowd())
    gatherer.close()
    assert (first[0], second[0]) == (["a"], ["b"])
    assert isinstance(third, Refusal)
    assert third.status == 503
    assert third.headers == {"retry-after": "1"}


def test_when_running_itself_fails_all_are_told() -> None:
    gatherer = Gatherer(ServerOptions(workers=1))

    def fail(_: Sequence[Ask]) -> list[Any]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(gatherer.ask(ask("a"), fail))
    gatherer.close()


def test_a_crowd_gets_the_lists_of_one_by_one(client: Any) -> None:
    bodies = [
        {"user": user, "k": k, **more}
        for user in ("u1", "u2", "u3", "new", None)
        for k in (1, 3)
        for more in (
            {},
            {"exclude": ["i2"]},
            {"recent": ["i4"]},
            {"time": "2026-01-03"},
            {"columns": ["name"]},
        )
    ]

    async def crowd() -> list[Any]:
        return await asyncio.gather(*(client.http.post("/recommend", json=body) for body in bodies))

    together = [answer.json()["results"] for answer in client.run(crowd())]
    assert together == [client.ask(**body)["results"] for body in bodies]


def test_one_bad_ask_does_not_spoil_the_others(client: Any) -> None:
    bodies = [{"user": "u1"}, {"user": "u1", "columns": ["nam"]}, {"user": "u1"}, {"user": "u2"}]

    async def crowd() -> list[Any]:
        return await asyncio.gather(*(client.http.post("/recommend", json=body) for body in bodies * 5))

    assert [answer.status_code for answer in client.run(crowd())] == [200, 400, 200, 200] * 5


def test_overload_is_503_over_http(bundle: Path, opened: Any) -> None:
    client = opened(app(bundle, ServerOptions(max_waiting=1))).settle()

    async def crowd() -> list[Any]:
        return await asyncio.gather(*(client.http.post("/recommend", json={"user": "u1"}) for _ in range(20)))

    codes = {answer.status_code for answer in client.run(crowd())}
    assert codes == {200, 503}


def test_too_many_users_is_refused_by_the_ask() -> None:
    with pytest.raises(ArgumentError, match="at most 10"):
        Ask.of(Recommend(users=["u"] * 11), 10)


def test_who_asks_a_closed_server_is_told() -> None:
    slow, gatherer = Slow(), Gatherer(ServerOptions(workers=1))
    gatherer.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(asyncio.wait_for(gatherer.ask(ask("a"), slow.run), 5))
    assert gatherer.idle
