"""From a source to a clean data set with a schema."""

from collections.abc import Container, Mapping, Sequence
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

    The source is read slice by slice to count what is wrong and infer a schema; the data set reads it again
    when used. Rows without a user, an item or a readable time, that repeat another wholly, or that the
    signals do not cover are left out, and ``report`` counts each. Of a table, each id's last row is kept.

    Ids become int64 where all are whole numbers, else text; events text, values float64; times UTC
    ``Datetime("us")``, from times, dates, text (ISO and the usual formats) or numbers since 1970 (seconds
    below 1e11, milliseconds below 1e14, else microseconds). A log gets a column ``weight``.

    Args:
        source: a Parquet, CSV or Arrow IPC file, a glob, a folder (those named ``day=2024-01-01`` in it add a
            column), a Delta or Iceberg table, a URL of one of these, a Polars frame (lazy or not), a pandas
            frame, an Arrow table, a dict of lists, or a list of any of these.
        roles: "user", "item", "time", "event", "value" -> column; only a user or only an item makes it a
            table. None takes them from the schema, or guesses them by `guess_roles`.
        signals: which events are positives, negatives or cancellations; None for all positives.
        schema: used instead of an inferred one: its columns are read, the others are not.
        name: what the data are called in the report.
        partition_rows: largest number of rows of a partition; memory grows with it.
        storage_options: keys, region, endpoint of a URL's object store; None for those of the environment.

    Raises:
        DataError: a source is missing, empty or unreadable, or all values of a role are missing.
        MissingExtraError: the reader of a table is not installed.
        SchemaError: a column is missing or of a wrong type.
        ArgumentError: an argument is wrong.

    >>> log = scan({"user": ["a", "a", None], "item": [1, 2, 3], "ts": [f"2024-01-0{n}" for n in (1, 2, 3)]})
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
    (meaning := signals or Signals()).check(known)
    opened = _opened(parts, known, schema, name, partition_rows)
    rules = decide(opened, known, signals=meaning, weight=_weight(schema, columns))
    return cleaned(opened, rules, schema, name)


def _weight(schema: Schema | None, columns: Container[str]) -> str | None:
    own = () if schema is None else schema.tagged("weight").names
    return next((name for name in own if name in columns), None)


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
