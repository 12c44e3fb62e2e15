"""Reading a log into arrays, in memory or in files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, ArrayLog, Workspace
from shortlist.features._event_rows import NEVER, asked, own
from shortlist.features._event_spool import Distinct, Spool
from shortlist.features._events import Events, event_values
from shortlist.features._key_table import KeyTable
from shortlist.io import Dataset, positive
from shortlist.schema import Column

__all__ = ["EventReader"]

_ROWS = (1 << 14, 1 << 20)
_FLOATS = ("float32", "float64")
_ALL = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads events, once, partition by partition.

    Attributes:
        columns: columns of events to read, beside user, item and time.
        all_events: whether to read events that are not positive too.
        memory: bytes that the log and its sorted copies may take; beyond them its arrays are mapped from
            files. The distinct ids and texts, and one partition, are held in any case.
        folder: gives the folder for the files.
    """

    columns: Mapping[str, Column]
    all_events: bool
    memory: float
    folder: Callable[[], Path]

    def read(self, datasets: Sequence[Dataset]) -> Events:
        """The events of several data sets, in their order."""
        spool = Spool(self.memory, self.folder)
        seen = {"user": Distinct(), "item": Distinct()}
        seen |= {own(name): Distinct() for name, column in self.columns.items() if column.dtype == "string"}
        for frame in self._frames(datasets):
            spool.add(frame)
            for name, distinct in seen.items():
                distinct.add(frame[name])
        events = self._events(spool, {name: distinct.table() for name, distinct in seen.items()})
        spool.close()
        return events

    def _frames(self, datasets: Sequence[Dataset]) -> Iterator[pl.DataFrame]:
        for dataset in datasets:
            wanted = positive(dataset.schema)
            positives = wanted.fill_null(value=False).alias("positive")
            columns = [*asked(dataset.schema, self.columns.values()), positives]
            for part in dataset.partitions:
                rows = part if self.all_events else part.filter(wanted)
                yield rows.select(columns).collect().filter(pl.col("time") > NEVER)

    def _events(self, spool: Spool, tables: Mapping[str, KeyTable]) -> Events:
        rows = int(np.clip(self.memory / 1024, *_ROWS))
        space = Workspace() if spool.folder is None else Workspace(spool.folder, rows)

        def joined(name: str, change: Callable[[pl.Series], Array], dtype: npt.DTypeLike) -> Array:
            return space.joined(map(change, spool.column(name)), dtype)

        columns = {
            name: joined(
                own(name),
                partial(event_values, table=tables.get(own(name))),
                column.dtype if column.dtype in _FLOATS else np.int64,
            )
            for name, column in self.columns.items()
        }
        log = ArrayLog(
            joined("user", tables["user"].positions, np.int64),
            joined("item", tables["item"].positions, np.int64),
            joined("time", pl.Series.to_numpy, np.int64),
            joined("positive", pl.Series.to_numpy, np.float32) if self.all_events else _ALL,
            len(tables["item"]),
            columns,
            space=space,
        )
        return Events(log, tables)
