"""What is worth knowing before the columns are used, without being wrong."""

from collections.abc import Iterator, Sequence

import polars as pl

from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._subject import Subject
from shortlist.profiling._times import Timing
from shortlist.profiling._words import number, percent, value
from shortlist.schema import Schema, Tags

__all__ = ["hints"]

_SUMS = frozenset(
    {
        *(
            "avg",
            "average",
            "mean",
            "median",
            "count",
            "counts",
            "num",
            "number",
            "total",
            "sum",
            "rate",
            "ratio",
        ),
        *(
            "rating",
            "ratings",
            "score",
            "scores",
            "popularity",
            "views",
            "sales",
            "sold",
            "reviews",
            "votes",
            "likes",
        ),
    }
)
_LISTS = ((r"^\s*\[.*\]\s*$", "a list written as text"), (r"[^|]\|[^|]", "values separated by |"))
_APART = 0.25
_FEW = 0.1
_SHOWN = 8


def hints(
    sample: pl.DataFrame,
    subject: Subject,
    columns: Sequence[ColumnProfile],
    schema: Schema,
    timing: Timing | None,
) -> tuple[str, ...]:
    """Remarks in words.

    Args:
        sample: rows as they stand.
        subject: what they are.
        columns: what is known of the columns.
        schema: their proposed tags.
        timing: when events happened.
    """
    return (
        *_placeholders(timing),
        *_lists(sample),
        *_ids(sample, subject),
        *_sums(subject, columns, schema),
        *_of_the_event(subject, schema),
    )


def _placeholders(timing: Timing | None) -> Iterator[str]:
    """A few events far away from all others in time."""
    if timing is None or not timing.gaps or timing.first is None or timing.last is None:
        return
    gap = timing.gaps[0]
    span = (timing.last - timing.first).total_seconds() / 86400
    early = sum(one.events for one in timing.bins if one.start < gap.start)
    for events, side in ((early, "before"), (timing.events - early, "after")):
        if gap.days > _APART * span and 0 < events < _FEW * timing.events:
            where = value(gap.start if side == "before" else gap.end)
            yield (
                f"{events:,} events ({percent(events / timing.events)}) lie {side} {where}, "
                f"{number(gap.days)} days away from all others: if these times stand for unknown ones, "
                "leave the rows out"
            )


def _lists(sample: pl.DataFrame) -> Iterator[str]:
    for name, dtype in sample.schema.items():
        known = sample[name].drop_nulls().head(2000) if dtype == pl.String else pl.Series([], dtype=pl.String)
        for pattern, words in _LISTS:
            share = known.str.contains(pattern).mean()
            if isinstance(share, float) and share > (0.9 if "list" in words else 0.3):
                yield f"{name} holds {words}: split it into a list before it is encoded"


def _ids(sample: pl.DataFrame, subject: Subject) -> Iterator[str]:
    for role in ("user", "item"):
        if role in subject.roles and sample[subject.roles[role]].dtype.is_float():
            name = subject.roles[role]
            yield f"{name} holds ids as floating point numbers: sl.scan makes whole numbers of them"


def _sums(subject: Subject, columns: Sequence[ColumnProfile], schema: Schema) -> Iterator[str]:
    if subject.kind not in ("items", "users"):
        return
    names = [
        column.name
        for column in columns
        if Tags.CONTINUOUS in schema[column.name].tags and _words(column.name) & _SUMS
    ]
    if names:
        yield (
            f"{_some(names)} may sum up events: take {'it' if len(names) == 1 else 'them'} as of the moment "
            "that training ends, or what came after is told"
        )


def _of_the_event(subject: Subject, schema: Schema) -> Iterator[str]:
    names = [column.name for column in schema if Tags.CONTEXT in column.tags]
    if subject.kind == "log" and names and not subject.targets:
        one = len(names) == 1
        yield (
            f"{_some(names)} belong{'s' if one else ''} to the event, not to the user or the item: "
            f"leave {'it' if one else 'them'} out unless known when recommendations are asked for"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _words(name: str) -> set[str]:
    spaced = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return {word for word in "".join(c if c.isalpha() else "_" for c in spaced).split("_") if word}
