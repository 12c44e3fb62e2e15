"""Branches of ops, fitted once, applied to data sets and to requests alike."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ArgumentError, BundleError, NotFittedError, SchemaError, near
from shortlist.features import _arrays
from shortlist.features._branch import Branch
from shortlist.features._event_source import EventSource
from shortlist.features._fit import fit_states
from shortlist.features._frames import prepare, transform_frame
from shortlist.features._options import branch_from_json, branches_to_json, read_states, write_states
from shortlist.features._plan import Plan, plan
from shortlist.features._source import Source
from shortlist.features._state import State
from shortlist.features._vocabulary import Vocabulary
from shortlist.features.engine import Engine, Local
from shortlist.features.ops import Filter
from shortlist.io import Dataset, atomic_folder, read_manifest, write_manifest
from shortlist.schema import Schema, Selector

__all__ = ["Workflow"]

_FORMAT = 1


class Workflow:
    """Branches that turn raw columns into what models read: codes int64, continuous float32, lists of these.

    A branch is ``columns >> op >> op``; columns are a name, a list of names, a selector, or a history op.
    A column alone passes unchanged. Time, target and "weight" columns pass through without a branch. Every
    name comes out once.

    Args:
        branches: branches, names, selectors, history ops and filters.

    Raises:
        ArgumentError: something else stands among the branches.

    A week's work, from the log of a shop to the features of a model:

    >>> from datetime import datetime
    >>> from shortlist.features import ops
    >>> from shortlist.schema import Column, Schema, tags
    >>> schema = Schema([
    ...     Column("user_id", "string", ("user", "id")),
    ...     Column("item_id", "int64", ("item", "id")),
    ...     Column("price", "float64", ("item", "continuous")),
    ...     Column("time", "datetime", ("time",)),
    ... ])
    >>> rows = pl.DataFrame({
    ...     "user_id": ["ann", "bob", "ann", "ann"],
    ...     "item_id": [7, 7, 8, 9],
    ...     "price": [1.0, 1.0, None, 3.0],
    ...     "time": [datetime(2024, 1, day) for day in (1, 2, 3, 8)],
    ... })
    >>> flow = Workflow([
    ...     tags.any("id") >> ops.Categorify(min_count=1),
    ...     tags.any("continuous") >> ops.FillMissing(0.0) >> ops.LogOp() >> ops.Normalize(),
    ...     ops.History("item_id", max_length=2) >> ops.Categorify(like="item_id"),
    ...     ops.AsOf("user", "count", window="7d") >> ops.LogOp(),
    ... ]).fit(Dataset.of(rows, schema))
    >>> flow.transform(Dataset.of(rows, schema)).collect()["item_id_history"].to_list()
    [[], [], [3], [3, 4]]
    >>> batch = flow.transform_batch(Batch({"item_id": np.array([9, 1])}))
    >>> batch["item_id"].tolist(), flow.decode("item_id", batch["item_id"])
    ([5, 2], [9, None])
    """

    def __init__(self, branches: Iterable[Branch | Selector | str | Source | Filter]) -> None:
        self._branches = tuple(_branch(part) for part in branches)
        self._plan: Plan | None = None
        self._states: dict[int, State] = {}

    def fit(
        self, dataset: Dataset, *, log: Dataset | None = None, engine: Engine | None = None
    ) -> "Workflow":
        """Learn the state of every op from the data; gives the workflow itself.

        Args:
            dataset: the rows to learn from.
            log: earlier events that history ops may look back on, beside the data set's own.
            engine: where the work is done; None for `Local`.

        Raises:
            SchemaError: a branch names an unknown column, or one of a type that an op cannot take.
            ArgumentError: two branches give a column of one name, or ops wait for one another.
        """
        planned = plan(self._branches, dataset.schema)
        states = fit_states(planned, dataset, _events(log, dataset), engine or Local())
        self._plan, self._states = plan(self._branches, dataset.schema, states), states
        return self

    def transform(
        self, dataset: Dataset, *, log: Dataset | None = None, engine: Engine | None = None
    ) -> Dataset:
        """The data set that comes out, lazily: as many partitions, rows in their order.

        Args:
            dataset: rows with the columns that the workflow reads; columns of history ops are taken as given
                where they are there; times, targets and weights may be absent.
            log: earlier events, not those of the data set, that history ops may look back on.
            engine: where the work is done; None for `Local`.

        Raises:
            NotFittedError: the workflow is not fitted.
            SchemaError: a column is missing.
        """
        planned, events = self._fitted("transform"), _events(log, dataset)
        absent = [column.name for column in planned.carried if column.name not in dataset.schema]
        given = planned.gives.without(*absent)

        def change(rows: pl.LazyFrame) -> pl.LazyFrame:
            prepared = prepare(planned, rows, dataset.schema, events)
            return transform_frame(planned, self._states, prepared, given)

        return Dataset(given, (engine or Local()).map(change, dataset.partitions))

    def transform_batch(self, batch: Batch) -> Batch:
        """The request path: raw columns in, what `transform` gives for them out.

        Every branch whose columns are all there is computed; query columns stay query columns. Nothing is
        left out by filters. Codes are int64, continuous columns float32 with NaN for null.

        Raises:
            NotFittedError: the workflow is not fitted.
            SchemaError: a column has another type than in fitting.
        """
        return _arrays.transform_batch(self._fitted("transform_batch"), self._states, batch)

    def decode(self, name: str, codes: Ragged | Array | Sequence[Any]) -> list[Any]:
        """Raw values of codes: None for padding, null and unknown, tuples for combinations, lists for lists.

        Raises:
            SchemaError: the column has no vocabulary.
            ArgumentError: a code is beyond the vocabulary.
        """
        vocabulary = self._vocabulary(name)
        plain = codes.to_lists() if isinstance(codes, Ragged) else np.asarray(codes, dtype=object).tolist()
        try:
            return [
                vocabulary.decode(code) if isinstance(code, list) else vocabulary.decode([code])[0]
                for code in plain
            ]
        except IndexError as error:
            raise ArgumentError(
                f"Workflow.decode of column {name!r}",
                received=f"codes up to {max(np.max(code, initial=0) for code in plain)}",
                expected=f"codes below {vocabulary.size}",
                remedy="decode with the workflow that encoded them",
            ) from error

    def vocabulary(self, name: str) -> pl.DataFrame:
        """A column's codes, values and (where they were counted) counts.

        Raises:
            SchemaError: the column has no vocabulary.
        """
        known = self._vocabulary(name)
        return known.table.frame.with_row_index("code", known.size - len(known.table))

    def coverage(self) -> pl.DataFrame:
        """For every counted vocabulary: values kept, rows seen in fitting, and shares of null and unknown.

        Raises:
            NotFittedError: the workflow is not fitted.
        """
        self._fitted("coverage")
        counted = {id(s): s for s in self._states.values() if "known_rows" in s.values}.values()
        return pl.DataFrame([_coverage(state) for state in counted], schema=_COVERAGE)

    @property
    def input_schema(self) -> Schema:
        """The raw columns it reads, those of history ops included."""
        return self._fitted("input_schema").reads

    @property
    def schema(self) -> Schema:
        """The columns it gives."""
        return self._fitted("schema").gives

    @property
    def histories(self) -> tuple[Source, ...]:
        """The history ops, whose columns the request path takes from the feature store."""
        return tuple(source for source, _ in self._fitted("histories").sources)

    def warm_up(self) -> None:
        """Build the look-ups of the request path now rather than at the first request."""
        for state in self._states.values():
            for table in state.tables.values():
                _ = table.lookup

    def save(self, folder: Path | str) -> None:
        """Write JSON and Arrow files; the folder appears whole or not at all.

        Raises:
            NotFittedError: the workflow is not fitted.
            DataError: the folder cannot be written.
        """
        planned = self._fitted("save")
        with atomic_folder(folder) as fresh:
            plain = {
                "format": _FORMAT,
                "input": json.loads(planned.raw.to_json()),
                "branches": branches_to_json(self._branches, planned),
                "states": write_states(fresh, self._states),
            }
            (fresh / "workflow.json").write_text(json.dumps(plain, indent=1, default=_number))
            write_manifest(fresh)

    @classmethod
    def load(cls, folder: Path | str) -> "Workflow":
        """Read what `save` wrote: a workflow that gives identical columns, and can be fitted anew.

        Raises:
            DataError: a file is missing or damaged; it is named.
            BundleError: the folder was written in a newer format, or holds no workflow.
        """
        read_manifest(folder)
        path = Path(folder) / "workflow.json"
        plain = json.loads(path.read_text()) if path.is_file() else {}
        if plain.get("format") != _FORMAT:
            raise BundleError(
                str(folder),
                received=f"format {plain.get('format')}",
                expected=f"a workflow of format {_FORMAT}",
                remedy="read it with the version of shortlist that wrote it",
            )
        flow = cls(branch_from_json(branch) for branch in plain["branches"])
        flow._states = read_states(Path(folder), plain["states"])
        raw = Schema.from_json(json.dumps(plain["input"]))
        flow._plan = plan(flow._branches, raw, flow._states)
        return flow

    def _fitted(self, what: str) -> Plan:
        if self._plan is None:
            raise NotFittedError(
                f"Workflow.{what}",
                received="an unfitted workflow",
                expected="a fitted one",
                remedy="call fit first, or Workflow.load",
            )
        return self._plan

    def _vocabulary(self, name: str) -> Vocabulary:
        planned = self._fitted("decode")
        found = {column.name: self._states[n] for n, step in planned.steps for column in step.outputs}
        known = {column: state for column, state in found.items() if "vocabulary" in state.tables}
        if name not in known:
            raise SchemaError(
                "Workflow.decode",
                received=f"no vocabulary for column {name!r}",
                expected="a column that Categorify encodes",
                remedy=near(name, known),
            )
        return Vocabulary.of(known[name])


def _number(value: object) -> object:
    """A NumPy number that stands among an op's options."""
    return value.item() if isinstance(value, np.generic) else str(value)


_COVERAGE = {
    "vocabulary": pl.String,
    "values": pl.Int64,
    "rows": pl.Int64,
    "null_rate": pl.Float64,
    "unknown_rate": pl.Float64,
}


def _coverage(state: State) -> dict[str, Any]:
    rows, nulls, known = (state.values[key] for key in ("rows", "null_rows", "known_rows"))
    return {
        "vocabulary": state.values["name"],
        "values": len(state.tables["vocabulary"]),
        "rows": rows,
        "null_rate": nulls / rows if rows else 0.0,
        "unknown_rate": (rows - nulls - known) / rows if rows else 0.0,
    }


def _branch(part: object) -> Branch:
    if isinstance(part, Branch):
        return part
    if isinstance(part, Filter):
        return part.alone()
    if isinstance(part, Source):
        return Branch((), (), part)
    if isinstance(part, str | Selector):
        return Branch.of(part)
    raise ArgumentError(
        "Workflow",
        received=part,
        expected="branches: columns >> op, names, selectors, history ops or filters",
        remedy='Workflow(["user_id" >> ops.Categorify()])',
    )


def _events(log: Dataset | None, dataset: Dataset) -> EventSource:
    return EventSource([dataset] if log is None else [log, dataset])
