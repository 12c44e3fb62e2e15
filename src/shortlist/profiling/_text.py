"""A profile in plain text, for a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._curve import Curve
from shortlist.profiling._repeats import Repeats
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._times import Timing
from shortlist.profiling._words import about, cut, number, percent, value
from shortlist.report import Table, sparkline

__all__ = ["columns_text", "content", "curve_text", "gaps_of", "repeats_text", "suspects_text", "timing_text", "WIDTHS"]

_WIDTH = 118
_NAMED = 28
WIDTHS: Mapping[str, str] = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month"}
_FEW = 20


def columns_text(columns: Sequence[ColumnProfile]) -> str:
    """One line a column: type, missing values, distinct values, and what the values are."""
    head = ("column", "type", "missing", "distinct", "values")
    rows = [
        (
            cut(column.name, _NAMED),
            f"{column.dtype} {column.shape}".strip(),
            percent(column.missing) if column.missing else "",
            about(column.distinct, exact=column.exact),
            content(column),
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


def content(column: ColumnProfile) -> str:
    """What the values of a column are, in one line: quantiles of numbers, else the most frequent ones."""
    if column.dtype == "datetime" and not column.shape and column.low is not None:
        return f"{value(column.low)} .. {value(column.high)}"
    if column.quantiles and column.distinct > _FEW:
        middle = [f"{name} {number(column.quantiles[share])}" for share, name in _NAMES.items()]
        return f"{number(column.low)} .. {number(column.high)}, {', '.join(middle)}, mean {number(column.mean)}"
    if not column.most:
        return "" if column.shape else "no values"
    filled = max(sum(count for _, count in column.most), 1)
    filled = max(round(column.rows * (1 - column.missing)), 1) if not column.shape else filled
    sizes = "" if not column.shape or column.mean is None else f"{number(column.mean)} a row; "
    if column.once > 0.5 and column.most[0][1] < 0.01 * filled and column.dtype == "string":
        return f"{number(column.mean)} letters, such as {value(column.most[0][0])!r}"
    shown = [f"{cut(value(one), 24)} {percent(count / filled)}" for one, count in column.most[:6]]
    return sizes + " · ".join(shown)


_NAMES = {0.25: "25 %", 0.5: "median", 0.75: "75 %", 0.99: "99 %"}


def curve_text(curve: Curve, entity: str) -> str:
    """Shares of the events by the busiest items or users."""
    ids = about(curve.distinct, exact=curve.exact)
    shares = ", ".join(
        f"top {share:.0%}".replace("%", " %") + f" have {percent(of)}" for share, of in curve.shares.items()
    )
    middle = ", ".join(
        f"{name} {curve.quantiles[share]:,}" for share, name in ((0.5, "median"), (0.9, "90 %"), (1.0, "most"))
    )
    return (
        f"{ids} {entity}s ({curve.column}) in {curve.events:,} events: {shares}; Gini {curve.gini:.2f}\n"
        f"events of one {entity}: {middle}, mean {number(curve.mean)}; {percent(curve.once)} have one only"
    )


def timing_text(timing: Timing) -> str:
    """First, last, gaps, and the events of each day, week or month as a line of bars."""
    if timing.first is None:
        return f"{timing.column}: no time can be read ({timing.unread:,} unreadable, {timing.missing:,} missing)"
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
    return [
        f"{value(gap.start)} .. {value(gap.end)} "
        + (f"({number(round(gap.days, 1))} days)" if gap.days >= 1 else f"({number(round(gap.days * 24, 1))} hours)")
        for gap in timing.gaps
    ]


def repeats_text(repeats: Repeats, rows: int) -> str:
    """Repeated rows and pairs."""
    mark = "" if repeats.exact else "~"
    text = f"{mark}{repeats.rows:,} rows ({percent(repeats.rows / rows if rows else 0.0)}) equal an earlier row wholly"
    if repeats.events:
        text += (
            f"\n{percent(repeats.again)} of the events are of a user with an item they had before; "
            f"{mark}{repeats.pairs:,} pairs, {percent(repeats.density)} of all possible"
        )
    return text


def suspects_text(suspects: Iterable[Suspect]) -> str:
    """One line each, the gravest first."""
    rows = [(one.level, cut(one.column, _NAMED), one.why, one.evidence) for one in suspects]
    return str(Table(("", "column", "what it does", "how we know"), rows)) if rows else "none found"
