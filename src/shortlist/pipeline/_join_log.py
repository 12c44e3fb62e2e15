"""From what was shown and what was taken to training data."""

from pathlib import Path

import numpy as np
import polars as pl

from shortlist.data import duration_us
from shortlist.errors import DataError, near
from shortlist.io import Dataset, atomic_folder, finish_parquet, read_parquet, write_part
from shortlist.pipeline._answer_log import AnswerLog
from shortlist.schema import Column, Schema, Tags
from shortlist.store import to_series

__all__ = ["join_log"]

_ROWS = 4_000_000
_SCHEMA = Schema(
    [
        Column("request", "int64", frozenset({"request"})),
        Column("request_id", "string", frozenset({"ignored"})),
        Column("user", "string", frozenset({Tags.USER, Tags.ID, Tags.CATEGORICAL})),
        Column("item", "string", frozenset({Tags.ITEM, Tags.ID, Tags.CATEGORICAL})),
        Column("time", "datetime", frozenset({Tags.TIME})),
        Column("position", "int32", frozenset({"ignored"})),
        Column("score", "float32", frozenset({"ignored"})),
        Column("propensity", "float32", frozenset({"ignored"})),
        Column("source", "string", frozenset({"ignored"})),
        Column("bundle", "string", frozenset({"ignored"})),
        Column("label", "int8", frozenset({Tags.TARGET, Tags.BINARY})),
        Column("reward", "float32", frozenset({"ignored"})),
        Column("taken", "datetime", frozenset({"ignored"})),
    ]
)


def join_log(
    answers: Path | str,
    events: Path | str,
    out: Path | str,
    *,
    window: str = "1d",
    like: Schema | None = None,
) -> Dataset:
    """Join a log of answers with the events that followed, one row for each item that was shown.

    An event that carries a request id counts for the item of that answer. One without counts for the last
    answer that showed the user the item, at most ``window`` before it. Ids are compared as text. An answer
    that was logged twice under one id counts once.

    Users are joined share by share, so that about 4 million shown items are in memory at a time, with their
    events.

    Args:
        answers: folder of an `AnswerLog`.
        events: folder of an `OutcomeLog`, or a Parquet or CSV file, with the columns ``user``, ``item`` and
            ``time``, and ``request_id`` and ``weight`` where there are such.
        out: folder to write, as `sl.read_parquet` reads it; it appears whole or not at all.
        window: how long after an answer an event may come that does not say its request.
        like: a log's schema, whose names and types user, item and time get, so that its tables can be joined
            and its workflows read the rows; a user that is none of its type becomes null.

    Returns:
        ``request`` (a number for each answer), ``request_id``, ``user``, ``item``, ``time``, ``position``,
        ``score``, ``propensity``, ``source``, ``bundle``, ``label`` (1 where it was taken), ``reward`` (the
        weights of its events together), ``taken`` (time of the first of them).

    Raises:
        DataError: a log cannot be read, or lacks a column.
        ArgumentError: the window is not a length of time.
    """
    span = duration_us(window, where="join_log.window")
    shown, taken = _shown(Path(answers)), _taken(Path(events))
    count = shown.select(pl.len()).collect().item()
    shares = max(1, -(-count // _ROWS))
    with atomic_folder(out) as fresh:
        parts = []
        schema = _SCHEMA if like is None else _schema_like(like)
        names = dict(zip(_SCHEMA.names, schema.names, strict=True))
        ids = {
            name: to_series(np.zeros(0, dtype=object), schema[names[name]]).dtype for name in ("user", "item")
        }
        for share in range(shares):
            mine = pl.col("user").fill_null("").hash(seed=0) % shares == share
            frame = _joined(shown.filter(mine), taken.filter(mine), span)
            typed = (pl.col(name).cast(kind, strict=False) for name, kind in ids.items())
            frame = frame.select(_SCHEMA.names).with_columns(typed).rename(names)
            parts.append(write_part(frame, fresh, share))
        finish_parquet(fresh, schema, parts)
    return read_parquet(out, verify=False)


def _schema_like(like: Schema) -> Schema:
    """The columns of the rows, user, item and time called and typed as in a log."""
    roles = {"user": like.user, "item": like.item}
    if len(like.tagged(Tags.TIME)) == 1:
        roles["time"] = like.time
    return Schema(roles.get(column.name, column) for column in _SCHEMA)


def _shown(folder: Path) -> pl.LazyFrame:
    """One row an item shown."""
    if not any(folder.glob("answers-*.parquet")):
        raise DataError(
            str(folder),
            received="no answers",
            expected="the folder of an answer log",
            remedy="serve with --log-answers, and let it write the first answers",
        )
    drawn = pl.when(pl.col("propensities").is_null()).then(
        pl.col("scores").list.eval(pl.element() * pl.lit(None, dtype=pl.Float32))
    )
    lists = {
        "items": "item",
        "positions": "position",
        "scores": "score",
        "propensities": "propensity",
        "sources": "source",
    }
    frame = (
        AnswerLog(folder)
        .read()
        .with_row_index("request")
        .with_columns(pl.col("request").cast(pl.Int64), propensities=drawn.otherwise(pl.col("propensities")))
    )
    return frame.filter(pl.col("items").list.len() > 0).explode(*lists).rename(lists)


def _taken(path: Path) -> pl.LazyFrame:
    """Events with text ids, of the columns that the join reads."""
    try:
        frame = pl.scan_csv(path, try_parse_dates=True) if path.suffix == ".csv" else _scanned(path)
        names = frame.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            str(path), received=str(error), expected="Parquet files, or a CSV file, of events"
        ) from error
    for name in ("user", "item", "time"):
        if name not in names:
            raise DataError(
                str(path),
                received=f"no column {name!r}",
                expected="user, item and time",
                remedy=near(name, names),
            )
    ids = pl.col("request_id").cast(pl.String) if "request_id" in names else pl.lit(None, dtype=pl.String)
    weight = pl.col("weight").cast(pl.Float32) if "weight" in names else pl.lit(1.0, dtype=pl.Float32)
    return frame.select(
        pl.col("user", "item").cast(pl.String),
        pl.col("time").cast(pl.Datetime("us")),
        request_id=ids,
        weight=weight,
    ).filter(pl.col("item").is_not_null())


def _scanned(path: Path) -> pl.LazyFrame:
    paths = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not paths:
        raise DataError(str(path), received="no events", expected="Parquet files of events")
    return pl.scan_parquet(paths, missing_columns="insert")


def _joined(shown: pl.LazyFrame, taken: pl.LazyFrame, span: int) -> pl.DataFrame:
    """The rows of some users with what they took."""
    again = pl.col("request_id").is_not_null() & ~pl.struct("request_id", "user", "item").is_first_distinct()
    rows = shown.collect().filter(~again).with_row_index("row")
    events = taken.collect()
    own = events.filter(pl.col("request_id").is_not_null())
    keys = ["request_id", "user", "item"]
    direct = rows.select("row", *keys).join(own, on=keys, nulls_equal=True)
    others = events.filter(pl.col("request_id").is_null() & pl.col("user").is_not_null()).sort("time")
    before = rows.select("row", "user", "item", "time").drop_nulls("user").sort("time", "row")
    nearest = others.rename({"time": "event"}).join_asof(
        before.with_columns(event=pl.col("time")),
        on="event",
        by=["user", "item"],
        strategy="backward",
        tolerance=f"{span}us",
        check_sortedness=False,
    )
    columns = ("row", "weight", "event")
    found = pl.concat(
        [direct.rename({"time": "event"}).select(columns), nearest.drop_nulls("row").select(columns)]
    )
    sums = found.group_by("row").agg(reward=pl.col("weight").sum(), taken=pl.col("event").min())
    return rows.join(sums, on="row", how="left", maintain_order="left").with_columns(
        label=pl.col("taken").is_not_null().cast(pl.Int8), reward=pl.col("reward").fill_null(0.0)
    )
