"""Values to codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import polars as pl

from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._gather import Gather
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Counts, Statistic, Total
from shortlist.features._vocabulary import Vocabulary
from shortlist.features.ops._checks import column_type, known_columns, of_column, positive
from shortlist.features.ops._combination import combined_column
from shortlist.features.ops._given_vocabulary import Given, given_frame, plain_vocabulary
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Domain, Tags, cardinality

__all__ = ["Categorify"]


@dataclass(frozen=True)
class Categorify(Keyed):
    """Codes of integers, strings and booleans, alone or in lists.

    Codes are 0 padding (never given), 1 null, ``2 .. 2 + buckets - 1`` unknown, then the values by count
    descending, ties by value ascending. The column's domain gets the number of codes, its tags CATEGORICAL.
    A column group shares one vocabulary (``group="joint"``; lists and single values may be mixed), or gives
    one new column of its combinations (``group="combo"``: a null in one member is a value like any other; all
    null is null). Fractions and times are refused: Bucketize them, or take parts of the date, first.

    `Workflow.extend` puts new values behind the old ones, whose codes stay: by count descending, ties by
    value ascending, where they are frequent enough in the new rows (values that were too rare before start
    from zero) and ``max_size`` leaves room. Given vocabularies do not grow.

    Options by column are mappings from a column's name (or a group's, its members joined by "_"); columns
    that they leave out take the default.

    Attributes:
        min_count: values seen fewer times than this are unknown; rows, 1 keeps all.
        max_size: number of codes in all, padding, null and unknown included; the most frequent values stay.
            None for no limit. Holds together with ``min_count``.
        buckets: codes for unknown values, spread over them by hash.
        vocabularies: values given by column; nothing is counted then, min_count and max_size do not apply. A
            list or Series in the order of the codes, a mapping from value to code (``2 + buckets`` and up,
            without gaps), or the path of a file that has them in a column of the same name or as
            `Workflow.vocabulary` gives them. Combinations are tuples.
        group: what a column group gets: one vocabulary for all of it, or one column of combinations.
        like: name of a categorified column whose vocabulary is taken over.
        name: name of the new column of combinations; None for the members' names joined by "_".
        unknown: "code" gives unknown values their codes; "raise" refuses them, in rows and in requests alike.

    Raises:
        ArgumentError: an option is out of its range, names an unknown column, or contradicts another.
        SchemaError: a column holds fractions, times or vectors, or a joint group values of several kinds.
        DataError: a value is unknown, and they are refused.

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
    vocabularies: Mapping[str, Given] | None = None
    group: Literal["joint", "combo"] = "joint"
    like: str | None = None
    name: str | None = None
    unknown: Literal["code", "raise"] = "code"

    def __post_init__(self) -> None:
        positive("Categorify.min_count", self.min_count)
        positive("Categorify.buckets", self.buckets)
        positive("Categorify.max_size", self.max_size, least=3)
        if self.vocabularies is not None:
            plain = {
                name: plain_vocabulary(given, of_column(self.buckets, [name], 1))
                for name, given in self.vocabularies.items()
            }
            object.__setattr__(self, "vocabularies", plain)
        if self.group not in ("joint", "combo"):
            raise ArgumentError("Categorify.group", received=self.group, expected="'joint' or 'combo'")
        if self.unknown not in ("code", "raise"):
            raise ArgumentError("Categorify.unknown", received=self.unknown, expected="'code' or 'raise'")
        if self.like is not None and (self.vocabularies is not None or self.group == "combo"):
            raise ArgumentError(
                "Categorify.like",
                received="like beside vocabularies or group='combo'",
                expected="a vocabulary from one place",
                remedy="leave one of them out",
            )

    def check(self, groups: Sequence[tuple[Column, ...]]) -> None:
        """Refuse options of columns that the branch does not have."""
        members = [column.name for group in groups for column in group]
        names = [*members, *map(_joined, groups), *(() if self.name is None else (self.name,))]
        for option in ("min_count", "max_size", "buckets", "vocabularies"):
            known_columns(f"Categorify.{option}", getattr(self, option), names)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """Codes under the input's name, or one new column of combinations."""
        for column in inputs:
            remedy = "Bucketize it, take parts of the date, or cast it first"
            column_type("Categorify", column, "int", "uint", "string", "bool", remedy=remedy)
        if self._combines(inputs):
            combination = combined_column(inputs, self.name or _joined(inputs))
            return Made((_encoded(combination, self._described((combination,), state)),), together=True)
        _one_kind(inputs)
        return Made(tuple(_encoded(column, self._described(inputs, state)) for column in inputs))

    def after(self) -> tuple[str, ...]:
        """The column whose vocabulary is taken over."""
        return () if self.like is None else (self.like,)

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Counts of the values, or of their combinations, and the number of all of them."""
        if self.like is not None or self._given(step) is not None:
            return {}
        keys, enough = self._keys(step), of_column(self.min_count, self._names(step), 1)
        kept = _nothing(keys) | (pl.col("count") >= enough)
        if step.made.together:
            values = {key: columns[column.name] for key, column in zip(keys, step.inputs, strict=True)}
            return {"counts": Counts(values, keep=kept), "rows": Total(pl.len())}
        plain = len(step.inputs) == 1
        value = columns[step.inputs[0].name] if plain else _in_one_list(step.inputs, columns)
        lists = not plain or step.inputs[0].is_list
        rows = value.list.len().sum() if lists else pl.len()
        return {"counts": Counts({"value": value}, lists, kept), "rows": Total(rows)}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:
        """The vocabulary: what is frequent enough, most frequent first."""
        if self.like is not None:
            return _with_vocabulary(fitted[self.like], self.like)
        names, keys = self._names(step), self._keys(step)
        buckets = of_column(self.buckets, names, 1)
        given = self._given(step)
        if given is not None:
            return _state(names[0], buckets, KeyTable(given_frame(step.inputs, keys, given), keys), {})
        counts = totals["counts"]
        kept = self._frequent(step, counts.filter(~_nothing(keys)), self._most_values(names, buckets))
        nulls, coded = (int(part["count"].sum()) for part in (counts.filter(_nothing(keys)), kept))
        seen = {"rows": int(totals["rows"].item()), "null_rows": nulls, "known_rows": coded}
        return _state(names[0], buckets, KeyTable(kept, keys), seen)

    def grown(self, step: Step, state: State, totals: Mapping[str, pl.DataFrame]) -> State:
        """The vocabulary with what is frequent enough in new rows at its end, and counts of all rows."""
        names, keys, old = self._names(step), self._keys(step), state.tables["vocabulary"]
        value = pl.struct(keys) if len(keys) > 1 else pl.col(keys[0])
        counts = totals["counts"].with_columns(old.place(value).alias("place"))
        again = counts.filter(pl.col("place") >= 0).select(pl.col("place").cast(pl.UInt32), seen="count")
        most = self._most_values(names, state.values["buckets"])
        unknown = counts.filter(pl.col("place") == -1).select(*keys, "count")
        new = self._frequent(step, unknown, None if most is None else max(most - len(old), 0))
        before = old.frame.with_row_index("place").join(again, on="place", how="left", maintain_order="left")
        frame = before.select(*keys, pl.col("count") + pl.col("seen").fill_null(0))
        added = {
            "rows": int(totals["rows"].item()),
            "null_rows": int(counts.filter(pl.col("place") == -2)["count"].sum()),
            "known_rows": int(again["seen"].sum()) + int(new["count"].sum()),
        }
        seen = {name: state.values[name] + more for name, more in added.items()}
        table = KeyTable(pl.concat([frame, new]), keys)
        return _state(state.values["name"], state.values["buckets"], table, seen)

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:
        """Codes of the vocabulary, under the input's name or that of the combination."""
        found = Vocabulary.of(state).gather((step.outputs if step.made.together else inputs)[0].name)
        strict = None if self.unknown == "code" else f"Categorify of column {_joined(inputs)!r}"
        return replace(found, strict=strict)

    def _combines(self, inputs: tuple[Column, ...]) -> bool:
        return self.group == "combo" and len(inputs) > 1

    def _keys(self, step: Step) -> tuple[str, ...]:
        return tuple(f"value_{n}" for n in range(len(step.inputs))) if step.made.together else ("value",)

    def _names(self, step: Step) -> tuple[str, ...]:
        """The vocabulary's name, then the members' names: where options by column are looked up."""
        whole = step.outputs[0].name if step.made.together else _joined(step.inputs)
        return tuple(dict.fromkeys((whole, *(column.name for column in step.inputs))))

    def _given(self, step: Step) -> Sequence[object] | str | None:
        given: Mapping[str, Any] = {} if self.vocabularies is None else self.vocabularies
        return next((given[name] for name in self._names(step) if name in given), None)

    def _frequent(self, step: Step, counts: pl.DataFrame, most: int | None) -> pl.DataFrame:
        """The values of a vocabulary, by count descending, ties by value ascending."""
        keys = self._keys(step)
        frequent = counts.filter(pl.col("count") >= of_column(self.min_count, self._names(step), 1))
        return frequent.sort(["count", *keys], descending=[True, *(False for _ in keys)])[:most]

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


def _joined(columns: tuple[Column, ...]) -> str:
    return "_".join(column.name for column in columns)


def _one_kind(inputs: tuple[Column, ...]) -> None:
    """Refuse columns whose values cannot stand in one vocabulary."""
    kinds = {
        "uint64" if c.dtype == "uint64" else c.dtype.removeprefix("u").rstrip("0123456789") for c in inputs
    }
    if len(kinds) > 1:
        raise SchemaError(
            f"Categorify of the joint group {_joined(inputs)!r}",
            received=f"columns of {sorted(column.dtype for column in inputs)}",
            expected="values of one kind",
            remedy="cast them to one type, or encode them apart",
        )


def _in_one_list(inputs: tuple[Column, ...], columns: Exprs) -> pl.Expr:
    """The values of several columns in each row, lists among them."""
    return pl.concat_list(columns[column.name] for column in inputs)


def _nothing(keys: Iterable[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(list(keys)).is_null())


def _encoded(column: Column, domain: Domain) -> Column:
    tags = (column.tags - {Tags.CONTINUOUS, Tags.TEXT}) | {Tags.CATEGORICAL}
    return replace(column, dtype="int64", tags=tags, domain=domain, vocabulary=domain.name)


def _state(name: str, buckets: int, table: KeyTable, seen: Mapping[str, int]) -> State:
    return State({"name": name, "buckets": buckets, **seen}, {"vocabulary": table})


def _with_vocabulary(state: State, name: str) -> State:
    if "vocabulary" not in state.tables:
        raise ArgumentError("Categorify.like", received=name, expected="a column that Categorify encodes")
    return state
