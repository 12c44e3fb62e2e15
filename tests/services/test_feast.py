"""Features out of a real Feast: a repository of files and SQLite, in the environment that has Feast."""

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset, join_as_of
from shortlist.store import RemoteStore, TimeToLive, feast_store, open_store
from shortlist.testing._feast import feast_repo
from shortlist.testing._stores import NOW, STORE_CHECKS, USER_COLUMNS, StoreKind, Tables, shop

feast = pytest.importorskip("feast", reason="runs in the environment with Feast, see scripts/test-services")
pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = shop()
        return feast_repo(tmp_path_factory.mktemp("feast"), users=tables.users, items=tables.items)


@pytest.mark.parametrize("check", STORE_CHECKS[:5], ids=lambda check: check.__name__)
def test_suite(check, repo) -> None:
    def build(tables: Tables) -> RemoteStore:
        return feast_store(repo, tables.embedded(), users="user_facts", items="item_facts")

    check(
        StoreKind(build, lambda store: store, lambda store: store.source.trips, ("events", "items", "users"))
    )


def test_features_by_reference_and_under_other_names(repo) -> None:
    tables = shop().embedded()
    store = feast_store(
        Path(repo.repo_path),
        tables,
        users={"city": "user_facts:city"},
        items=["item_facts:price", "item_facts:stock"],
        defaults={"city": "nowhere"},
    )
    assert (store.source.user_columns, store.source.item_columns) == ({"city"}, {"price", "stock"})
    users = store.user_positions(["u0", "u2", "new"])
    assert store.user_columns(users, ("city", "age"))["city"].tolist() == ["rome", "nowhere", "nowhere"]
    same = open_store(
        f"feast:{repo.repo_path}?users=user_facts&items=item_facts:price,item_facts:stock", tables
    )
    assert (same.source.user_columns, same.source.item_columns) == (set(USER_COLUMNS), {"price", "stock"})
    assert store.source.trips == 1


def test_a_broken_online_store_leaves_the_bundle(repo, monkeypatch: pytest.MonkeyPatch) -> None:
    store = feast_store(repo, shop().embedded(), users="user_facts")

    def broken(**_: object) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(repo, "get_online_features", broken)
    reading = store.reading(NOW)
    assert reading.user_columns(reading.user_positions(["u1"]), ("city",))["city"].tolist() == ["oslo"]
    assert store.failures == {"TimeoutError": 1}


def test_values_live_from_their_event_timestamp_on(repo) -> None:
    ttl = TimeToLive(users="20d", items="10d")
    store = feast_store(repo, shop().embedded(), users="user_facts", items=["item_facts:stock"], ttl=ttl)
    truth = shop(ttl).embedded().reading(NOW)
    reading, users, items = store.reading(NOW), np.arange(30), np.arange(40)
    mine = reading.user_columns(store.user_positions([f"u{n}" for n in users]), ("joined",))
    theirs = truth.user_columns(truth.user_positions([f"u{n}" for n in users]), ("joined",))
    assert mine["joined"].tolist() == theirs["joined"].tolist()
    assert None in mine["joined"].tolist()
    stock = [each.item_columns(items, ("stock",))["stock"].tolist() for each in (reading, truth)]
    assert stock[0] == stock[1]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"users": "nothing"}, DataError, "the feature service 'nothing'"),
        ({"users": ["nothing:city"]}, DataError, "the feature view 'nothing'"),
        ({"users": ["user_facts:height"]}, ArgumentError, "a feature 'height'"),
        ({"users": {"city": "user_facts:city", "age": "item_facts:stock"}}, ArgumentError, "one entity"),
    ],
)
def test_what_the_repository_lacks_is_named(repo, options: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        feast_store(repo, shop().embedded(), **options)


def test_no_repository_and_what_feast_does_not_do(repo, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder of a Feast repository"):
        feast_store(tmp_path, shop().embedded())
    store = feast_store(repo, shop().embedded(), users="user_facts")
    with pytest.raises(DataError, match="that it is done in Feast"):
        store.without_user("u1")
    with pytest.raises(DataError, match="the tables keep them"):
        store.source.append([])


def test_a_point_in_time_join_finds_what_feast_finds(repo) -> None:
    tables = shop()
    rows = tables.events.collect().tail(50).select("user", "time")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = rows.rename({"time": "event_timestamp"}).to_pandas()
        asked["event_timestamp"] = asked["event_timestamp"].dt.tz_localize("UTC")
        theirs = repo.get_historical_features(entity_df=asked, features=["user_facts:city"]).to_arrow()
    found = pl.from_arrow(theirs).with_columns(pl.col("event_timestamp").dt.replace_time_zone(None))
    asked_of = Dataset.of(rows).tag("time", "time")
    ours = join_as_of(asked_of, tables.users, on="user", columns=["city"]).collect()
    names = ["user", "event_timestamp", "city"]
    ours = ours.rename({"time": "event_timestamp"}).select(names).sort(names[:2])
    theirs = found.cast({"event_timestamp": pl.Datetime("us")}).select(names).sort(names[:2])
    there = ours.join(theirs, on=names[:2], how="semi", maintain_order="left")
    assert there.equals(theirs)
    assert there["city"].null_count() < len(there) > 40
    assert ours["city"].drop_nulls().len() == theirs["city"].drop_nulls().len()  # it leaves out what has none
