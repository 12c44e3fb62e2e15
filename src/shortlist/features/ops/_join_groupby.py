"""Groups to statistics of their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import polars as pl

from shortlist.errors import ArgumentError, near
from shortlist.features._gather import Gather, Values
from shortlist.features._key_table import KeyTable
from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._groups import (
    feature_of,
    group_keys,
    group_name,
    group_table,
    one_value,
    ungrouped,
)
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Schema

__all__ = ["JoinGroupby"]

Stat = Literal["count", "sum", "mean", "std", "var", "min", "max"]

_PARTS = {"count": "count", "sum": "sum", "mean": "sum", "std": "m2", "var": "m2", "min": "min", "max": "max"}


@dataclass(frozen=True)
class JoinGroupby(Keyed):
    """How many rows the row's group has, and statistics of other columns over them.

    The groups are the values of a column, or the combinations of a column group; null is a group of its own.
    A group that was not seen in fitting gets null: put FillMissing behind the op for another value. The
    columns that are summed up are read in fitting only, so a request does not need them. Their nulls and
    infinite values are left out: of none the sum is 0 and the rest null; of one, std and var are null.

    Columns: ``<group>_count``, ``<group>_<column>_<stat>``; the columns of the group do not go on.

    Attributes:
        columns: names of columns of numbers or booleans; none for the count alone.
        stats: "count" (rows), "sum", "mean", "std" and "var" (of a sample: n - 1), "min", "max".
        name: name of the group; None for the columns' names joined by "_".

    Raises:
        ArgumentError: a statistic is unknown, needs columns that are not given, or none is of the columns.
        SchemaError: a column holds no numbers, or the group's columns hold lists, fractions or times.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"shop": ["a", "a", "b"], "price": [1.0, 3.0, 5.0]}))
    >>> flow = Workflow(["shop" >> JoinGroupby(["price"], ("count", "mean"))]).fit(rows)
    >>> flow.transform(rows).collect().rows()
    [(2.0, 2.0), (2.0, 2.0), (1.0, 5.0)]
    """

    grouped: ClassVar[bool] = True

    columns: Sequence[str] = ()
    stats: Sequence[Stat] = ("count",)
    name: str | None = None

    def __post_init__(self) -> None:
        for option in ("columns", "stats"):
            given = getattr(self, option)
            plain = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
            object.__setattr__(self, option, plain)
        for stat in self.stats:
            if stat not in get_args(Stat):
                raise ArgumentError(
                    "JoinGroupby.stats",
                    received=stat,
                    expected="known statistics",
                    remedy=near(str(stat), get_args(Stat)),
                )
        of_columns = [stat for stat in self.stats if stat != "count"]
        if bool(of_columns) != bool(self.columns) or not self.stats:
            raise ArgumentError(
                "JoinGroupby",
                received=f"columns {self.columns} and stats {self.stats}",
                expected="columns with statistics of them, or neither",
                remedy='write JoinGroupby() for the count, JoinGroupby(["price"], ["mean"]) for more',
            )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column for each statistic."""
        group = group_name("JoinGroupby", inputs, self.name)
        named = (feature_of(inputs, f"{group}_{label}") for label, _ in self._labels())
        return Made(tuple(named), together=True)

    def beside(self, raw: Schema) -> tuple[str, ...]:
        """The columns that are summed up."""
        for name in self.columns:
            column_type("JoinGroupby", raw[name], "int", "uint", "float", "bool", remedy="leave it out")
            one_value("JoinGroupby", raw[name])
        return tuple(self.columns)

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Moments of the columns by group."""
        parts = tuple(dict.fromkeys(_PARTS[stat] for stat in self.stats))
        values = {name: columns[name] for name in self.columns}
        return {"groups": KeyedMoments(group_keys(step, columns), values, parts)}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The statistics by group, then those of null, and null for what is unknown."""
        keys = tuple(f"key_{place}" for place in range(len(step.inputs)))
        found = totals["groups"].sort(keys)
        numbers = found.select(*keys, **{label: stat.cast(pl.Float64) for label, stat in self._labels()})
        known, null = (numbers.filter(mine).drop(keys) for mine in (~ungrouped(keys), ungrouped(keys)))
        blank = known.clear(2 - len(null))
        by_position = pl.concat([known, null, blank]).fill_null(float("nan"))
        tables = {"groups": group_table(found, keys), "statistics": KeyTable(by_position, ())}
        return State({}, tables)

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:  # noqa: ARG002
        """The statistics of the row's group."""
        known = state.tables["statistics"].frame
        outputs = {
            column.name: Values(known[label].to_numpy())
            for column, (label, _) in zip(step.outputs, self._labels(), strict=True)
        }
        return Gather(state.tables["groups"], outputs)

    def _labels(self) -> Iterator[tuple[str, pl.Expr]]:
        """Name of each statistic without that of the group, and how it follows from the moments."""
        if "count" in self.stats:
            yield "count", pl.col("count")
        for name in self.columns:
            n = pl.col(f"n_{name}")
            variance = pl.when(n > 1).then(pl.col(f"m2_{name}") / (n - 1))
            formulas = {
                "sum": pl.col(f"sum_{name}"),
                "mean": pl.when(n > 0).then(pl.col(f"sum_{name}") / n),
                "std": variance.sqrt(),
                "var": variance,
                "min": pl.col(f"min_{name}"),
                "max": pl.col(f"max_{name}"),
            }
            yield from ((f"{name}_{stat}", formulas[stat]) for stat in self.stats if stat != "count")
