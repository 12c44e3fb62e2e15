"""Branches of ops, fitted once, applied to data sets and to requests alike."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import polars as pl

from shortlist.data import Array, Batch, Ragged
from shortlist.features._branch import Branch
from shortlist.features._coverage import described, fitted_coverage, vocabularies, vocabulary_of
from shortlist.features._decode import decode, decode_codes
from shortlist.features._draw import draw
from shortlist.features._fit import Fitted, fit_states
from shortlist.features._folder import Content, read_content, write_content
from shortlist.features._growth import extended, updated
from shortlist.features._parts import split
from shortlist.features._plan import Plan, States, fitted_plan, plan
from shortlist.features._regroup import Regroups
from shortlist.features._request import Request, need_batch
from shortlist.features._rows import Rows, after, grouped, opened
from shortlist.features._shared_look_ups import is_elementwise, share_look_ups
from shortlist.features._source import Source
from shortlist.features._state import State
from shortlist.features._vocabulary import Vocabulary
from shortlist.features._write import Change, Written, cover, write
from shortlist.features.engine import Engine
from shortlist.features.ops import Filter
from shortlist.io import Dataset, Layout, given_back, identity, is_same, taken
from shortlist.schema import Schema, Selector

__all__ = ["Workflow"]

Form = TypeVar("Form")


class Workflow:
    """Branches that turn raw columns into what models read: codes int64, continuous float32, lists of these.

    A branch is ``columns >> op >> op``; columns are a name, a list of names, a selector, or a history op.
    A column alone passes unchanged; time, target, "weight" and "request" columns without a branch too. Every
    name comes out once. An op that makes other rows (Groupby) may stand first: the branches then read these.

    Args:
        branches: branches, names, selectors, history ops and filters.

    Raises:
        ArgumentError: something else stands among the branches.

    From the log of a shop to the features of a model:
    >>> from datetime import datetime
    >>> import numpy as np
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

    def __init__(self, branches: Iterable[Branch | Selector | str | Source | Filter | Regroups]) -> None:
        self._head, self._branches = split(list(branches))
        self._raw = Schema(())
        self._plan: Plan | None = None
        self.fitted = Fitted({}, {}, ())
        self._learned_from: tuple[object, ...] = ()
        self._request: Request | None = None

    def __repr__(self) -> str:
        return f"Workflow({len(self._branches)} branches, {'not ' if self._plan is None else ''}fitted)"

    def fit(
        self,
        dataset: object,
        *,
        log: Dataset | None = None,
        engine: Engine | None = None,
        keep_totals: bool = False,
    ) -> "Workflow":
        """Learn the state of every op from the data; gives the workflow itself.

        Args:
            dataset: the rows to learn from: a data set; or, without tags, a Polars or pandas frame, an Arrow
                table, a dict of lists.
            log: earlier events that history ops may look back on, beside the data set's own.
            engine: where the work is done; None for `Local`.
            keep_totals: whether to keep the statistics, those of rare values too, so that `update` can add to
                them; they are saved with the workflow.

        Raises:
            SchemaError: a branch names an unknown column, or one of a type that an op cannot take.
            ArgumentError: two branches give a column of one name, or ops wait for one another.
        """
        data = taken(dataset, "Workflow.fit")
        rows = opened(self._head, self._branches, data, log, engine)
        fitted = fit_states(self._planned(rows.schema), rows, keep_totals=keep_totals)
        self._raw, self._learned_from = data.schema, identity(dataset)
        return self._learn(rows.schema, fitted)

    def update(
        self, dataset: object, *, log: Dataset | None = None, engine: Engine | None = None
    ) -> "Workflow":
        """Add new rows, a new day's say, to what was learned; gives the workflow itself.

        The outcome is that of fitting on all rows together. So codes may change: `extend` keeps them.

        Args:
            dataset: rows that the workflow was not fitted on, in any form that `fit` takes.
            log: as for `fit`.
            engine: as for `fit`.

        Raises:
            NotFittedError: the workflow is not fitted.
            ArgumentError: it was fitted without ``keep_totals``, or an op's statistics cannot be added to: a
                median's, or those of values that another fitted op has changed.
        """
        planned = self._plan_of("update")
        data = taken(dataset, "Workflow.update", self._raw)
        fitted = updated(planned, self.fitted, opened(self._head, self._branches, data, log, engine))
        self._learned_from = ()
        return self._learn(planned.raw, fitted)

    def extend(
        self, dataset: object, *, log: Dataset | None = None, engine: Engine | None = None
    ) -> "Workflow":
        """Give codes to the new values of a data set, after the old codes; gives the workflow itself.

        Old values keep their codes, so a model's tables need new rows at their end only; all else stays. New
        values come by count descending, ties by value ascending, if frequent enough.

        Args:
            dataset: rows with new values, in any form that `fit` takes.
            log: as for `fit`.
            engine: as for `fit`.

        Raises:
            NotFittedError: the workflow is not fitted.
        """
        planned = self._plan_of("extend")
        data = taken(dataset, "Workflow.extend", self._raw)
        fitted = extended(planned, self.fitted, opened(self._head, self._branches, data, log, engine))
        return self._learn(planned.raw, fitted)

    def transform(
        self,
        dataset: Form,
        *,
        log: Dataset | None = None,
        engine: Engine | None = None,
        training: bool | None = None,
    ) -> Form:
        """The rows that come out, in their order and in the form of those that went in.

        A data set comes out lazily, in as many partitions; so does a lazy frame.

        Args:
            dataset: rows with the columns that the workflow reads, in any form that `fit` takes; columns of
                history ops are taken as given where they are there; times, targets and weights may be absent.
            log: earlier events, not those of the data set, that history ops may look back on.
            engine: where the work is done; None for `Local`.
            training: whether these are rows that the workflow was fitted on: statistics of targets are then
                taken from other rows. None takes the very data set given to `fit` for that, and no other; say
                True for the same rows read again, or after `load` and `update`.

        Raises:
            NotFittedError: the workflow is not fitted.
            SchemaError: a column is missing.
        """
        data = taken(dataset, "Workflow.transform", self._raw)
        rows = opened(self._head, self._branches, data, log, engine)
        change = self._change("transform", rows, training=self._trains(dataset, training))
        return given_back(Dataset(change.schema, rows.engine.map(change, rows.dataset.partitions)), dataset)

    def write(
        self,
        dataset: object,
        folder: Path | str,
        *,
        layout: Layout | None = None,
        log: Dataset | None = None,
        engine: Engine | None = None,
        training: bool | None = None,
    ) -> Written:
        """Transform a data set into a folder of Parquet files: one a partition, or several in little memory.

        The folder appears whole or not at all; `shortlist.io.read_parquet` reads it.

        Args:
            dataset: as for `transform`.
            folder: where to; replaced if it stands.
            layout: folders by value, compression, size of row groups.
            log: as for `transform`.
            engine: where the work is done: its workers write their files themselves; None for `Local`.
            training: as for `transform`.

        Raises:
            NotFittedError: the workflow is not fitted.
            SchemaError: a column is missing.
            DataError: the disk is full or the place cannot be written to; what stood there is as it was.
        """
        data = taken(dataset, "Workflow.write", self._raw)
        rows = opened(self._head, self._branches, data, log, engine)
        change = self._change("write", rows, training=self._trains(dataset, training))
        return write(change, rows, Path(folder), layout or Layout())

    def transform_batch(self, batch: Batch) -> Batch:
        """The request path: raw columns in, what `transform` gives for them out.

        Every branch whose columns are all there is computed; query columns stay so; nothing is filtered out.
        Codes are int64, continuous columns float32 with NaN for null.

        Raises:
            NotFittedError: the workflow is not fitted.
            ArgumentError: it is not a batch.
            SchemaError: a column has another type than in fitting.
        """
        need_batch(batch)
        rows = batch if self._head is None else self._head.regroup_batch(batch, self._raw)
        return (self._request or self._requests("transform_batch")).transform(rows)

    @overload
    def decode(self, data: str, codes: Ragged | Array | Sequence[Any]) -> list[Any]: ...
    @overload
    def decode(self, data: Dataset) -> Dataset: ...
    @overload
    def decode(self, data: pl.DataFrame) -> pl.DataFrame: ...
    @overload
    def decode(self, data: Batch) -> dict[str, list[Any]]: ...
    def decode(
        self, data: str | Dataset | pl.DataFrame | Batch, codes: Ragged | Array | Sequence[Any] | None = None
    ) -> Any:
        """From codes back to raw values, for every encoded column at once, or for some codes of one column.

        Padding, null and unknown become null (None). Combinations become tuples, structs in frames. Other
        columns of a frame or data set come back as they are; of a batch, encoded ones only.

        Args:
            data: a data set, frame or batch that the workflow has encoded, or a column's name.
            codes: codes of the named column; lists of codes, an array or `Ragged`.

        Raises:
            SchemaError: the named column has no vocabulary.
            ArgumentError: a code is beyond the vocabulary.
        """
        if isinstance(data, str):
            return decode_codes(data, self._vocabulary(data), () if codes is None else codes)
        return decode(data, {name: Vocabulary.of(s) for name, s in self._vocabularies("decode").items()})

    def vocabulary(self, name: str) -> pl.DataFrame:
        """A column's codes, values and (where they were counted) counts.

        Raises:
            SchemaError: the column has no vocabulary.
        """
        known = self._vocabulary(name)
        return known.table.frame.with_row_index("code", known.size - len(known.table))

    def coverage(self, dataset: object | None = None, *, engine: Engine | None = None) -> pl.DataFrame:
        """For every column: values in its vocabulary, rows, and shares of null and of unknown values.

        A row for each vocabulary (of what was seen in fitting) or each encoded column (of a data set), with
        its nulls and unknown values, within lists too; and one for each other raw column, with its nulls.

        Args:
            dataset: what to measure, in any form that `fit` takes; None for what was seen in fitting.
            engine: where the work is done; None for `Local`.

        Raises:
            NotFittedError: the workflow is not fitted.
        """
        self._plan_of("coverage")
        if dataset is None:
            return fitted_coverage(self.fitted.states, self.fitted.seen)
        rows = opened(
            self._head, self._branches, taken(dataset, "Workflow.coverage", self._raw), None, engine
        )
        return cover(self._change("coverage", rows), rows)

    def statistics(self) -> pl.DataFrame:
        """What ops that describe the data have found (DataStats, Median): column, statistic, value.

        Raises:
            NotFittedError: the workflow is not fitted.
        """
        return described(self._plan_of("statistics"), self.fitted.states)

    def draw(self, format: Literal["svg", "mermaid"] = "svg", *, schema: Schema | None = None) -> str:  # noqa: A002
        """The graph of the workflow with the schema at every edge.

        Args:
            format: SVG text, or Mermaid text for Markdown pages.
            schema: raw columns to draw an unfitted workflow for; not needed after fitting.

        Raises:
            NotFittedError: the workflow is not fitted and no schema is given.
        """
        planned = self._plan_of("draw") if schema is None else self._planned(grouped(self._head, schema))
        return draw(planned, format)

    @property
    def input_schema(self) -> Schema:
        """The raw columns it reads when serving, those of history ops included."""
        reads = self._plan_of("input_schema").reads
        return reads if self._head is None else self._raw.select(self._head.reads(self._raw))

    @property
    def schema(self) -> Schema:
        """The columns it gives."""
        return self._plan_of("schema").gives

    @property
    def histories(self) -> tuple[Source, ...]:
        """The history ops, whose columns the request path takes from the feature store."""
        return tuple(source for source, _ in self._plan_of("histories").sources)

    def elementwise(self, name: str) -> bool:
        """Whether each element of the lists of a column is looked up by itself, whatever stands beside it."""
        return is_elementwise(self._plan_of("elementwise"), name)

    def warm_up(self) -> None:
        """Build the look-ups of the request path now rather than at the first request."""
        self._requests("warm_up").warm_up()

    def save(self, folder: Path | str) -> None:
        """Write JSON and Arrow files; the folder appears whole or not at all.

        Raises:
            NotFittedError: the workflow is not fitted.
            ArgumentError: an op, or a function that it calls, cannot be imported by its name.
            DataError: the folder cannot be written.
        """
        planned = self._plan_of("save")
        write_content(folder, planned, Content(self._raw, self._head, self._branches, self.fitted))

    @classmethod
    def load(cls, folder: Path | str, *, modules: Sequence[str] = ()) -> "Workflow":
        """Read what `save` wrote: a workflow that gives identical columns, and can be fitted anew.

        Args:
            folder: the folder.
            modules: modules of your own that ops and functions of the workflow may be imported from. Nothing
                else is ever imported, so a folder from elsewhere cannot run code.

        Raises:
            DataError: a file is missing or damaged; it is named.
            BundleError: the folder was written in another format, holds no workflow, or needs a module that
                is not among those named.
        """
        content = read_content(folder, modules)
        flow = cls([*(() if content.head is None else (content.head,)), *content.branches])
        flow._raw = content.raw
        return flow._learn(grouped(content.head, content.raw), content.fitted)

    def _learn(self, schema: Schema, fitted: Fitted) -> "Workflow":
        self._plan, self.fitted, self._request = self._planned(schema, fitted.states), fitted, None
        share_look_ups(self._plan, fitted.states)
        return self

    def _requests(self, what: str) -> Request:
        if self._request is None:
            self._request = Request(self._plan_of(what), self.fitted.states)
        return self._request

    def _planned(self, schema: Schema, states: States | None = None) -> Plan:
        return plan(after(self._head, self._branches, schema), schema, states)

    def _change(self, what: str, rows: Rows, *, training: bool = False) -> Change:
        return Change(self._plan_of(what), self.fitted.states, rows.schema, rows.events, training)

    def _trains(self, dataset: object, training: bool | None) -> bool:
        """Whether a data set is one that the ops were fitted on."""
        return is_same(self._learned_from, identity(dataset)) if training is None else training

    def _plan_of(self, what: str) -> Plan:
        return fitted_plan(self._plan, f"Workflow.{what}")

    def _vocabularies(self, what: str) -> dict[str, State]:
        return vocabularies(self._plan_of(what), self.fitted.states)

    def _vocabulary(self, name: str) -> Vocabulary:
        return vocabulary_of(self._vocabularies("decode"), name)
