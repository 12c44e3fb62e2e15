"""Values to codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._frame_columns import element_type
from shortlist.features._gather import Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Counts, Statistic
from shortlist.features._vocabulary import Vocabulary
from shortlist.features.ops._checks import column_type, of_column, positive
from shortlist.features.ops._combination import combined_column
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Domain, Tags, cardinality

__all__ = ["Categorify"]


@dataclass(frozen=True)
class Categorify(Keyed):
    """Codes of integers, strings and booleans, alone or in lists.

    Codes are 0 padding (never given), 1 null, ``2 .. 2 + buckets - 1`` unknown, then the values by count
    descending, ties by value ascending. The column's domain gets the number of codes, its tags CATEGORICAL.
    A column group shares one vocabulary (``group="joint"``), or gives one new column of its combinations
    (``group="combo"``: a null in one member is a value like any other; all null is null).

    Options by column are mappings from a column's name (or a group's, its members joined by "_"); columns
    that they leave out take the default.

    Attributes:
        min_count: values seen fewer times than this are unknown; rows, 1 keeps all.
        max_size: number of codes in all, padding, null and unknown included; the most frequent values stay.
            None for no limit. Holds together with ``min_count``.
        buckets: codes for unknown values, spread over them by hash.
        vocabularies: values given by column, in the order of their codes; nothing is counted then.
        group: what a column group gets: one vocabulary for all of it, or one column of combinations.
        like: name of a categorified column whose vocabulary is taken over.
        name: name of the new column of combinations; None for the members' names joined by "_".

    Raises:
        ArgumentError: an option is out of its range, or options contradict each other.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"color": ["red", "blue", "red", None]}))
    >>> flow = Workflow(["color" >> Categorify()]).fit(rows)
    >>> flow.transform(rows).collect()["color"].to_list()
    [3, 4, 3, 1]
    """

    grouped: ClassVar[bool] = True

    min_count: int | Mapping[str, int] = 1
    max_size: int | Mapping[str, int] | None = None
    buckets: int | Mapping[str, int] = 1
    vocabularies: Mapping[str, Sequence[Any]] | None = None
    group: Literal["joint", "combo"] = "joint"
    like: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        positive("Categorify.min_count", self.min_count)
        positive("Categorify.buckets", self.buckets)
        positive("Categorify.max_size", self.max_size, least=3)
        if self.vocabularies is not None:
            plain = {name: _plain(values) for name, values in self.vocabularies.items()}
            object.__setattr__(self, "vocabularies", plain)
        if self.group not in ("joint", "combo"):
            raise ArgumentError("Categorify.group", received=self.group, expected="'joint' or 'combo'")
        if self.like is not None and (self.vocabularies is not None or self.group == "combo"):
            raise ArgumentError(
                "Categorify.like",
                received="like beside vocabularies or group='combo'",
                expected="a vocabulary from one place",
                remedy="leave one of them out",
            )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """Codes under the input's name, or one new column of combinations."""
        for column in inputs:
            column_type(
                "Categorify", column, "int", "uint", "string", "bool", remedy="cast it, or Bucketize it first"
            )
        if self._combines(inputs):
            combination = combined_column(inputs, self.name or _joined(inputs))
            return Made((_encoded(combination, self._described((combination,), state)),), together=True)
        return Made(tuple(_encoded(column, self._described(inputs, state)) for column in inputs))

    def after(self) -> tuple[str, ...]:
        """The column whose vocabulary is taken over."""
        return () if self.like is None else (self.like,)

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Counts of the values of each column, or of their combinations."""
        if self.like is not None or self._given(step) is not None:
            return {}
        if self._combines(step.inputs):
            named = zip(self._keys(step), step.inputs, strict=True)
            return {"combo": Counts({key: columns[column.name] for key, column in named})}
        return {c.name: Counts({"value": columns[c.name]}, c.is_list) for c in step.inputs}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:
        """The vocabulary: what is frequent enough, most frequent first."""
        if self.like is not None:
            return _with_vocabulary(fitted[self.like], self.like)
        names, keys = self._names(step), self._keys(step)
        buckets = of_column(self.buckets, names, 1)
        given = self._given(step)
        if given is not None:
            return _state(names[0], buckets, _given_table(step.inputs, keys, given), keys, {})
        counts = reduce(Counts({key: pl.col(key) for key in keys}).merge, totals.values())
        known = counts.filter(~pl.all_horizontal(pl.col(keys).is_null()))
        frequent = known.filter(pl.col("count") >= of_column(self.min_count, names, 1))
        ordered = frequent.sort(["count", *keys], descending=[True, *(False for _ in keys)])
        kept = ordered[: self._most_values(names, buckets)]
        rows, not_null, coded = (int(part["count"].sum()) for part in (counts, known, kept))
        seen = {"rows": rows, "null_rows": rows - not_null, "known_rows": coded}
        return _state(names[0], buckets, kept, keys, seen)

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:
        """Codes of the vocabulary, under the input's name or that of the combination."""
        return Vocabulary.of(state).gather((step.outputs if step.made.together else inputs)[0].name)

    def _combines(self, inputs: tuple[Column, ...]) -> bool:
        return self.group == "combo" and len(inputs) > 1

    def _keys(self, step: Step) -> tuple[str, ...]:
        return tuple(f"value_{n}" for n in range(len(step.inputs))) if step.made.together else ("value",)

    def _names(self, step: Step) -> tuple[str, ...]:
        """The vocabulary's name, then the members' names: where options by column are looked up."""
        whole = step.outputs[0].name if step.made.together else _joined(step.inputs)
        return tuple(dict.fromkeys((whole, *(column.name for column in step.inputs))))

    def _given(self, step: Step) -> Sequence[Any] | None:
        given = {} if self.vocabularies is None else self.vocabularies
        return next((given[name] for name in self._names(step) if name in given), None)

    def _most_values(self, names: tuple[str, ...], buckets: int) -> int | None:
        size = of_column(self.max_size, names, None)
        if size is not None and size < cardinality(0, buckets):
            raise ArgumentError(
                "Categorify.max_size",
                received=size,
                expected=f"at least {cardinality(0, buckets)}: padding, null and {buckets} for unknown",
            )
        return None if size is None else size - cardinality(0, buckets)

    def _described(self, columns: tuple[Column, ...], state: State | None) -> Domain:
        if state is None:
            return Domain(self.like or _joined(columns))
        return Domain(state.values["name"], Vocabulary.of(state).size)


def _plain(values: Sequence[Any] | pl.Series) -> list[Any]:
    return values.to_list() if isinstance(values, pl.Series) else np.asarray(values, dtype=object).tolist()


def _joined(columns: tuple[Column, ...]) -> str:
    return "_".join(column.name for column in columns)


def _encoded(column: Column, domain: Domain) -> Column:
    tags = (column.tags - {Tags.CONTINUOUS, Tags.TEXT}) | {Tags.CATEGORICAL}
    return replace(column, dtype="int64", tags=tags, domain=domain, vocabulary=domain.name)


def _state(
    name: str, buckets: int, frame: pl.DataFrame, keys: tuple[str, ...], seen: Mapping[str, int]
) -> State:
    return State({"name": name, "buckets": buckets, **seen}, {"vocabulary": KeyTable(frame, keys)})


def _with_vocabulary(state: State, name: str) -> State:
    if "vocabulary" not in state.tables:
        raise ArgumentError("Categorify.like", received=name, expected="a column that Categorify encodes")
    return state


def _given_table(inputs: tuple[Column, ...], keys: tuple[str, ...], values: Sequence[Any]) -> pl.DataFrame:
    rows = list(values) if len(keys) > 1 else [(value,) for value in values]
    schema = {key: element_type(column) for key, column in zip(keys, inputs, strict=False)}
    try:
        frame = pl.DataFrame(rows, schema=schema, orient="row")
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise ArgumentError(
            "Categorify.vocabularies", received=f"values like {values[:3]}", expected=f"values of {schema}"
        ) from error
    nothing = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().any()
    if nothing or frame.is_duplicated().any():
        raise ArgumentError(
            "Categorify.vocabularies", received="a null or repeated value", expected="every value once"
        )
    return frame
