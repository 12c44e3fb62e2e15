"""A Feast repository of a test's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.extras import need
from shortlist.io import Dataset
from shortlist.schema import Column, Tags

__all__ = ["feast_repo"]

_FACTS = """project: shop
registry: registry.db
provider: local
online_store: {online}
offline_store: {{type: file}}
entity_key_serialization_version: 3
"""
_SQLITE = "{type: sqlite, path: online.db}"
_TYPES = {
    "string": "String",
    "int64": "Int64",
    "float64": "Float64",
    "float32": "Float32",
    "datetime": "UnixTimestamp",
}


def feast_repo(folder: Path, *, users: Dataset, items: Dataset, online: str = _SQLITE) -> Any:
    """A repository with the views and services ``user_facts`` and ``item_facts``, materialised.

    Args:
        folder: an empty folder.
        users: one row a user and time; its time column is the event timestamp.
        items: likewise.
        online: the online store as YAML.
    """
    feast = need("feast", use="tests of Feast")
    (folder / "feature_store.yaml").write_text(_FACTS.format(online=online))
    made: list[Any] = []
    for name, table in (("user_facts", users), ("item_facts", items)):
        made += _view(feast, folder, name, table)
    store = feast.FeatureStore(repo_path=str(folder))
    store.apply(made)
    store.materialize(datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC))
    return store


def _view(feast: Any, folder: Path, name: str, table: Dataset) -> list[Any]:
    types, key = need("feast.types", use="tests of Feast"), table.schema.tagged(Tags.ID).names[0]
    time = table.schema.time.name
    frame = table.collect().with_columns(pl.col(time).dt.replace_time_zone("UTC"))
    frame = frame.with_columns(pl.col(pl.Array).arr.to_list()) if pl.Array in frame.schema.values() else frame
    frame.write_parquet(folder / f"{name}.parquet")
    entity = feast.Entity(
        name=key,
        join_keys=[key],
        value_type=getattr(feast.ValueType, _TYPES[table.schema[key].dtype].upper()),
    )
    view = feast.FeatureView(
        name=name,
        entities=[entity],
        ttl=timedelta(0),
        schema=[
            feast.Field(name=column.name, dtype=_type(types, column))
            for column in table.schema
            if column.name not in (key, time)
        ],
        source=feast.FileSource(path=str(folder / f"{name}.parquet"), timestamp_field=time),
    )
    return [entity, view, feast.FeatureService(name=name, features=[view])]


def _type(types: Any, column: Column) -> Any:
    plain = getattr(types, _TYPES[column.dtype])
    return plain if column.shape.kind == "scalar" else types.Array(plain)
