"""Features by id: out of a user's table, and into tables of sparse vectors."""

from collections.abc import Mapping

import polars as pl

from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._key_table import KeyTable
from shortlist.io import Dataset

__all__ = ["as_pairs", "feature_tables"]


def as_pairs(where: str, table: pl.DataFrame | pl.LazyFrame | Dataset, id_type: pl.DataType) -> pl.DataFrame:
    """One row a feature: ``id``, ``feature``, ``weight``; rows without an id or a feature are left out.

    Raises:
        SchemaError: the table has not two or three columns, or they are of other types.
    """
    frame = table.collect() if isinstance(table, Dataset) else table.lazy().collect()
    if frame.width not in (2, 3):
        raise SchemaError(
            where, received=f"columns {frame.columns}", expected="an id, features and perhaps weights"
        )
    frame = frame.rename(dict(zip(frame.columns, ("id", "feature", "weight"), strict=False)))
    lists = [name for name in ("feature", "weight") if isinstance(frame.schema.get(name), pl.List)]
    if "weight" not in frame.columns:
        frame = frame.with_columns(weight=pl.lit(1.0))
    try:
        pairs = frame.explode(lists, empty_as_null=False) if lists else frame
        typed = pairs.select(pl.col("id").cast(id_type), "feature", pl.col("weight").cast(pl.Float64))
        if (
            pairs.schema["feature"] not in (pl.String, pl.Boolean)
            and not pairs.schema["feature"].is_integer()
        ):
            raise pl.exceptions.SchemaError(f"features of type {pairs.schema['feature']}")
    except pl.exceptions.PolarsError as error:
        raise SchemaError(
            where,
            received=str(error).splitlines()[0],
            expected=f"ids of type {id_type}, features that are integers or text, and a number for each",
            remedy="cast the columns; give features and weights as lists of equal length, or both not",
        ) from error
    return typed.drop_nulls()


def feature_tables(pairs: Mapping[str, pl.DataFrame], metric: str) -> dict[str, KeyTable]:
    """For each side the ids with their features, numbered alike on all sides, and their scaled weights.

    Raises:
        ArgumentError: the features of two sides are of different types.
    """
    types = {side: frame.schema["feature"] for side, frame in pairs.items()}
    if len(set(types.values())) > 1:
        raise ArgumentError(
            "ColumnSimilarity", received=f"features of types {types}", expected="features of one type"
        )
    summed = {
        side: frame.group_by("id", "feature", maintain_order=True).agg(pl.col("weight").sum())
        for side, frame in pairs.items()
    }
    distinct = {id(frame): summed[side] for side, frame in pairs.items()}.values()
    total = sum(frame["id"].n_unique() for frame in distinct)
    counted = pl.concat(frame.select("feature") for frame in distinct).group_by("feature").len("ids")
    idf = (total / pl.col("ids")).log()
    known = counted.select("feature", idf=idf).sort("feature").with_row_index("code")
    return {
        side: _table(frame.join(known, on="feature").sort("id", "code"), metric)
        for side, frame in summed.items()
    }


def _table(rows: pl.DataFrame, metric: str) -> KeyTable:
    weight = pl.col("weight") * pl.col("idf") if metric == "tfidf" else pl.col("weight")
    if metric != "inner":
        length = (weight**2).sum().sqrt().over("id")
        weight = pl.when(length > 0).then(weight / length).otherwise(0.0)
    scaled = rows.select("id", pl.col("code").cast(pl.Int32), weight=weight)
    by_id = scaled.group_by("id", maintain_order=True).agg(features="code", weights="weight")
    return KeyTable(by_id, ("id",))
