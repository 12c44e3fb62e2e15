"""The schema that is inferred, and the one that is given."""

import numpy as np
import polars as pl
import pytest

from shortlist.errors import SchemaError
from shortlist.io import scan
from shortlist.schema import Column, Schema

RNG = np.random.default_rng(0)
ROWS = 2_000
USER = RNG.integers(0, 50, ROWS)
ITEM = RNG.integers(0, 40, ROWS)
BASKET = USER * 1_000 + RNG.integers(0, 5, ROWS)
WORDS = ["red", "green", "small", "large", "round", "wooden", "silver", "paper"]
LOG = pl.DataFrame(
    {
        "user_id": USER,
        "item_id": ITEM,
        "ts": BASKET,
        "brand": [f"brand {item % 7}" for item in ITEM],
        "list_price": ITEM * 1.5,
        "country": [f"country {user % 9}" for user in USER],
        "age": 20 + USER,
        "device": RNG.choice(["phone", "desktop"], ROWS),
        "delay": RNG.normal(size=ROWS),
        "duration": RNG.integers(0, 1_000, ROWS),
        "invoice": [f"n{basket}" for basket in BASKET],
        "row": np.arange(ROWS),
        "shop": "one",
        "empty": pl.Series([None] * ROWS, dtype=pl.String),
        "comment": [" ".join(RNG.choice(WORDS, 5)) for _ in range(ROWS)],
        "vector": pl.Series(RNG.normal(size=(ROWS, 2)), dtype=pl.Array(pl.Float64, 2)),
        "colours": [["red"] if item % 2 else ["red", "blue"] for item in ITEM],
        "seen_at": pl.Series(BASKET - 1).cast(pl.Datetime("us")),
    }
)
TAGS = {
    "user_id": "categorical id user",
    "item_id": "categorical id item",
    "ts": "time",
    "brand": "categorical item",
    "list_price": "continuous item",
    "country": "categorical user",
    "age": "categorical user",
    "device": "categorical context",
    "delay": "context continuous",
    "duration": "context continuous",
    "invoice": "ignored",
    "row": "ignored",
    "shop": "ignored",
    "empty": "ignored",
    "comment": "context text",
    "vector": "context embedding",
    "colours": "categorical item",
    "seen_at": "context date",
    "weight": "weight",
}


def test_columns_are_tagged_by_what_determines_them() -> None:
    data = scan(LOG)
    assert {column.name: " ".join(sorted(column.tags)) for column in data.schema} == TAGS
    assert data.report is not None
    assert data.report.ignored == {
        "invoice": "it is an id of the event: it determines the user and the time",
        "row": "nearly every row has a value of its own",
        "shop": "every row holds 'one'",
        "empty": "it has no values",
    }


def test_a_column_that_is_nearly_always_one_value_belongs_to_nobody() -> None:
    rare = LOG.select("user_id", "item_id", "ts", flag=pl.Series(RNG.random(ROWS) < 0.005))
    assert scan(rare).schema["flag"].has("context")


def test_a_few_wrong_rows_do_not_change_the_owner() -> None:
    wrong = LOG.select(
        "user_id",
        "item_id",
        "ts",
        "delay",
        brand=pl.when(pl.col("row") < 30).then(pl.lit("?")).otherwise("brand"),
    )
    assert scan(wrong).schema["brand"].has("item", "categorical")


def test_every_column_of_a_table_belongs_to_its_entity() -> None:
    names = [
        f"{first} {second} thing {n}"
        for n, (first, second) in enumerate(zip(WORDS * 30, WORDS[::-1] * 30, strict=True))
    ]
    table = pl.DataFrame(
        {"id": range(240), "name": names, "kind": WORDS * 30, "url": [f"u{n}" for n in range(240)]}
    )
    items = scan(table, roles={"item": "id"})
    assert [" ".join(sorted(column.tags)) for column in items.schema] == [
        "categorical id item",
        "item text",
        "categorical item",
        "ignored",
    ]
    assert scan(table, roles={"user": "id"}).schema["kind"].has("user")


def test_a_small_table_is_not_judged_by_its_uniqueness() -> None:
    items = scan({"item_id": [1, 2], "name": ["a", "b"]})
    assert items.schema["name"].has("item", "categorical")


def test_a_given_schema_chooses_columns_types_and_tags() -> None:
    given = Schema(
        [
            Column("item_id", "string", ("item", "id")),
            Column("user_id", "int64", ("user", "id")),
            Column("age", "float32", ("user", "continuous")),
            Column("weight", "float32", ("weight",)),
        ]
    )
    data = scan(LOG, schema=given)
    assert data.schema == given
    assert data.collect().schema == {
        "item_id": pl.String,
        "user_id": pl.Int64,
        "age": pl.Float32,
        "weight": pl.Float32,
    }
    again = scan(LOG, schema=scan(LOG).schema)
    assert again.schema == scan(LOG).schema


def test_a_given_schema_must_fit() -> None:
    ids = (Column("user_id", "int64", ("user", "id")), Column("item_id", "int64", ("item", "id")))
    with pytest.raises(SchemaError, match="did you mean 'brand'"):
        scan(LOG, schema=Schema([*ids, Column("brands", "string")]))
    with pytest.raises(SchemaError, match="received a scalar of string"):
        scan(LOG, schema=Schema([*ids, Column("brand", "int64")]))
    for dtype in ("int32", "uint64", "bool", "datetime"):
        with pytest.raises(SchemaError, match="column 'age'"):
            scan(LOG, schema=Schema([*ids, Column("age", dtype)]))
    with pytest.raises(SchemaError, match="a list of string"):
        scan(LOG, schema=Schema([*ids, Column("colours", "string")]))
