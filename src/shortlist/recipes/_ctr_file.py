"""Labelled rows in CSV or Parquet files: which columns hold numbers, categories and lists is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl

from shortlist.errors import DataError, SchemaError, near

__all__ = ["CtrColumn", "CtrFiles", "CtrKind", "guess_columns", "hour_names", "read_ctr"]

CtrKind: TypeAlias = Literal["number", "category", "list", "hour", "unused"]

_SAMPLE = 200_000
_UNIQUE = 0.95
_FEW = 10
_TIME = re.compile(r"(^|_)(time\w*|ts|date\w*)($|_)")
_NUMBER = re.compile(
    r"(^|_)(i\d+|n\d+|num\w*|price|cost|amount|count|cnt|qty|sum|avg|mean|score|ratio|rate|value|age|days|"
    r"duration|dense\w*|log\w*)($|_)"
)
_CATEGORY = re.compile(
    r"(^|_)(c\d+|id|ids|user\w*|item\w*|ad\w*|code|type|kind|class|cate\w*|brand|gender|sex|hour|day|weekday|"
    r"month|zip\w*|city|country|shop\w*|domain|app|site|device\w*|level|segment|sparse\w*|cat\w*|pid|cid)($|_)"
)


@dataclass(frozen=True, slots=True)
class CtrColumn:
    """A column of the files.

    Attributes:
        name: its name.
        kind: how it is read.
        why: the rule that said so.
        nulls: whether the training file has nulls in it.
        like: a column of the same values, whose vocabulary a list shares.
    """

    name: str
    kind: CtrKind
    why: str
    nulls: bool = False
    like: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CtrFiles:
    """Three parts of one data set, numbers as ``sign(x) log(1 + |x|)``, lists parted.

    Attributes:
        train: rows to learn from.
        valid: rows that stop training.
        test: rows that are measured.
        label: the column of labels, 0 and 1.
        columns: the others.
    """

    train: pl.DataFrame
    valid: pl.DataFrame
    test: pl.DataFrame
    label: str
    columns: tuple[CtrColumn, ...]

    def names(self, kind: CtrKind) -> list[str]:
        """Columns of one kind; an hour is two categories."""
        found = [column.name for column in self.columns if column.kind == kind]
        return [*found, *hour_names(self.columns)] if kind == "category" else found

    def __str__(self) -> str:
        rows = ", ".join(
            f"{len(frame):,} {name}"
            for name, frame in (("train", self.train), ("valid", self.valid), ("test", self.test))
        )
        kinds = (("numbers", "number"), ("categories", "category"), ("lists", "list"), ("unused", "unused"))
        found = "; ".join(
            f"{len(own)} {title}: {' '.join(own[:40])}"
            for title, kind in kinds
            if (own := self.names(kind))  # type: ignore[arg-type]
        )
        positives = float(self.train[self.label].to_numpy().mean())
        return f"{rows} rows, {positives:.2%} positive\n{found}"


def read_ctr(
    train: str | Path,
    valid: str | Path,
    test: str | Path,
    *,
    label: str,
    separator: str = "^",
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> CtrFiles:
    """Read three files and guess what their columns hold, from the first 200,000 training rows.

    Args:
        train: a CSV (also with tabs) or Parquet file with a header.
        valid: the same columns.
        test: the same columns.
        label: the column of labels.
        separator: what parts the elements of a list in text.
        numbers: columns that hold numbers, whatever the rules say.
        categories: columns that hold categories, whatever the rules say.

    Raises:
        DataError: a file cannot be read, has no rows, or labels are not 0 and 1.
        SchemaError: a file lacks a column, or there is no such column as named.
    """
    whole = _table(Path(train), None)
    for name in (label, *numbers, *categories):
        if name not in whole.columns:
            raise SchemaError(
                str(train),
                received=f"no column {name!r}",
                expected="a column of the file",
                remedy=near(name, whole.columns),
            )
    columns = guess_columns(
        whole.head(_SAMPLE), label=label, separator=separator, numbers=numbers, categories=categories
    )
    columns = tuple(_with_nulls(column, whole) for column in columns)
    parts = [whole, *(_table(Path(path), whole) for path in (valid, test))]
    read = [
        _prepared(frame, columns, label, separator, str(path))
        for frame, path in zip(parts, (train, valid, test), strict=True)
    ]
    return CtrFiles(read[0], read[1], read[2], label, columns)


def guess_columns(
    frame: pl.DataFrame,
    *,
    label: str,
    separator: str = "^",
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> tuple[CtrColumn, ...]:
    """Guess what each column but the label holds.

    In this order: as told; one value only, or a new value in nearly every row of text or whole numbers:
    unused; fractions: a number; text: a list if a tenth of the values holds the separator, else a category;
    whole numbers: ``YYMMDDHH`` an hour, which becomes the hour of the day and the weekday; seconds by the
    name of a time unused; at most ten values a category; then by their name (``price``, ``I3``;
    ``user_id``, ``C3``), then as counts are: most of the large values between gaps, and the rarer the
    larger; else a category.

    >>> frame = pl.DataFrame({
    ...     "click": [0, 1] * 50, "price": [3.5, 5.0] * 50, "shop": ["a", "b"] * 50,
    ...     "seen": ["x^y", "x"] * 50,
    ... })
    >>> [(column.name, column.kind) for column in guess_columns(frame, label="click")]
    [('price', 'number'), ('shop', 'category'), ('seen', 'list')]
    """
    found = []
    for series in frame.drop(label).iter_columns():
        if series.name in numbers:
            kind, why = "number", "as told"
        elif series.name in categories:
            kind, why = "category", "as told"
        else:
            kind, why = _guessed(series, separator)
        found.append((series.name, kind, why))
    scalars = [name for name, kind, _ in found if kind == "category"]
    return tuple(
        CtrColumn(name, kind, why, like=_alike(name, scalars) if kind == "list" else None)  # type: ignore[arg-type]
        for name, kind, why in found
    )


def _guessed(series: pl.Series, separator: str) -> tuple[str, str]:
    known = series.drop_nulls()
    distinct = known.n_unique()
    if series.dtype == pl.List:
        found = "list", "lists"
    elif distinct <= 1:
        found = "unused", "one value"
    elif series.dtype.is_float():
        whole = bool((known == known.floor()).all())
        found = _of_whole(known.cast(pl.Int64), series.name) if whole else ("number", "fractions")
    elif series.dtype == pl.Boolean:
        found = "category", "true and false"
    elif series.dtype.is_integer():
        found = _of_whole(known, series.name)
    elif series.dtype != pl.String:
        found = "unused", f"{series.dtype}"
    elif known.str.contains(separator, literal=True).sum() >= 0.1 * len(known):
        found = "list", f"text parted by {separator!r}"
    elif distinct > _UNIQUE * len(known) > 100:
        found = "unused", "a value a row"
    else:
        found = "category", "text"
    return found


def _of_whole(known: pl.Series, name: str) -> tuple[str, str]:
    lower = name.lower()
    if _are_hours(known):
        found = "hour", "YYMMDDHH"
    elif _TIME.search(lower) and int(known.min() or 0) > 10**8:  # type: ignore[arg-type]
        found = "unused", "a time"
    elif known.n_unique() <= _FEW:
        found = "category", "few values"
    elif _NUMBER.search(lower):
        found = "number", "its name"
    elif known.n_unique() > _UNIQUE * len(known) > 100:
        found = "unused", "a value a row"
    elif _CATEGORY.search(lower):
        found = "category", "its name"
    else:
        found = ("number", "counts") if _are_counts(known.to_numpy()) else ("category", "whole numbers")
    return found


def _are_hours(known: pl.Series) -> bool:
    """Whether all values are an hour of this century, written ``YYMMDDHH``."""
    values = known.to_numpy()
    month, day, hour = values // 10_000 % 100, values // 100 % 100, values % 100
    inside = (values > 10**7) & (values < 10**8) & (month >= 1) & (month <= 12)
    return bool((inside & (day >= 1) & (day <= 31) & (hour <= 23)).all())


def hour_names(columns: Sequence[CtrColumn]) -> list[str]:
    """Names of the two categories of each hour."""
    own = [column.name for column in columns if column.kind == "hour"]
    return [f"{name}_{part}" for name in own for part in ("of_day", "weekday")]


def _are_counts(values: Any) -> bool:
    """Whether larger values are rarer and lie between gaps; codes are dense, or in no such order."""
    kinds, counts = np.unique(values, return_counts=True)
    if len(kinds) < 20 or kinds[0] < -10 or len(kinds) > 0.5 * (kinds[-1] - kinds[0] + 1):
        return False
    order = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return bool(np.corrcoef(order, np.arange(len(kinds)))[0, 1] > 0.8)


def _alike(name: str, scalars: Sequence[str]) -> str | None:
    """``item`` for ``item_history``, ``hist_item`` and ``items``."""
    bare = re.sub(r"(^|_)(hist\w*|his|seq\w*|list|past|clicked|seen)(?=$|_)", "", name.lower()).strip("_")
    stems = {scalar: re.sub(r"_id$", "", scalar.lower()) for scalar in scalars}
    close = {bare, bare.removesuffix("s"), re.sub(r"_ids?$", "", bare)}
    return next((scalar for scalar, stem in stems.items() if stem in close or scalar.lower() in close), None)


def _table(path: Path, like: pl.DataFrame | None) -> pl.DataFrame:
    try:
        if path.suffix in (".parquet", ".pq"):
            frame = pl.read_parquet(path)
        else:
            frame = _csv(path, None if like is None else dict(like.schema))
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise DataError(
            str(path),
            received=f"{type(error).__name__}: {str(error).splitlines()[0]}",
            expected="a CSV or Parquet file with a header",
            remedy="mend the path or the file, or try --small",
        ) from error
    missing = [] if like is None else [name for name in like.columns if name not in frame.columns]
    if missing:
        raise SchemaError(str(path), received=f"no {missing}", expected="the columns of the training file")
    if frame.height == 0:
        raise DataError(str(path), received="no rows", expected="rows below the header")
    return frame


def _csv(path: Path, kinds: dict[str, pl.DataType] | None) -> pl.DataFrame:
    with path.open(encoding="utf-8") as file:
        mark = "\t" if "\t" in file.readline() else ","
    try:
        frame = pl.read_csv(path, separator=mark, infer_schema_length=100_000, schema_overrides=kinds)
    except pl.exceptions.ComputeError:
        # A later row holds what the first ones did not let expect.
        frame = pl.read_csv(path, separator=mark, infer_schema_length=None, schema_overrides=kinds)
    # Whole numbers beyond 64 bits are ids.
    return frame.with_columns(pl.col(pl.Int128).cast(pl.String))


def _with_nulls(column: CtrColumn, frame: pl.DataFrame) -> CtrColumn:
    nulls = frame[column.name].null_count() > 0
    return CtrColumn(column.name, column.kind, column.why, nulls, column.like)


def _prepared(
    frame: pl.DataFrame, columns: Sequence[CtrColumn], label: str, separator: str, where: str
) -> pl.DataFrame:
    labels = frame[label].cast(pl.Float64, strict=False)
    if labels.null_count() > 0 or not set(labels.unique().to_list()) <= {0.0, 1.0}:
        raise DataError(
            f"{where}: column {label!r}",
            received=f"labels such as {frame[label].unique().sort().head(3).to_list()}",
            expected="0 and 1 in every row",
        )
    made = [labels.cast(pl.Float32).alias(label).to_frame().to_series()]
    return pl.DataFrame(made).hstack(
        frame.select(
            *(
                _expression(column, frame.schema[column.name], separator)
                for column in columns
                if column.kind not in ("unused", "hour")
            ),
            *(
                part
                for column in columns
                if column.kind == "hour"
                for part in _of_hour(pl.col(column.name), column.name)
            ),
        )
    )


def _of_hour(value: pl.Expr, name: str) -> tuple[pl.Expr, pl.Expr]:
    whole = value.cast(pl.Int64)
    day = pl.date(2000 + whole // 1_000_000, whole // 10_000 % 100, whole // 100 % 100)
    return (whole % 100).alias(f"{name}_of_day"), day.dt.weekday().alias(f"{name}_weekday")


def _expression(column: CtrColumn, dtype: pl.DataType, separator: str) -> pl.Expr:
    value = pl.col(column.name)
    if column.kind == "number":
        number = value.cast(pl.Float64, strict=False).fill_nan(None)
        return (number.sign() * number.abs().log1p()).cast(pl.Float32)
    if column.kind == "list" and dtype == pl.String:
        parts = value.fill_null("").str.split(separator)
        return parts.list.eval(pl.element().filter(pl.element() != ""))
    if dtype.is_float():
        return value.cast(pl.Int64, strict=False)
    return value.cast(pl.Int8) if dtype == pl.Boolean else value
