"""From a source to a clean data set with a schema."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shortlist.io._clean import cleaned
from shortlist.io._dataset import Dataset
from shortlist.io._files import DataFile
from shortlist.io._given_schema import wanted
from shortlist.io._roles import check_types, guess_roles, known_roles, roles_of
from shortlist.io._rules import decide
from shortlist.io._signals import Signals
from shortlist.io._sources import Opened, Source, Table, check_rows, open_source, parts_of, source_columns
from shortlist.schema import Schema

__all__ = ["scan"]


def scan(
    source: Source,
    *,
    roles: Mapping[str, str] | None = None,
    signals: Signals | None = None,
    schema: Schema | None = None,
    name: str = "events",
    partition_rows: int = 2_000_000,
    storage_options: Mapping[str, object] | None = None,
) -> Dataset:
    """Read a log of events, or a table of items or users.

    The source is read slice by slice to count what is wrong with it and to infer a schema; the data set that
    is returned reads it again when it is used. Rows without a user, an item or a readable time, rows that
    repeat another one wholly, and rows that the signals say nothing about are left out; ``report`` counts
    each: kept and left out rows add up to those read. Of a table, the last row of each id is kept.

    Ids become int64 where all are whole numbers, else text; events text, values float64. Times become
    ``Datetime("us")`` in UTC, from times, dates, text (ISO and the usual formats) or numbers since 1970
    (seconds below 1e11, milliseconds below 1e14, else microseconds). A log gets a column ``weight``.

    Args:
        source: a Parquet, CSV or Arrow IPC file, a glob, a folder of them (folders named ``day=2024-01-01``
            add a column ``day``), a Delta or Iceberg table, a URL of one of these in object storage, a Polars
            frame (lazy or not), a pandas frame, an Arrow table, a dict of lists, or a list of any of these.
        roles: "user", "item", "time", "event", "value" -> column; only a user or only an item makes it a
            table. None takes them from the schema, or guesses them by `guess_roles`.
        signals: which events are positives, negatives or cancellations; None for all positives.
        schema: used instead of an inferred one: its columns are read, the others are not.
        name: what the data are called in the report.
        partition_rows: largest number of rows of a partition; memory grows with it.
        storage_options: keys, region, endpoint of the object store of a URL, as Polars names them (such as
            ``aws_access_key_id``); None to take them from the environment.

    Raises:
        DataError: a file is missing, empty or unreadable, or all values of a role are missing.
        MissingExtraError: the reader of a Delta or Iceberg table is not installed.
        SchemaError: a column is missing or of a wrong type.
        ArgumentError: an argument is wrong.

    >>> days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    >>> log = scan({"user": ["a", "a", None], "item": [1, 2, 3], "ts": days})
    >>> print(log.report)
    events: 3 rows read, 2 kept (66.7 %)
    left out           rows   share  the first
    missing user          1  33.3 %  item=3 ts=2024-01-03
    >>> print(log.schema)
    column  dtype     shape   codes  tags
    user    string    scalar         categorical id user
    item    int64     scalar         categorical id item
    ts      datetime  scalar         time
    weight  float32   scalar         weight
    """
    check_rows("scan.partition_rows", partition_rows)
    parts = parts_of(source, storage_options)
    columns = source_columns(parts)
    if roles is None:
        roles = guess_roles(columns) if schema is None else roles_of(schema)
    known = known_roles(roles, columns, where=name)
    meaning = Signals() if signals is None else signals
    meaning.check(known)
    opened = _opened(parts, known, schema, name, partition_rows)
    own = () if schema is None else schema.tagged("weight").names
    weight = next((column for column in own if column in columns), None)
    return cleaned(opened, decide(opened, known, signals=meaning, weight=weight), schema, name)


def _opened(
    parts: Sequence[DataFile | Table],
    roles: Mapping[str, str],
    schema: Schema | None,
    name: str,
    rows: int,
) -> Opened:
    text = [roles[role] for role in ("user", "item", "time") if role in roles]
    opened = open_source(parts, text=text, rows=rows)
    columns = opened.slices[0].frame.collect_schema()
    check_types(roles, columns, where=name)
    if schema is None:
        return opened
    names = wanted(schema, columns.names(), name)
    return replace(opened, slices=tuple(replace(p, frame=p.frame.select(names)) for p in opened.slices))
