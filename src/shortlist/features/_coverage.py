"""How much of the data a workflow knows: shares of nulls and of unknown values, in fitting and after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from shortlist.errors import SchemaError, near
from shortlist.features._frame_columns import element_type
from shortlist.features._plan import Plan, States
from shortlist.features._state import State
from shortlist.features._vocabulary import Vocabulary
from shortlist.schema import FIRST_UNKNOWN, NULL, PADDING, Column, first_value

__all__ = [
    "RAW",
    "Seen",
    "described",
    "fitted_coverage",
    "nulls_of",
    "raw_seen",
    "seen_coverage",
    "tally",
    "vocabularies",
    "vocabulary_of",
]

# The name of the statistic that belongs to no step: nulls of the raw columns.
RAW = ("", "nulls")

_COVERAGE = {
    "column": pl.String,
    "values": pl.Int64,
    "rows": pl.Int64,
    "null_rate": pl.Float64,
    "unknown_rate": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts over some rows of one column: of values (elements where it holds lists), nulls and unknown ones.

    ``unknown`` is None for a column that has no vocabulary.
    """

    column: str
    rows: int
    nulls: int
    unknown: int | None = None

    def __add__(self, other: "Seen") -> "Seen":
        """Counts over the rows of both."""
        unknown = None if self.unknown is None or other.unknown is None else self.unknown + other.unknown
        return Seen(self.column, self.rows + other.rows, self.nulls + other.nulls, unknown)


def fitted_coverage(states: States, raw: Iterable[Seen]) -> pl.DataFrame:
    """What was seen in fitting: one row for each vocabulary that was counted, and each other raw column."""
    counted = {id(state): state for state in states.values() if "known_rows" in state.values}.values()
    rows = [_of_vocabulary(state) for state in counted]
    named = {row["column"] for row in rows}
    return pl.DataFrame([*rows, *(_row(s) for s in raw if s.column not in named)], schema=_COVERAGE)


def seen_coverage(plan: Plan, states: States, seen: Iterable[Seen]) -> pl.DataFrame:
    """What was seen in a transform: one row for each encoded column, and each raw column that is not one."""
    sizes = {name: len(Vocabulary.of(state).table) for name, state in vocabularies(plan, states).items()}
    rows = [{**_row(one), "values": sizes.get(one.column)} for one in seen]
    coded = {row["column"] for row in rows if row["unknown_rate"] is not None}
    kept = [row for row in rows if row["unknown_rate"] is not None or row["column"] not in coded]
    return pl.DataFrame(kept, schema=_COVERAGE)


def tally(plan: Plan, states: States, raw: pl.DataFrame, out: pl.DataFrame) -> list[Seen]:
    """Counts over a raw partition and over what came out of it."""
    known = vocabularies(plan, states)
    coded = [
        _coded(column, out, Vocabulary.of(known[column.name]).buckets)
        for column in plan.gives
        if column.name in known and column.name in out.columns
    ]
    nulls = Nulls([column for column in plan.reads if column.name in raw.columns])
    return [*coded, *nulls.seen(nulls.plan(raw.lazy()).collect())]


@dataclass(frozen=True, eq=False, slots=True)
class Nulls:
    """Statistic: rows, and for each column the rows without a value; NaN is none."""

    columns: Sequence[Column]

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Count, by position of the column."""
        counts = [_nulls(column).cast(pl.Int64).alias(str(n)) for n, column in enumerate(self.columns)]
        return rows.select(pl.len().cast(pl.Int64).alias("rows"), *counts)

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Add up."""
        return left + right

    def seen(self, total: pl.DataFrame) -> list[Seen]:
        """The counts by column."""
        rows, *counts = total.row(0)
        return [Seen(column.name, rows, count) for column, count in zip(self.columns, counts, strict=True)]


def nulls_of(plan: Plan) -> Nulls:
    """The statistic of a plan's raw columns of one value a row, but for those whose values are counted."""
    counted = {
        column.name
        for lane in plan.lanes
        for _, step in lane.steps[:1]
        for column in step.inputs
        if any(given.vocabulary is not None for given in step.outputs)
    }
    return Nulls(tuple(c for c in plan.reads if c.shape.kind == "scalar" and c.name not in counted))


def raw_seen(plan: Plan, totals: Mapping[Any, pl.DataFrame]) -> tuple[Seen, ...]:
    """The counts of the raw columns among totals; none where nothing had to be counted."""
    return tuple(nulls_of(plan).seen(totals[RAW])) if RAW in totals else ()


def _nulls(column: Column) -> pl.Expr:
    """How many rows are null or NaN."""
    value, kind = pl.col(column.name), element_type(column)
    if column.shape.kind == "scalar" and kind.is_float():
        return value.null_count() + value.cast(kind).is_nan().sum()
    return value.null_count()


def _coded(column: Column, out: pl.DataFrame, buckets: int) -> Seen:
    codes = out[column.name]
    if column.is_list:
        codes = codes.list.explode(empty_as_null=False, keep_nulls=False)
    values = codes.filter(codes != PADDING) if column.is_list else codes
    low = values.filter(values < first_value(buckets))  # a few of all
    return Seen(column.name, len(values), int((low == NULL).sum()), int((low >= FIRST_UNKNOWN).sum()))


def vocabularies(plan: Plan, states: States) -> dict[str, State]:
    """The state of each column that comes out with a vocabulary, whatever was done to its codes after."""
    found: dict[str, State] = {}
    for lane in plan.lanes:
        known: dict[str, State] = {}
        for key, step in lane.steps:
            kept = known.get(step.inputs[0].name) if len(step.inputs) == 1 else None
            for column in step.outputs:
                if "vocabulary" in states[key].tables:
                    known[column.name] = states[key]
                elif column.vocabulary is not None and kept is not None:
                    known[column.name] = kept
                else:
                    known.pop(column.name, None)
        found |= {column.name: known[column.name] for column in lane.gives if column.name in known}
    return found


def described(plan: Plan, states: States) -> pl.DataFrame:
    """What ops that describe the data have found."""
    rows = [
        {"column": column, "statistic": name, "value": str(value)}
        for key, _ in plan.steps
        for column, found in states[key].values.get("described", {}).items()
        for name, value in found.items()
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("column", "statistic", "value"), pl.String))


def _of_vocabulary(state: State) -> dict[str, Any]:
    rows, nulls, known = (state.values[key] for key in ("rows", "null_rows", "known_rows"))
    seen = Seen(state.values["name"], rows, nulls, rows - nulls - known)
    return {**_row(seen), "values": len(state.tables["vocabulary"])}


def _row(seen: Seen) -> dict[str, Any]:
    def rate(count: int) -> float:
        return count / seen.rows if seen.rows else 0.0

    unknown = None if seen.unknown is None else rate(seen.unknown)
    return {
        "column": seen.column,
        "values": None,
        "rows": seen.rows,
        "null_rate": rate(seen.nulls),
        "unknown_rate": unknown,
    }


def vocabulary_of(known: Mapping[str, State], name: str) -> Vocabulary:
    """The vocabulary of an encoded column.

    Raises:
        SchemaError: the column has none.
    """
    if name not in known:
        raise SchemaError(
            "Workflow.decode",
            received=f"no vocabulary for column {name!r}",
            expected="a column that Categorify encodes",
            remedy=near(name, known),
        )
    return Vocabulary.of(known[name])
