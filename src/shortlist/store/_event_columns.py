"""Raw values of event columns, and how a log has them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Literal, Protocol, final

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import NULL, Array, Attribute, Keys, Ragged
from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.schema import Column, Schema, Tags
from shortlist.store._table import Table
from shortlist.store._words import Words, is_null

__all__ = ["Attributes", "EventColumns", "event_column", "event_schema", "known_values"]

_ROLES = ((Tags.TIME,), (Tags.USER, Tags.ID), (Tags.ITEM, Tags.ID))


class Known(Protocol):
    """A table of users or items."""

    @property
    def schema(self) -> Schema:
        """Its columns."""

    @property
    def keys(self) -> Keys:
        """The raw ids."""

    def rows(self, positions: npt.NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Array | Ragged]:
        """Columns of the rows at these positions."""


@final
class EventColumns:
    """Turns raw values into those of a log, and back: text into codes, integers and flags into int64.

    Args:
        schema: the columns.
        words: text column -> its texts by code.
    """

    def __init__(self, schema: Schema, words: Mapping[str, Words] | None = None) -> None:
        self.schema = schema
        self.words = {column.name: Words() for column in schema if column.dtype == "string"} | dict(
            words or {}
        )

    def read(self, values: pl.Series, name: str) -> Array:
        """A column of a frame; its texts are met."""
        if name not in self.words:
            return _from_frame(values)
        texts = values.cast(pl.String).drop_nulls().unique(maintain_order=True)
        codes = self.words[name].meet(texts.to_list())
        found = values.cast(pl.Enum(texts)).to_physical()
        array: Array = np.append(codes, NULL)[found.cast(pl.Int64).fill_null(-1).to_numpy()]
        return array

    def met(self, plain: Mapping[str, list[Any]], count: int) -> dict[str, Array]:
        """Every column for so many events; texts are met, and columns that are not there are null."""
        rows = {column.name: plain.get(column.name, [None] * count) for column in self.schema}
        return {
            name: self.words[name].meet(values) if name in self.words else _numbers(self.schema[name], values)
            for name, values in rows.items()
        }

    def codes(self, column: Column, values: Any) -> Array:
        """Raw values as the log has them; a text that was never met is NULL."""
        if column.name in self.words:
            return self.words[column.name].codes(values)
        return _numbers(column, values)

    def values(self, column: Column, codes: Array) -> Array:
        """What the log has as raw values, None or NaN for null."""
        if column.name in self.words:
            return self.words[column.name].take(codes)
        if codes.dtype.kind == "f" or not (codes == NULL).any():
            return codes
        return np.array([None if code == NULL else code for code in codes.tolist()], dtype=object)

    def plain(self, given: Mapping[str, Any], count: int) -> dict[str, list[Any]]:
        """Given raw values as lists of plain data, None for null.

        Raises:
            ArgumentError: a column is unknown, of another length, or holds a value of another type.
        """
        plain = {}
        for name, values in given.items():
            if name not in self.schema:
                raise ArgumentError(
                    "append_events.columns",
                    received=f"column {name!r}",
                    expected=f"event columns: {', '.join(self.schema.names) or 'none are kept'}",
                    remedy=near(name, self.schema.names),
                )
            plain[name] = [_plain(self.schema[name], value) for value in values]
            if len(plain[name]) != count:
                raise ArgumentError(
                    f"append_events.columns[{name!r}]",
                    received=f"{len(plain[name])} values",
                    expected=f"{count}, one an event",
                )
        return plain


@final
class Attributes(Mapping[str, Attribute]):
    """Columns of the item and the user table as columns of events, each made when it is first asked for."""

    def __init__(self, items: Table, users: Table, columns: EventColumns) -> None:
        self._tables = {"item": items, "user": users}
        self._columns = columns
        self._made: dict[str, Attribute] = {}
        self._lock = Lock()
        self._known: Attributes | None = None
        self._added: pl.DataFrame | None = None

    def grown(self, added: pl.DataFrame) -> "Attributes":
        """The same with items after those of the table; what events of the others have stays."""
        known = self if self._known is None else self._known
        more = Attributes(self._tables["item"], self._tables["user"], self._columns)
        more._known, more._added, more._lock = known, added, known._lock
        return more

    def __getitem__(self, name: str) -> Attribute:
        if name not in self._made:
            with self._lock:  # two readers that meet the same texts would give them two codes
                self._made.setdefault(name, self._attribute(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for table in self._tables.values() for name in table.schema.names))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _attribute(self, name: str) -> Attribute:
        if self._known is not None and self._added is not None:
            made = self._known._made
            known = made[name] if name in made else made.setdefault(name, self._known._attribute(name))
            if known.of == "user" or len(self._added) == 0:
                return known
            fresh = self._columns.read(self._added[name], name)
            return Attribute("item", np.concatenate([known.values, fresh]))
        side: Literal["item", "user"] = "item" if name in self._tables["item"].schema else "user"
        table = self._tables[side]
        if name not in table.schema:
            raise KeyError(name)
        if event_schema(table.schema, (name,))[name].dtype == "string":
            self._columns.words.setdefault(name, Words())
        return Attribute(side, self._columns.read(table.frame[name], name))


def event_schema(schema: Schema, names: Iterable[str]) -> Schema:
    """Columns of a schema that events may have beside user, item and time.

    Raises:
        SchemaError: a column is unknown, holds lists or dates, or is the user, the item or the time.
    """
    chosen = schema.select(list(names))
    for column in chosen:
        role = any(column.has(*tags) for tags in _ROLES)
        if role or column.shape.kind != "scalar" or column.dtype == "datetime":
            raise SchemaError(
                f"event column {column.name!r}",
                received=f"a {column.shape.kind} of {column.dtype} tagged {' '.join(sorted(column.tags))}",
                expected="one number, flag or text an event, beside its user, item and time",
                remedy="leave it out",
            )
    return chosen


def event_column(schemas: Sequence[Schema], name: str) -> Column:
    """The column of a name of the first schema that has it, as one of events.

    Raises:
        SchemaError: none has it, or it holds lists or dates.
    """
    for schema in schemas:
        if name in schema:
            return event_schema(schema, (name,))[name]
    known = near(name, [other for schema in schemas for other in schema.names])
    raise SchemaError(
        "columns of events",
        received=f"no column {name!r}",
        expected="a column of the events, the items or the users",
        remedy=f"build the store with columns=({name!r},); {known}",
    )


def known_values(
    schema: Schema, tables: Sequence[Known], ids: Sequence[list[Any]], given: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """What tables (each with the ids of N events) say now of event columns that were not given."""
    found: dict[str, list[Any]] = {}
    for name in schema.names:
        table, asked = next(
            (pair for pair in zip(tables, ids, strict=True) if name in pair[0].schema), (None, [])
        )
        if table is not None and name not in given:
            values = table.rows(table.keys.positions(asked), (name,))[name]
            found[name] = values.to_lists() if isinstance(values, Ragged) else values.tolist()
    return found


def _from_frame(values: pl.Series) -> Array:
    if values.dtype.is_float():
        return values.fill_null(float("nan")).to_numpy()
    return values.cast(pl.Int64).fill_null(NULL).to_numpy()


def _numbers(column: Column, values: Any) -> Array:
    """Numbers and flags: floats with NaN, integers with NULL."""
    floats = column.dtype.startswith("float")
    if isinstance(values, np.ndarray) and values.dtype.kind in "iub":
        return values.astype(np.float64 if floats else np.int64)
    if not floats:
        plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
        return np.array([NULL if is_null(value) else int(value) for value in plain], dtype=np.int64)
    return np.array(values, dtype=np.float32 if column.dtype == "float32" else np.float64)


def _plain(column: Column, value: Any) -> str | int | float | None:
    """One value as JSON has it."""
    if is_null(value):
        return None
    if column.dtype == "string":
        return str(value)
    try:
        number = float(value) if column.dtype.startswith("float") else int(value)
        fits = number == value and (isinstance(number, float) or abs(number) < 2**63)
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ArgumentError(
            f"append_events.columns[{column.name!r}]",
            received=value,
            expected=f"values of type {column.dtype}",
        )
    return number
