"""Features in a Feast repository, read from its online store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, final
from urllib.parse import parse_qsl

import numpy as np

from shortlist.errors import ArgumentError, DataError, near
from shortlist.extras import need
from shortlist.schema import Schema
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._remote import RemoteStore
from shortlist.store._source import EventRow, Found, Row
from shortlist.store._time_to_live import TimeToLive

__all__ = ["FeastSource", "feast_at", "feast_store"]

Features = str | Sequence[str] | Mapping[str, str]


def feast_store(
    repo: Path | str | Any,
    tables: EmbeddedStore,
    *,
    users: Features = (),
    items: Features = (),
    defaults: Mapping[str, Any] | None = None,
    ttl: TimeToLive | None = None,
) -> RemoteStore:
    """Columns of users and items out of the online store of a Feast repository, over the tables of a bundle.

    Columns that no feature is named for, ids, histories and counts stay those of the tables, and events
    are appended to them. A batch of users is one call of ``get_online_features``, a batch of items
    another one; 200 items are slow there (see the guide): where values change once a day, build them into
    the bundle.

    Args:
        repo: folder of the repository (with ``feature_store.yaml``), or a ``feast.FeatureStore``.
        tables: the bundle's store.
        users: the name of a feature service; feature references ``"view:feature"`` for the columns that are
            called like the features; or column -> reference.
        items: likewise.
        defaults: column -> value where Feast has none; null by default.
        ttl: how long values hold from their event timestamp on, of several views the oldest; None is that of
            the tables. (Feast's own times to live do not hold in all of its online stores.)

    Raises:
        MissingExtraError: the package is not installed (``pip install 'shortlist[feast]'``).
        DataError: there is no repository, or it lacks the service or a view.
        ArgumentError: a feature is none of the table's columns, or the entities of a side differ.
    """
    lasting = tables.ttl if ttl is None else ttl
    source = FeastSource(_opened(repo), tables, users=users, items=items, ttl=lasting)
    return RemoteStore(tables, source, defaults=defaults, ttl=lasting)


def feast_at(url: str, tables: EmbeddedStore) -> RemoteStore:
    """`feast_store` by ``feast:FOLDER?users=...&items=...``: a service, or references between commas.

    Raises:
        ArgumentError: the query names something else.
    """
    folder, _, query = url.removeprefix("feast:").partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(given) - {"users", "items"})
    if unknown:
        raise ArgumentError("store", received=f"{unknown[0]}= in {url!r}", expected="users= and items=")
    sides = {name: text.split(",") if ":" in text else text for name, text in given.items()}
    return feast_store(folder, tables, users=sides.get("users", ()), items=sides.get("items", ()))


@final
class FeastSource:
    """A `Source` of features; it keeps no events.

    Args:
        store: a ``feast.FeatureStore``.
        tables: the bundle's store, for the columns there are.
        users: see `feast_store`.
        items: likewise.
        ttl: whose values have a time to live.
    """

    keeps_events = False

    def __init__(
        self, store: Any, tables: EmbeddedStore, *, users: Features, items: Features, ttl: TimeToLive
    ) -> None:
        self._store = store
        self._users = _Side(store, users, tables.user_schema, "users", timed=ttl.users is not None)
        self._items = _Side(store, items, tables.item_schema, "items", timed=ttl.items is not None)
        self.user_columns = frozenset(self._users.columns)
        self.item_columns = frozenset(self._items.columns)
        self.trips = 0
        self.failures: Counter[str] = Counter()
        self._lock = Lock()

    def read(self, users: Sequence[Any], items: Sequence[Any]) -> Found | None:
        """One call for the users, one for the items."""
        try:
            return Found(self._rows(self._users, users), self._rows(self._items, items))
        except Exception as error:
            # Whatever its online store raises is no reason to leave a request without an answer.
            with self._lock:
                self.failures[type(error).__name__] += 1
            return None

    def append(self, events: Sequence[EventRow]) -> None:
        """Feast keeps no events.

        Raises:
            DataError: always.
        """
        raise DataError(
            "store in Feast", received=f"{len(events)} events", expected="none: the tables keep them"
        )

    def arrived(self) -> list[EventRow]:
        """None."""
        return []

    def forget(self, user: Any) -> int:
        """Feast deletes by its own commands.

        Raises:
            DataError: always.
        """
        raise DataError(
            "store in Feast",
            received=f"a request to forget {user!r}",
            expected="that it is done in Feast",
            remedy="delete the user from its sources and its online store, and the bundle's with forget_user",
        )

    def close(self) -> None:
        """Let go of the online store."""
        close = getattr(self._store, "close", None)
        if close is not None:
            close()

    def _rows(self, side: "_Side", ids: Sequence[Any]) -> list[Row]:
        if not ids or not side.columns:
            return [Row() for _ in ids]
        with self._lock:
            self.trips += 1
        keys = [side.key(each) for each in ids]
        rows = [{side.entity: key} for key in keys]
        answer = self._store.get_online_features(features=side.asked, entity_rows=rows)
        found = answer.to_dict(include_event_timestamps=side.timed)
        columns = {name: found[feature] for name, feature in side.columns.items()}
        times = [found[f"{feature}__ts"] for feature in side.columns.values()] if side.timed else []
        return [
            Row(
                {name: _plain(values[row]) for name, values in columns.items()},
                min((each[row] * 1_000_000 for each in times if each[row]), default=None),
            )
            for row in range(len(ids))
        ]


@final
class _Side:
    """The features of users or of items, and the entity they are of."""

    def __init__(self, store: Any, features: Features, schema: Schema, name: str, *, timed: bool) -> None:
        self.timed = timed
        self.asked: Any = []
        self.columns: dict[str, str] = {}
        self.entity, self._integer = "", False
        references = self._references(store, features, name)
        if not references:
            return
        for column in references:
            if column not in schema:
                raise ArgumentError(
                    f"feast_store({name})",
                    received=f"a feature {column!r}",
                    expected=f"features called like columns of the table of {name}",
                    remedy=f"write {{column: 'view:feature'}}; {near(column, schema.names)}",
                )
        self.columns = {column: reference.rpartition(":")[2] for column, reference in references.items()}
        views = [
            self._view(store, view, name) for view in {r.rpartition(":")[0]: 0 for r in references.values()}
        ]
        entities = {column.name: column for view in views for column in view.entity_columns}
        if len(entities) != 1:
            raise ArgumentError(
                f"feast_store({name})",
                received=f"features of entities {sorted(entities)}",
                expected="one entity with one key",
            )
        ((self.entity, column),) = entities.items()
        self._integer = "int" in str(column.dtype).lower()

    def key(self, each: Any) -> Any:
        """A raw id in the type of the entity; an id of another type is one that nobody has."""
        if not self._integer:
            return str(each)
        try:
            return int(each)
        except (TypeError, ValueError):
            return np.iinfo(np.int64).min

    def _references(self, store: Any, features: Features, name: str) -> dict[str, str]:
        if isinstance(features, str):
            service = _found(
                lambda: store.get_feature_service(features), f"the feature service {features!r}", name
            )
            self.asked = service
            return {
                feature.name: f"{view.name}:{feature.name}"
                for view in service.feature_view_projections
                for feature in view.features
            }
        given = (
            dict(features)
            if isinstance(features, Mapping)
            else {reference.rpartition(":")[2]: reference for reference in features}
        )
        self.asked = list(given.values())
        return given

    def _view(self, store: Any, view: str, name: str) -> Any:
        return _found(lambda: store.get_feature_view(view), f"the feature view {view!r}", name)


def _opened(repo: Any) -> Any:
    feast = need("feast", use="a store in Feast")
    if not isinstance(repo, Path | str):
        return repo
    if not (Path(repo) / "feature_store.yaml").is_file():
        raise DataError(
            str(repo), received="no feature_store.yaml", expected="the folder of a Feast repository"
        )
    return feast.FeatureStore(repo_path=str(repo))


def _found(look: Any, what: str, name: str) -> Any:
    try:
        return look()
    except Exception as error:
        raise DataError(
            f"feast_store({name})",
            received=f"{type(error).__name__}: {error}",
            expected=f"{what} in the repository",
            remedy="run feast apply",
        ) from error


def _plain(value: Any) -> Any:
    """A value of Feast as plain data: times as microseconds since 1970."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1e6)
    return value.tolist() if isinstance(value, np.ndarray) else value
