"""The events that history ops look back on, as one sorted log."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, final

import polars as pl

from shortlist.data import Workspace
from shortlist.errors import SchemaError, near
from shortlist.features._event_reader import EventReader
from shortlist.features._event_rows import asked, is_log
from shortlist.features._events import Events
from shortlist.features._frame_columns import polars_type
from shortlist.features._source import Source, as_named
from shortlist.features.engine import Engine
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, Tags

__all__ = ["EventSource"]

# Bytes of a log below which files are not worth their while.
_LEAST = 1 << 24


@final
class EventSource:
    """Events of several data sets: the positive ones, see `shortlist.io.positive`, and others where asked.

    Nothing is read before the first row is asked for. Then user, item, time and the columns that history ops
    need are held for every event: 24 bytes an event and 8 a column, 16 more for each order in which they are
    searched (see `shortlist.data.ArrayLog`), and the distinct ids. Where that is more than half the memory of
    the engine, it is kept in files of its scratch folder and mapped into memory.

    Args:
        datasets: the data sets; those that are no logs are left out.
        engine: bounds the memory; None for no bound.
    """

    def __init__(self, datasets: Sequence[Dataset], engine: Engine | None = None) -> None:
        self._datasets = [dataset for dataset in datasets if is_log(dataset.schema)]
        self._engine = engine
        self._lock = Lock()
        self._columns: dict[str, Column] = {}
        self._all_events = False
        self._asked = False
        self._held: tuple[int, bool, Events] | None = None

    def column(self, source: Source, made: Column, schema: Schema) -> pl.Expr:
        """The source's column as an expression over rows of a schema; rows keep their order.

        Raises:
            SchemaError: the rows or the log lack a column that the source reads.
        """
        schemas = (schema, *(dataset.schema for dataset in self._datasets))
        named = as_named(source, {name for one in schemas for name in one.tagged(Tags.ITEM, Tags.ID).names})
        needs = named.needs
        further = [schema[name] for name in needs.row if name not in ("user", "item")]
        with self._lock:
            self._columns |= {name: self._event_column(name) for name in needs.events}
            self._all_events |= not needs.positive
            self._asked = True

        def compute(rows: pl.Series) -> pl.Series:
            return self.events().compute(named, made, rows.struct.unnest())

        rows = pl.struct(*asked(schema, [self._columns.get(column.name, column) for column in further]))
        dtype = polars_type(made)
        return rows.map_batches(compute, return_dtype=dtype, is_elementwise=True).alias(made.name)

    def events(self) -> Events:
        """The log, read now if it was not yet."""
        with self._lock:
            wanted = len(self._columns), self._all_events
            if self._held is None or self._held[:2] != wanted:
                self._held = *wanted, self._reader().read(self._datasets)
            return self._held[2]

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: a log that columns were made of goes by its files."""
        plain = {**self.__dict__, "_lock": None, "_engine": None}
        if self._engine is None or not self._asked:
            return plain
        events = self.events()
        if events.log.space.folder is None:
            events = replace(events, log=events.log.stored(Workspace(self._engine.scratch())))
            self._held = len(self._columns), self._all_events, events
        empty = [replace(dataset, partitions=()) for dataset in self._datasets]
        return {**plain, "_datasets": empty, "_held": self._held}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def _reader(self) -> EventReader:
        if self._engine is None:
            return EventReader(self._columns, self._all_events, float("inf"), Path)
        memory = max(self._engine.memory / 2, _LEAST)
        return EventReader(self._columns, self._all_events, memory, self._engine.scratch)

    def _event_column(self, name: str) -> Column:
        for dataset in self._datasets:
            if name in dataset.schema:
                return dataset.schema[name]
        raise SchemaError(
            "history of events",
            received=f"no column {name!r} in the log",
            expected="a column of the events",
            remedy=near(name, [other for dataset in self._datasets for other in dataset.schema.names]),
        )
