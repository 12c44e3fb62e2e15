"""What Redis does beyond the suite of every store."""

import sys

import numpy as np
import pytest

from shortlist.errors import ArgumentError, DataError, MissingExtraError
from shortlist.store import RedisOptions, TimeToLive, fill_redis, open_store, redis_store
from shortlist.store._redis_link import RedisLink
from shortlist.store._redis_options import parted
from shortlist.testing._redis import RedisServer
from shortlist.testing._stores import NOW, shop

services = pytest.mark.services
LATE = np.array([NOW + 9])


def opened(server: RedisServer, name: str, **options: object):
    chosen = RedisOptions(**{"namespace": name, "timeout_ms": 5000, "retry_ms": 0} | options)
    tables = shop()
    if not RedisLink(server.url, 5000, 0).client.exists(f"{name}:about"):
        fill_redis(server.url, tables.embedded(), options=chosen)
    return redis_store(server.url, tables.embedded(), options=chosen)


def last(store, user: str, limit: int = 1) -> list[int]:
    reading = store.reading(NOW + 9)
    return reading.history(reading.user_positions([user]), LATE, limit)[0].to_lists()[0]


@services
def test_filling_again_changes_nothing_and_a_later_log_takes_the_place_of_an_earlier_one(server) -> None:
    store = opened(server, "again")
    store.append_events(["u1", "u1"], [20, 30], np.array([NOW - 1, NOW]))
    before = last(store, "u1", 1000)
    options = RedisOptions(namespace="again", timeout_ms=5000)
    fill_redis(server.url, shop().embedded(), options=options)
    assert last(store, "u1", 1000) == before
    later = shop().embedded()
    later.append_events(["u1", "u2"], [20, 40], np.array([NOW - 1, NOW - 1]))  # as a new log brings them
    filled = fill_redis(server.url, later, options=options)
    assert (filled.users, filled.items, filled.events) == (30, 0, 602)
    assert last(store, "u1", 1000) == before
    assert last(redis_store(server.url, later, options=options), "u2") == [4]


@services
def test_no_more_events_are_kept_than_asked_for(server) -> None:
    store = opened(server, "few", history=3, log=1)
    for place in range(5):
        store.append_events(["u1"], [place * 10], np.array([NOW + place]))
    assert last(store, "u1", 1000) == [2, 3, 4]


@services
def test_columns_of_items_come_from_the_bundle_unless_asked_for(server) -> None:
    places, store = np.array([3]), opened(server, "prices", items=True)
    plain = redis_store(server.url, shop().embedded(), options=RedisOptions(namespace="prices"))
    store.source.put("items", [(30, {"price": 9.5}, None)])
    assert store.item_columns(places, ("price",))["price"].tolist() == [9.5]
    assert plain.item_columns(places, ("price",))["price"].tolist() == [3 / 8]
    assert store.item_columns(places, ("stock",))["stock"].tolist() == [None]
    with pytest.raises(DataError, match="columns of items, as items=true asks for"):
        opened(server, "few", items=True)


@services
def test_defaults_stand_where_nothing_is_known(server) -> None:
    opened(server, "defaults")
    options = RedisOptions(namespace="defaults")
    store = redis_store(server.url, shop().embedded(), options=options, defaults={"city": "nowhere"})
    users = store.user_positions(["u1", "u2", "new"])
    assert store.user_columns(users, ("city",))["city"].tolist() == ["oslo", "nowhere", "nowhere"]


@services
def test_a_silent_server_is_not_waited_for_twice_and_the_bundle_answers(server) -> None:
    time = [0.0]
    store = opened(server, "silent", refresh_ms=10**9)
    store.append_events(["u1"], [20], np.array([NOW]))
    link = RedisLink(server.url, 30, 10_000, clock=lambda: time[0])
    store.source.link = link
    known = last(shop().embedded(), "u1")
    server.freeze()
    try:
        assert last(store, "u1") == known
        assert dict(store.failures) == {"timeout": 1}
        trips = link.trips
        users = store.user_positions(["u1", "new"])
        assert store.user_columns(users, ("city",))["city"].tolist() == ["oslo", None]
        assert (link.trips, dict(store.failures)) == (trips, {"timeout": 1, "down": 1})
        with pytest.raises(DataError, match="may be sent again"):
            store.append_events(["u1"], [30], np.array([NOW + 1]))
    finally:
        server.freeze(thaw=True)
    time[0] = 99.0
    link.client.connection_pool.disconnect()
    store.source.link = RedisLink(server.url, 5000, 0)
    assert last(store, "u1")[0] in (2, 3)  # a frozen server may yet do what nobody waited for


@services
def test_a_server_that_was_away_is_connected_to_anew(server) -> None:
    store = opened(server, "away")
    assert last(store, "u1") == last(shop().embedded(), "u1")
    server.stop()
    server.start()
    assert store.append_events(["u1"], [20], np.array([NOW])) == 1
    assert last(store, "u1") == [2]
    assert not store.failures


@services
def test_a_damaged_record_is_nothing_known_and_counted(server) -> None:
    store = opened(server, "damaged")
    store.source.link.client.set("damaged:user:u1", b"\xc1")
    users = store.user_positions(["u1", "u3"])
    assert store.user_columns(users, ("city",))["city"].tolist() == [None, "rome"]
    store.source.link.client.xadd("damaged:log", {"e": b"\xc1"})
    store.refresh(now=True)
    assert store.failures == {"damaged": 2}


@services
def test_keys_are_let_go_of_when_their_time_is_over(server) -> None:
    ttl, options = TimeToLive(users="2d", events="90d"), RedisOptions(namespace="lives", timeout_ms=5000)
    fill_redis(server.url, shop().embedded(), options=options, ttl=ttl)
    client = RedisLink(server.url, 5000, 0).client
    assert 0 < client.ttl("lives:user:u1") <= 2 * 86_400
    assert 89 * 86_400 < client.ttl("lives:events:u1") <= 90 * 86_400


@services
def test_a_newer_format_and_an_empty_place_are_refused(server) -> None:
    with pytest.raises(DataError, match="load-store"):
        redis_store(f"{server.url}?namespace=empty", shop().embedded())
    opened(server, "newer").source.link.client.hset("newer:about", "format", 2)
    with pytest.raises(DataError, match="newer shortlist"):
        redis_store(f"{server.url}?namespace=newer", shop().embedded())


def test_a_server_that_is_not_there_leaves_the_bundle() -> None:
    store = open_store("redis://127.0.0.1:1/0?timeout_ms=100", shop().embedded())
    assert last(store, "u1") == last(shop().embedded(), "u1")
    assert set(store.failures) == {"connection", "down"}
    with pytest.raises(DataError, match="a server that deletes the user"):
        store.without_user("u1")
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://there", "redis://HOST:PORT/DATABASE or feast:FOLDER"),
        ("redis://there?items=perhaps", "true or false"),
        ("redis://there?history=many", "an integer"),
        ("redis://there?timeout_ms=0", r"RedisOptions\.timeout_ms"),
        ("redis://there?namespace=", r"RedisOptions\.namespace"),
        ("feast:there?things=x", "users= and items="),
    ],
)
def test_addresses_that_mean_nothing(url: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        open_store(url, shop().embedded())


def test_an_address_of_another_kind() -> None:
    with pytest.raises(DataError, match="such as redis://127"):
        RedisLink("http://there", 10, 0)


def test_options_of_the_address() -> None:
    assert parted("redis://h/1?history=5&log=7&retry_ms=1&refresh_ms=2")[1] == RedisOptions(
        history=5, log=7, retry_ms=1, refresh_ms=2
    )


def test_the_package_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'shortlist\[redis\]'"):
        redis_store("redis://127.0.0.1:6379/0", shop().embedded())
    monkeypatch.setitem(sys.modules, "feast", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'shortlist\[feast\]'"):
        open_store("feast:there?users=x", shop().embedded())
