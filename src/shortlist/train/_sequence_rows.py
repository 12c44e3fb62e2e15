"""Training rows to sequences of item codes, cut into windows that hold every target once."""

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from shortlist.errors import DataError, SchemaError
from shortlist.io import Dataset, positive
from shortlist.loader import Loader
from shortlist.schema import FIRST_UNKNOWN, LIST, Column, Schema, Tags
from shortlist.train._catalogue import Catalogue, user_column
from shortlist.train._sources import Data, schema_of, weight_column

__all__ = ["SequenceRows", "sequence_rows"]

_ROW = "#row"
_WINDOW = "#window"


@dataclass(frozen=True, slots=True)
class SequenceRows:
    """Windows of sequences, one a row, and the catalogue of what is in them.

    Attributes:
        frame: a list of at least two codes a row, the ages of all but the last, user and weight if there are.
        schema: the columns of the frame.
        catalogue: the items that can be told.
        user: the user column, or None.
        weight: the weight column, or None.
    """

    frame: pl.DataFrame
    schema: Schema
    catalogue: Catalogue
    user: Column | None
    weight: Column | None


def sequence_rows(
    model: Any, train: Data, items: Data | None, *, length: int, positions: Literal["every", "last"]
) -> SequenceRows:
    """Windows of at most ``length`` codes, which begin with the last code of the one before.

    Rows with a column of the item id are events, each with the history before it: a history and its item are
    one sequence. To train on every position, as many of a known user's events are taken, counted back from
    the newest, as hold each event once. Rows without an item id are whole sequences.

    Args:
        model: a sequence model.
        train: encoded rows.
        items: encoded item rows, for sequences whose model reads more of an item than its id.
        length: codes in a window, 2 or more.
        positions: whether every code but the first is told from those before, or the last one of a row alone.

    Raises:
        DataError: no sequence has two items.
        SchemaError: a column is missing, or item features are needed and ``items`` is None.
    """
    known = schema_of(train, model.schema)
    history, *ages = model.query_schema
    item, user, weight = model.item_schema.item, user_column(known), weight_column(known)
    events = item.name in known
    frame = _read(train, known).filter(positive(known))
    sequences = frame
    if events:
        kept = frame if positions == "last" else _covering(frame, history.name, user, length)
        sequences = _of_events(kept, item.name, model, length)
    columns = [history, *ages, *(column for column in (user, weight) if column is not None)]
    windows = _windows(sequences, history.name, [age.name for age in ages], length, positions)
    windows = windows.select([column.name for column in columns])
    if len(windows) == 0:
        raise DataError(
            "fit.train",
            received="no sequence of two items",
            expected="at least one",
            remedy=f"check the column {history.name!r}, and the filters of the training data",
        )
    source = frame if events else _exploded(frame, history.name, item.name, user)
    catalogue = _catalogue(model, source, items, user)
    return SequenceRows(windows, _schema(columns), catalogue, user, weight)


def _read(train: Data, known: Schema) -> pl.DataFrame:
    parts = train.partitions if isinstance(train, Dataset) else (train.lazy(),)
    frame = pl.concat([part.lazy() for part in parts]).collect()
    times = [column.name for column in known.tagged(Tags.TIME) if not column.is_list]
    return (
        frame.sort(times[0], maintain_order=True) if len(times) == 1 and times[0] in frame.columns else frame
    )


def _of_events(frame: pl.DataFrame, item: str, model: Any, length: int) -> pl.DataFrame:
    """The newest of a history and its item as one list."""
    history, *ages = model.query_schema.names
    missing = [name for name in (history, *ages) if name not in frame.columns]
    if missing:
        raise SchemaError(
            "fit.train",
            received=f"events without {missing}",
            expected=f"the columns {[history, *ages]}",
            remedy=f"make histories with ops.History, or give whole sequences in {history!r} and no {item!r}",
        )
    whole = pl.concat_list(pl.col(history).fill_null([]), pl.col(item)).list.tail(length)
    return frame.with_columns(whole.alias(history), *(pl.col(name).list.tail(length - 1) for name in ages))


def _covering(frame: pl.DataFrame, history: str, user: Column | None, length: int) -> pl.DataFrame:
    """Of known users as many events as hold each once with their histories; of others, all."""
    if user is None or len(frame) == 0 or history not in frame.columns:
        return frame
    longest: Any = frame[history].list.len().max()
    step = max(1, min(length - 1, int(longest or 0)))
    back = pl.int_range(pl.len()).reverse().over(user.name)
    return frame.filter((back % step == 0) | (pl.col(user.name) <= FIRST_UNKNOWN))


def _windows(
    frame: pl.DataFrame, history: str, ages: list[str], length: int, positions: Literal["every", "last"]
) -> pl.DataFrame:
    step = length - 1
    count = pl.col(history).list.len().cast(pl.Int64)
    frame = frame.with_row_index(_ROW).filter(count >= 2)
    windows = (count + step - 2) // step if positions == "every" else pl.lit(1, pl.Int64)
    frame = frame.with_columns(pl.int_ranges(0, windows).alias(_WINDOW)).explode(_WINDOW)
    # Counted from the end, so that the newest window is a full one.
    end = count - step * pl.col(_WINDOW)
    start = pl.max_horizontal(end - length, pl.lit(0, pl.Int64))
    cut = [pl.col(history).list.slice(start, end - start)]
    return frame.with_columns(*cut, *(_ages(name, start, end) for name in ages))


def _ages(name: str, start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Days from each event of a window but the last to that one."""
    own = pl.col(name).list.slice(start, end - 1 - start)
    last = pl.col(name).list.get(end - 1, null_on_oob=True).fill_null(0)
    return (own - last).alias(name)


def _exploded(frame: pl.DataFrame, history: str, item: str, user: Column | None) -> pl.DataFrame:
    names = [history, *([] if user is None else [user.name])]
    return frame.select(names).explode(history).drop_nulls(history).rename({history: item})


def _catalogue(model: Any, frame: pl.DataFrame, items: Data | None, user: Column | None) -> Catalogue:
    item = model.item_schema.item.name
    names = [item, *([] if user is None else [user.name])]
    lacking = [name for name in model.item_schema.names if name not in frame.columns]
    if items is not None:
        features = pl.concat(items.partitions if isinstance(items, Dataset) else [items.lazy()]).collect()
        own = features.select(model.item_schema.names).unique(item, keep="last", maintain_order=True)
        joined = frame.select(names).join(own, on=item, how="inner", maintain_order="left")
        if len(joined) < len(frame):
            raise DataError(
                "NextItem.items",
                received=f"no row for {len(frame) - len(joined):,} events of the sequences",
                expected="a row for every item",
                remedy="give the whole item table, encoded by the same workflow",
            )
        frame = joined
    elif lacking:
        raise SchemaError(
            "NextItem.items",
            received=f"no item rows, for sequences and a model that reads {lacking}",
            expected="encoded item rows with these columns",
            remedy="NextItem(items=flow.transform(items))",
        )
    columns = model.item_schema.merge([] if user is None or user.name in model.item_schema else [user])
    return Catalogue.of(Loader(frame, columns), model.item_schema, user)


def _schema(columns: list[Column]) -> Schema:
    """The columns, lists of any length."""
    return Schema(
        Column(column.name, column.dtype, column.tags, LIST, column.domain) if column.is_list else column
        for column in columns
    )
