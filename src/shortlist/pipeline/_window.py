"""A stretch of the log read as requests and what was taken at them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import ArrayLog, Requests
from shortlist.errors import PipelineError
from shortlist.io import Dataset, positive
from shortlist.pipeline._stage import Stage, leaves
from shortlist.pipeline._state import State
from shortlist.schema import Column, Schema, Tags
from shortlist.store import to_array

__all__ = ["Window", "check_leak"]


@dataclass(frozen=True)
class Window:
    """Distinct requests (a user at a time) of positive events, in the order of time.

    Attributes:
        frame: user, time (int64 microseconds), and the context columns, one row a request.
        people: int64 [R], a number for the user of each request.
        log: the positives, users by that number, items by position.
        time: the column of times.
        context: columns known only with the request.
    """

    frame: pl.DataFrame
    people: npt.NDArray[np.int64]
    log: ArrayLog
    time: Column
    context: Schema

    @classmethod
    def of(cls, events: Dataset, state: State, at: Sequence[int] | None = None) -> "Window":
        """Read the positives of a data set; requests are the events, or all their users at given times."""
        schema = events.schema
        user, item, time = schema.user.name, schema.item.name, schema.time
        context = _context(schema, state)
        frame = events.frame().filter(positive(schema))
        rows = frame.select(
            user, item, pl.col(time.name).to_physical().cast(pl.Int64), *context.names
        ).collect()
        rows = rows.sort(time.name, user, maintain_order=True)
        people = rows[user].rank("dense").cast(pl.Int64).to_numpy() - 1
        log = ArrayLog(
            people,
            state.items.positions(rows[item].to_list()),
            rows[time.name].to_numpy(),
            n_items=len(state.items),
        )
        names = {user: "user", time.name: "time"}
        if at is not None:
            first = rows[user].is_first_distinct()
            asked = rows.filter(first).select(user).rename({user: "user"})
            moments = pl.DataFrame({"time": sorted(at)}, schema={"time": pl.Int64})
            return cls(
                moments.join(asked, how="cross"),
                np.tile(people[first.to_numpy()], len(at)),
                log,
                time,
                Schema(),
            )
        first = rows.select(pl.struct(user, time.name).is_first_distinct()).to_series()
        asked = rows.drop(item).filter(first).rename(names)
        return cls(asked, people[first.to_numpy()], log, time, context)

    def __len__(self) -> int:
        return self.frame.height

    @property
    def first_time(self) -> int | None:
        """Time of the first request; None when there is none."""
        return int(self.frame["time"][0]) if len(self) else None

    def requests(self, rows: npt.NDArray[np.int64], k: int) -> Requests:
        """Some of the requests, for ``k`` items each."""
        part = self.frame[rows]
        context = {name: part[name] for name in self.context.names}
        values = {name: to_array(series) for name, series in context.items()}
        plain = {
            name: value.to_lists() if hasattr(value, "to_lists") else value for name, value in values.items()
        }
        return Requests(part["user"].to_list(), k, part["time"].to_numpy(), plain)

    def taken(
        self, rows: npt.NDArray[np.int64], items: npt.NDArray[np.int64], window_us: int
    ) -> npt.NDArray[np.bool_]:
        """Bool [N]: whether the user of a request took an item in [time, time + window)."""
        times = self.frame["time"].to_numpy()[rows]
        return self.log.counts("pair", self.people[rows], items, times, times + window_us) > 0

    def totals(self, window_us: int) -> npt.NDArray[np.int64]:
        """int64 [R]: how many distinct items the user of each request took in [time, time + window)."""
        asked = pl.DataFrame({"who": self.people, "from": self.frame["time"]}).with_row_index("request")
        taken = pl.DataFrame({"who": self.log.users, "item": self.log.items, "at": self.log.times})
        inside = (pl.col("at") >= pl.col("from")) & (pl.col("at") < pl.col("from") + window_us)
        counted = (
            asked.lazy()
            .join(taken.lazy(), on="who")
            .filter(inside)
            .group_by("request")
            .agg(pl.col("item").n_unique())
            .collect()
        )
        totals = np.zeros(len(self), dtype=np.int64)
        totals[counted["request"].to_numpy()] = counted["item"].to_numpy()
        return totals


def check_leak(stages: Sequence[Stage], window: Window) -> None:
    """Refuse stages that learned from the window: those that have a ``trained_until``.

    Raises:
        PipelineError: one did, or does not say until when it learned.
    """
    parts = [part for stage in stages for part in leaves(stage)]
    for source in parts:
        if not hasattr(source, "trained_until"):
            continue
        first, until = window.first_time, source.trained_until
        if until is None or (first is not None and first < until):
            raise PipelineError(
                f"ranking_examples, stage {source.name!r}",
                received="no trained_until"
                if until is None
                else f"events from {first}, trained until {until}",
                expected="events after those it was trained on",
                remedy="train it on earlier events and say so with trained_until=, or pass allow_leak=True",
            )


def _context(schema: Schema, state: State) -> Schema:
    store = state.store

    def wanted(column: Column) -> bool:
        known = column.name in store.user_schema or column.name in store.item_schema
        told = not column.tags.isdisjoint((Tags.USER, Tags.SESSION, Tags.CONTEXT))
        other = not column.tags.isdisjoint(
            (Tags.ID, Tags.TIME, Tags.TARGET, "weight", "event", "value", "ignored")
        )
        return told and not known and not other

    return Schema(column for column in schema if wanted(column))
