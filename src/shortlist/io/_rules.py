"""How every row of a source is read, and which rows are left out for what they hold themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from shortlist.errors import SchemaError
from shortlist.io._files import reading
from shortlist.io._roles import is_log
from shortlist.io._signals import NEGATIVE, POSITIVE, Signals
from shortlist.io._sources import Opened, Slice
from shortlist.io._times import TimeRule, time_rule

__all__ = ["DIRTY", "DROP", "KIND", "MISSING", "ROW", "UNPARSEABLE", "VALUE", "Rules", "decide"]

ROW, DIRTY, KIND, VALUE, DROP = "__row", "__dirty", "__kind", "__value", "__drop"
MISSING = {"user": "missing user", "item": "missing item", "time": "missing time"}
UNPARSEABLE = "unparseable time"

_WHOLE_TEXT = r"^\s*(0|-?[1-9]\d{0,17})(\.0+)?\s*$"
_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are read.

    Attributes:
        roles: role -> column.
        types: types of the columns of the source.
        whole: id columns that become int64; the others stay text.
        time: how times are read.
        signals: what the events mean.
        weight: a column that already holds the weights; None to derive them from the signals.
        weight_name: name of the column of weights that comes out; empty for a table.
    """

    roles: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    whole: frozenset[str]
    time: TimeRule | None
    signals: Signals
    weight: str | None
    weight_name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that come out, in order."""
        own = () if self.weight is not None or not self.weight_name else (self.weight_name,)
        return (*self.types, *own)

    @property
    def value(self) -> str | None:
        """The value column."""
        return self.roles.get("value")

    @property
    def event(self) -> str | None:
        """The event column."""
        return self.roles.get("event")

    def read(self, raw: pl.LazyFrame) -> pl.LazyFrame:
        """Columns in their final types, ``DIRTY`` (why a row cannot be used) and ``KIND`` (its signal)."""
        return raw.with_columns(self._dirty().alias(DIRTY), *self._columns()).with_columns(
            self._kind().alias(KIND)
        )

    def clean(self, raw: pl.LazyFrame, edits: pl.DataFrame | None) -> pl.LazyFrame:
        """The rows that are kept.

        Args:
            raw: rows of the source.
            edits: row numbers (``ROW``) to leave out (``DROP``) or to give another value (``VALUE``).
        """
        rows = self.read(raw)
        if edits is not None:
            rows = rows.with_row_index(ROW).join(edits.lazy(), on=ROW, how="left", maintain_order="left")
            rows = rows.filter(pl.col(DROP).is_null())
            if self.value is not None:
                rows = rows.with_columns(pl.coalesce(VALUE, self.value).alias(self.value))
        rows = rows.filter(pl.col(DIRTY).is_null(), pl.col(KIND).is_in([POSITIVE, NEGATIVE]))
        if self.weight_name and self.weight is None:
            rows = rows.with_columns(self.signals.weight(self.event, self.value).alias(self.weight_name))
        return rows.select(self.names)

    def unsure(self) -> pl.Expr:
        """Why a row without a signal has none."""
        if self.value is None or not self.signals.counts_units:
            return pl.lit("no signal")
        return (
            pl.when(pl.col(self.value).is_null()).then(pl.lit("missing value")).otherwise(pl.lit("no signal"))
        )

    def _columns(self) -> list[pl.Expr]:
        columns = [self._id(self.roles[role]) for role in ("user", "item") if role in self.roles]
        if self.time is not None:
            columns.append(self.time.parsed(self.roles["time"]))
        if self.event is not None:
            columns.append(pl.col(self.event).cast(pl.String))
        if self.value is not None:
            columns.append(pl.col(self.value).cast(pl.Float64).fill_nan(None))
        if self.weight is not None:
            columns.append(pl.col(self.weight).cast(pl.Float32).fill_nan(None))
        return columns

    def _id(self, name: str) -> pl.Expr:
        column = pl.col(name)
        if name not in self.whole:
            return column.cast(pl.String)
        if self.types[name] == pl.String():
            return column.str.strip_chars().str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
        return column.cast(pl.Int64, strict=False)

    def _dirty(self) -> pl.Expr:
        reason: pl.Expr = pl.lit(None, pl.String)
        if self.time is not None:
            time = self.roles["time"]
            reason = pl.when(self.time.parsed(time).is_null()).then(pl.lit(UNPARSEABLE)).otherwise(reason)
            reason = pl.when(self._missing(time)).then(pl.lit(MISSING["time"])).otherwise(reason)
        for role in ("item", "user"):
            if role in self.roles:
                missing = self._missing(self.roles[role])
                reason = pl.when(missing).then(pl.lit(MISSING[role])).otherwise(reason)
        return reason

    def _missing(self, name: str) -> pl.Expr:
        column, dtype = pl.col(name), self.types[name]
        if dtype == pl.String():
            return column.is_null() | (column.str.strip_chars() == "")
        return column.is_null() | column.is_nan() if dtype.is_float() else column.is_null()

    def _kind(self) -> pl.Expr:
        if self.weight is None:
            return self.signals.kind(self.event, self.value)
        weight = pl.col(self.weight)
        return pl.when(weight > 0).then(pl.lit(POSITIVE)).when(weight < 0).then(pl.lit(NEGATIVE))


def decide(opened: Opened, roles: Mapping[str, str], *, signals: Signals, weight: str | None) -> Rules:
    """Look at the ids and times of all rows and settle how they are read.

    Args:
        opened: the source.
        roles: role -> column.
        signals: what the events mean.
        weight: a column that holds the weights already.

    Raises:
        SchemaError: ids are numbers with fractions.
    """
    types = opened.slices[0].frame.collect_schema()
    whole = set[str]()
    for name in (roles[role] for role in ("user", "item") if role in roles):
        rule = _is_whole(name, types[name], untyped=name in opened.untyped)
        if rule is None or all(_every(part, rule) for part in opened.slices):
            whole |= {name} if types[name] != pl.String() or rule is not None else set()
        elif types[name].is_float():
            raise SchemaError(
                f"column {name!r}",
                received="numbers with fractions",
                expected="whole numbers or text as ids",
                remedy="name another column, or convert this one to text",
            )
    times = None
    if "time" in roles:
        name = roles["time"]
        times = time_rule(types[name], (_column(part, name) for part in opened.slices))
    free = "weight" if "weight" not in types else "event_weight"
    name_out = weight or (free if is_log(roles) else "")
    return Rules(roles, dict(types), frozenset(whole), times, signals, weight, name_out)


def _is_whole(name: str, dtype: pl.DataType, *, untyped: bool) -> pl.Expr | None:
    """Whether values fit int64; None where the type says it already (text stays text)."""
    column = pl.col(name)
    if dtype.is_float():
        number = column.fill_nan(None)
        return (number == number.floor()) & (number.abs() <= _LARGEST_EXACT)
    if dtype == pl.String():
        blank = column.str.strip_chars() == ""
        return blank | column.str.contains(_WHOLE_TEXT) if untyped else None
    return column <= 2**63 - 1 if dtype == pl.UInt64() else None


def _every(part: Slice, rule: pl.Expr) -> bool:
    with reading(part.origin):
        return bool(part.frame.select(rule.all(ignore_nulls=True)).collect().item())


def _column(part: Slice, name: str) -> pl.Series:
    with reading(part.origin):
        return part.frame.select(name).collect().to_series()
