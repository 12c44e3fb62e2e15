"""A profile in plain text, for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill

from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._curve import Curve
from shortlist.profiling._repeats import Repeats
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._times import Timing
from shortlist.profiling._words import about, cut, number, percent, value
from shortlist.report import Table, sparkline
from shortlist.schema import Schema, Tags

__all__ = [
    "WIDTHS",
    "columns_text",
    "content",
    "curve_text",
    "gaps_of",
    "hints_text",
    "repeats_text",
    "suspects_text",
    "timing_text",
]

_WIDTH = 118
_NAMED = 28
WIDTHS: Mapping[str, str] = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month"}
_FEW = 20
_NAMES = {0.25: "25 %", 0.5: "median", 0.75: "75 %", 0.99: "99 %"}


def columns_text(columns: Sequence[ColumnProfile], schema: Schema) -> str:
    """One line a column: type, missing values, distinct values, and what the values are.

    Args:
        columns: the columns.
        schema: their tags: values of ids and categories are counted, of others measured.
    """
    head = ("column", "type", "missing", "distinct", "values")
    rows = [
        (
            cut(column.name or "(no name)", _NAMED),
            f"{column.dtype} {column.shape}".strip(),
            percent(column.missing) if column.missing else "",
            about(column.distinct, exact=column.exact),
            content(column, schema),
        )
        for column in columns
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(4)]
    lines = []
    for row in (head, *rows):
        name, dtype, missing, distinct = (
            cell.rjust(width) if place > 1 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row[:4], widths, strict=True))
        )
        lines.append(cut(f"{name}  {dtype}  {missing}  {distinct}  {row[4]}".rstrip(), _WIDTH))
    return "\n".join(lines)


def content(column: ColumnProfile, schema: Schema) -> str:
    """What the values of a column are, in one line: the span, quantiles, or the most frequent ones."""
    tags = schema[column.name].tags if column.name in schema else frozenset()
    if column.dtype == "datetime" and not column.shape and column.low is not None:
        return f"{value(column.low)} .. {value(column.high)}"
    if column.quantiles and column.distinct > _FEW and not tags & {Tags.CATEGORICAL, Tags.TIME}:
        middle = [f"{name} {number(column.quantiles[share])}" for share, name in _NAMES.items()]
        ends = f"{number(column.low)} .. {number(column.high)}"
        return f"{ends}, {', '.join(middle)}, mean {number(column.mean)}"
    if not column.most:
        return "" if column.shape else "no values"
    first = value(column.most[0][0])
    if Tags.TEXT in tags or Tags.TIME in tags:
        return (
            f"{number(column.mean)} letters, such as {first!r}"
            if Tags.TEXT in tags
            else f"times, such as {first}"
        )
    return f"each its own, such as {first}" if column.distinct == column.filled > 1 else _frequent(column)


def _frequent(column: ColumnProfile) -> str:
    """The most frequent values and their shares."""
    shown = [f"{cut(value(one), 24)} {percent(count / column.filled)}" for one, count in column.most[:8]]
    sizes = "" if not column.shape or column.mean is None else f"{number(column.mean)} a row: "
    return sizes + " · ".join(shown)


def curve_text(curve: Curve, entity: str) -> str:
    """Shares of the events by the busiest items or users."""
    ids = about(curve.distinct, exact=curve.exact)
    shares = ", ".join(
        f"top {share:.0%}".replace("%", " %") + f" have {percent(of)}" for share, of in curve.shares.items()
    )
    middle = ", ".join(
        f"{name} {curve.quantiles[share]:,}"
        for share, name in ((0.5, "median"), (0.9, "90 %"), (1.0, "most"))
    )
    return (
        f"{ids} {entity}s ({curve.column}) in {curve.events:,} events: {shares}; Gini {curve.gini:.2f}\n"
        f"events of one {entity}: {middle}, mean {number(curve.mean)}; {percent(curve.once)} have one only"
    )


def timing_text(timing: Timing) -> str:
    """First, last, gaps, and the events of each day, week or month as a line of bars."""
    if timing.first is None:
        return (
            f"{timing.column}: no time can be read ({timing.unread:,} unreadable, {timing.missing:,} missing)"
        )
    lines = [
        f"{timing.column}: {value(timing.first)} .. {value(timing.last)}, "
        f"events on {timing.days:,} of {timing.span:,} days"
        + (", rows in order of time" if timing.sorted else "")
    ]
    if timing.unread or timing.missing:
        lines.append(f"{timing.unread:,} unreadable and {timing.missing:,} missing times")
    lines += [f"no events: {gap}" for gap in gaps_of(timing)]
    counts = [one.events for one in timing.bins]
    lines.append(f"by {WIDTHS[timing.width]:<8}{sparkline(counts, 80)} up to {max(counts):,}")
    lines.append(f"Mon..Sun   {sparkline(timing.weekdays, 7)}")
    if timing.daytime:
        lines[-1] += f"   0..23 h {sparkline(timing.daytime, 24)}"
    return "\n".join(lines)


def gaps_of(timing: Timing) -> list[str]:
    """The gaps in words."""
    return [f"{value(gap.start)} .. {value(gap.end)} " + f"({_long(gap.days)})" for gap in timing.gaps]


def _long(days: float) -> str:
    figure, unit = (days, "day") if days >= 1 else (days * 24, "hour")
    return f"{number(round(figure, 1))} {unit}{'' if figure == 1 else 's'}"


def repeats_text(repeats: Repeats, rows: int) -> str:
    """Repeated rows and pairs."""
    mark = "" if repeats.exact else "~"
    share = percent(repeats.rows / rows if rows else 0.0)
    text = f"{mark}{repeats.rows:,} rows ({share}) equal an earlier row in every column"
    if repeats.events:
        text += (
            f"\n{percent(repeats.again)} of the events are of a user with an item they had before; "
            f"{mark}{repeats.pairs:,} pairs, {percent(repeats.density)} of all possible"
        )
    return text


def suspects_text(suspects: Iterable[Suspect]) -> str:
    """One line each, the gravest first."""
    rows = [(one.level, cut(one.column or "(no name)", _NAMED), one.why, one.evidence) for one in suspects]
    return str(Table(("", "column", "what it does", "how we know"), rows)) if rows else "none found"


def hints_text(hints: Iterable[str]) -> str:
    """One paragraph each."""
    return "\n".join(fill(f"- {hint}", _WIDTH, subsequent_indent="  ") for hint in hints)
