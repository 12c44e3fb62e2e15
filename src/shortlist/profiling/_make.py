"""From a source to the report on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from shortlist.errors import DataError, SchemaError, near
from shortlist.features.engine import Engine, Local
from shortlist.io import Dataset, RawTable, Source, read_raw, roles_of, suggest_roles, time_of
from shortlist.profiling._code import Known, program
from shortlist.profiling._column import column_profile
from shortlist.profiling._curve import Curve, curve
from shortlist.profiling._hints import hints
from shortlist.profiling._measured import Measure, Part, merge
from shortlist.profiling._oddities import (
    clocks,
    empty_of_news,
    later_times,
    row_ids,
    splits,
    texts_of_dates,
    totals,
    twins,
)
from shortlist.profiling._outcomes import given_away
from shortlist.profiling._profile import Profile
from shortlist.profiling._propose import as_scanned, proposed_schema
from shortlist.profiling._repeats import repeats
from shortlist.profiling._subject import Subject, kind_of, likely_targets
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._times import timing
from shortlist.profiling._values import EXACT
from shortlist.schema import Tags

__all__ = ["profile"]

_CELLS = 10_000_000
_SAMPLED_CELLS, _SAMPLED_ROWS, _SCORED_ROWS = 6_000_000, 200_000, 60_000
_ISO_DATE = r"^\d{4}-\d\d-\d\d"
_GRAVITY = ("leak", "suspect", "note")


def profile(
    source: Source,
    roles: Mapping[str, str] | None = None,
    *,
    targets: Sequence[str] | None = None,
    name: str | None = None,
    exact: int = EXACT,
    engine: Engine | None = None,
) -> Profile:
    """Look into a log of events, a table of items or users, or any other table.

    The data are read once, partition by partition, and nothing is kept but counts and a sample: they may be
    larger than memory. Distinct values are exact up to ``exact`` of them in a column, popularity and activity
    up to ten times as many users and items, repeated rows and pairs up to two million; beyond that they are
    estimates from a sample of the distinct values (error about ``1 / sqrt(exact / 2)``), marked as such.
    Minima, maxima, means, missing values and times are always exact. Quantiles, tags and leak suspects are
    judged from some 200,000 rows (fewer where there are more than 30 columns), chosen by the hash of the
    row's number.

    Args:
        source: what `shortlist.io.scan` reads, or a data set.
        roles: "user", "item", "time", "event", "value" -> column; None takes them from the tags of a data
            set, or guesses by the usual names. Tables without roles are fine.
        targets: columns to be predicted; None for columns of 0 and 1 that are named like labels.
        name: what the data are called in the report; None for the names of the files.
        exact: distinct values of a column up to which all are counted; 16 bytes each.
        engine: where the work is done; None for `Local`.

    Raises:
        DataError: a file is missing, empty or unreadable.
        SchemaError: a column that is named is missing or of a wrong type.
        ArgumentError: a role is unknown.

    >>> log = {"user_id": [1, 1, 2], "item_id": ["a", "b", "a"], "price": [2.0, 3.0, 2.0]}
    >>> report = profile(log, name="shop")
    >>> print(str(report).splitlines()[0])
    shop: 3 rows, 3 columns; a log of events
    >>> report.items.distinct, sorted(report.schema["price"].tags)
    (2, ['continuous', 'item'])
    """
    table = read_raw(source, cells=_CELLS)
    if roles is None and isinstance(source, Dataset):
        roles = roles_of(source.schema) or None
    known, times = _roles(table, roles)
    part = _measured(table, known, times, exact, engine or Local())
    subject = _told(source, _subject(known, part, roles, targets), guessed=targets is None)
    return _report(_Read(source, table, part, subject, times), name or _called(source))


@dataclass(frozen=True, slots=True)
class _Read:
    """Everything a report is written from."""

    source: object
    table: RawTable
    part: Part
    subject: Subject
    times: pl.Expr | None


def _roles(table: RawTable, given: Mapping[str, str] | None) -> tuple[dict[str, str], pl.Expr | None]:
    """The roles, and how the times are read; a column that is only named like a time is none."""
    roles = suggest_roles(table.columns, given)
    if "time" not in roles:
        return roles, None
    times = time_of(table, roles["time"])
    heads = [piece.head(roles["time"], times) for piece in table.slices[:8]]
    if any(head.count() for head in heads) or not sum(map(len, heads)):
        return roles, times
    return _without(roles, "time", given, "no value that is a time"), None


def _without(
    roles: Mapping[str, str], role: str, given: Mapping[str, str] | None, why: str
) -> dict[str, str]:
    """The roles without one that was guessed wrongly.

    Raises:
        DataError: it was not guessed, but given.
    """
    if given is not None:
        raise DataError(
            f"column {roles[role]!r}",
            received=why,
            expected=f"values for the role {role!r}",
            remedy="name the right column in roles",
        )
    return {other: name for other, name in roles.items() if other != role}


def _measured(
    table: RawTable, roles: Mapping[str, str], times: pl.Expr | None, exact: int, engine: Engine
) -> Part:
    rows = min(max(_SAMPLED_CELLS // max(len(table.columns), 1), 1000), _SAMPLED_ROWS)
    measure = Measure(
        ids=tuple(roles[role] for role in ("user", "item") if role in roles),
        time=None if times is None else (roles["time"], times),
        share=min(rows / max(table.rows, 1), 1.0),
        bound=exact,
    )
    return engine.map_reduce(measure, merge, table.slices)


def _subject(
    roles: Mapping[str, str], part: Part, given: Mapping[str, str] | None, targets: Sequence[str] | None
) -> Subject:
    """What the rows are; in a table of items or users, and in one of neither, other roles mean nothing."""
    for role in ("user", "item"):
        name = roles.get(role)
        if name is not None and part.rows and not part.columns[name].values.total:
            roles = _without(roles, role, given, "no value at all")
        elif name is not None and _fractional(part.sample[name]):
            roles = _without(roles, role, given, "numbers with fractions")
    kind = kind_of(roles, part.columns)
    kept = {"items": ("item",), "users": ("user",), "table": ("time",)}.get(kind, tuple(roles))
    chosen = {role: name for role, name in roles.items() if role in kept}
    for name in targets or ():
        if name not in part.columns:
            raise SchemaError(
                "profile",
                received=f"no column {name!r}",
                expected="the column of a target",
                remedy=near(name, part.columns),
            )
    return Subject(kind, chosen, likely_targets(part.columns, chosen) if targets is None else tuple(targets))


def _told(source: object, subject: Subject, *, guessed: bool) -> Subject:
    """What the tags of a data set say of weights and targets."""
    if not isinstance(source, Dataset):
        return subject
    targets = source.schema.tagged(Tags.TARGET).names if guessed else ()
    weight = next(iter(source.schema.tagged("weight").names), None)
    return replace(subject, targets=targets or subject.targets, weight=weight)


def _fractional(ids: pl.Series) -> bool:
    return ids.dtype.is_float() and bool((ids.fill_nan(None) % 1 > 0).any())


def _report(read: _Read, name: str) -> Profile:
    part, subject, sample = read.part, read.subject, read.part.sample
    columns = tuple(
        column_profile(name, column, read.table.columns[name], rows=part.rows, sample=sample[name])
        for name, column in part.columns.items()
    )
    users, items = (_curve(part, subject, role) for role in ("user", "item"))
    timed = timing(subject.roles["time"], part) if "time" in subject.roles else None
    times = sample.select(read.times).to_series() if timed is not None and read.times is not None else None
    found = sorted(_suspects(read, times), key=lambda one: _GRAVITY.index(one.level))
    leaks = {one.column for one in found if one.level == "leak"}
    suspects = tuple(one for one in found if one.level == "leak" or one.column not in leaks)
    doubts = {one.column: one.why for one in suspects if one.level == "suspect"}
    schema, ignored = proposed_schema(_cleaned(read, times), subject, suspects)
    return Profile(
        name=name,
        rows=part.rows,
        subject=subject,
        columns=columns,
        items=items,
        users=users,
        timing=timed,
        repeats=repeats(part, *(0 if one is None else one.distinct for one in (users, items))),
        suspects=suspects,
        hints=hints(sample, subject, columns, schema, timed),
        schema=schema,
        ignored=ignored,
        code=program(Known(read.source, subject, schema, columns, ignored, doubts, timed)),
        sampled=sample.height,
        notes=read.table.notes,
    )


def _cleaned(read: _Read, times: pl.Series | None) -> pl.DataFrame:
    """The sample in the types that the proposed program reads it in."""
    scanned = not isinstance(read.source, Dataset) and read.subject.kind in ("log", "items", "users")
    return as_scanned(read.part.sample, read.subject, times) if scanned else read.part.sample


def _curve(part: Part, subject: Subject, role: str) -> Curve | None:
    if role not in subject.roles or subject.kind in ("items", "users"):
        return None
    return curve(subject.roles[role], part.columns[subject.roles[role]].values)


def _suspects(read: _Read, times: pl.Series | None) -> Iterator[Suspect]:
    part, subject, sample = read.part, read.subject, read.part.sample
    yield from empty_of_news(part.columns, subject, part.rows)
    yield from row_ids(part.columns, read.table.columns, subject)
    yield from splits(part.columns, subject)
    yield from given_away(sample.gather_every(-(-sample.height // _SCORED_ROWS) or 1), subject)
    yield from twins(sample, subject)
    if subject.kind in ("log", "events"):
        yield from totals(sample, subject, part.columns)
    dates = _dates(read, subject)
    yield from texts_of_dates(sample, dates)
    if times is not None:
        yield from clocks(sample, times, subject)
        yield from later_times(dates, times)


def _dates(read: _Read, subject: Subject) -> dict[str, pl.Series]:
    """Columns of dates besides the time of the event, dates written as text included."""
    sample, found = read.part.sample, {}
    for name, dtype in read.table.columns.items():
        if name in subject.roles.values():
            continue
        if dtype == pl.Datetime("us"):
            found[name] = sample[name]
        elif dtype == pl.String and _like_dates(sample[name]):
            found[name] = sample.select(time_of(read.table, name)).to_series()
    return found


def _like_dates(texts: pl.Series) -> bool:
    some = texts.drop_nulls().head(1000)
    return len(some) > 0 and bool(some.str.contains(_ISO_DATE).mean() >= 0.9)  # type: ignore[operator]


def _called(source: object) -> str:
    """The names of files; of other sources what they are."""
    paths = source if isinstance(source, list | tuple) else [source]
    names = [Path(one).name or str(one) for one in paths if isinstance(one, str | Path)]
    if not names:
        return "the data set" if isinstance(source, Dataset) else "the table"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
