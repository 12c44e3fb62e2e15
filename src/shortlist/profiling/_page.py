"""A profile as sections of an HTML page."""

from collections.abc import Mapping, Sequence
from html import escape

from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._curve import Curve
from shortlist.profiling._repeats import Repeats
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._text import WIDTHS, content, gaps_of
from shortlist.profiling._times import Timing
from shortlist.profiling._words import about, cut, number, percent, value
from shortlist.report import HtmlTable, Section, badge, bar_plot, curve_plot, small_bars
from shortlist.schema import Schema, Tags

__all__ = ["columns_section", "curve_section", "repeats_section", "suspects_section", "timing_section"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORMS = {"1h": "%m-%d %H h", "1d": "%Y-%m-%d", "1w": "%Y-%m-%d", "1mo": "%Y-%m"}
_FEW = 20


def columns_section(columns: Sequence[ColumnProfile], schema: Schema, ignored: Mapping[str, str]) -> Section:
    """Every column with its distribution and its proposed tags."""
    rows = []
    for column in columns:
        tags = " ".join(sorted(schema[column.name].tags)) if column.name in schema else ""
        why = f'<div class="s">{escape(ignored[column.name])}</div>' if column.name in ignored else ""
        kind = f'<div class="s">{escape(f"{column.dtype} {column.shape}".strip())}</div>'
        rows.append(
            (
                escape(cut(column.name or "(no name)", 60)) + kind,
                escape(tags) + why,
                percent(column.missing) if column.missing else "",
                about(column.distinct, exact=column.exact),
                "" if _is_named(column, schema) else small_bars(column.histogram),
                _values(column, schema),
            )
        )
    heads = ("column", "proposed tags", "missing", "distinct", "", "values")
    return Section("Columns", [str(HtmlTable(heads, rows, ("n", "s", "r", "r", "", "v")))])


def _values(column: ColumnProfile, schema: Schema) -> str:
    """Quantiles of numbers, or the most frequent values."""
    parts = []
    if column.quantiles and not _is_named(column, schema):
        shown = {"min": column.low, "25 %": column.quantiles[0.25], "median": column.quantiles[0.5]}
        shown |= {"75 %": column.quantiles[0.75], "99 %": column.quantiles[0.99], "max": column.high}
        shown |= {"mean": column.mean, "deviation": column.deviation}
        parts.append(" · ".join(f'<span class="soft">{name}</span> {number(x)}' for name, x in shown.items()))
    if column.infinite:
        parts.append(f"{column.infinite:,} infinite")
    if not parts or column.distinct <= _FEW:
        parts.append(escape(content(column, schema)))
    return "<br>".join(parts)


def _is_named(column: ColumnProfile, schema: Schema) -> bool:
    """Whether numbers are names: ids and categories, which have no order."""
    return column.name in schema and Tags.CATEGORICAL in schema[column.name].tags


def curve_section(curve: Curve, entity: str) -> Section:
    """How unevenly events fall on items or users."""
    rows = [
        (f"top {100 * share:g} %", f"{round(share * curve.distinct):,}", percent(held))
        for share, held in curve.shares.items()
    ]
    tops = str(HtmlTable(("busiest", f"{entity}s", "of the events"), rows, ("n", "r", "r")))
    names = {0.0: "least", 1.0: "most", 0.5: "median"}
    levels = [
        (names.get(share, f"{100 * share:g} %"), f"{events:,}") for share, events in curve.quantiles.items()
    ]
    events = str(HtmlTable((f"events of one {entity}", ""), levels, ("n", "r")))
    words = (
        f"<p>{about(curve.distinct, exact=curve.exact)} {entity}s in {curve.events:,} events; Gini "
        f"{curve.gini:.3f}; {percent(curve.once)} of them have one event only.</p>"
    )
    plot = curve_plot(
        curve.points,
        across=f"of the {entity}s, busiest first",
        up="of the events",
        marked=tuple(curve.shares),
    )
    title = "Popularity" if entity == "item" else "Activity"
    return Section(f"{title}: events by {entity}", [words, (plot, tops, events)])


def timing_section(timing: Timing) -> Section:
    """When events happened."""
    if timing.first is None:
        return Section("Time", [f"<p>No time can be read in {escape(timing.column)}.</p>"])
    words = (
        f"<p>{escape(timing.column)}: {value(timing.first)} .. {value(timing.last)} (UTC), events on "
        f"{timing.days:,} of {timing.span:,} days; {timing.unread:,} unreadable, {timing.missing:,} missing; "
        f"rows are {'' if timing.sorted else 'not '}in order of time.</p>"
    )
    gaps = "".join(f'<p class="soft">No events: {escape(gap)}</p>' for gap in gaps_of(timing))
    labels = [one.start.strftime(_FORMS[timing.width]) for one in timing.bins]
    plot = bar_plot(labels, [one.events for one in timing.bins])
    blocks: list[str | tuple[str, ...]] = [
        words,
        f'<p class="soft">Events by {WIDTHS[timing.width]}</p>',
        plot,
        gaps,
    ]
    parts = [bar_plot(_DAYS, timing.weekdays, width=520, height=110)]
    if timing.daytime:
        hours = [f"{hour} h" for hour in range(24)]
        parts.append(bar_plot(hours, timing.daytime, width=520, height=110))
    return Section("Time", [*blocks, tuple(parts)])


def repeats_section(repeats: Repeats, rows: int) -> Section:
    """Rows and pairs that occur again."""
    mark = "" if repeats.exact else "about "
    share = repeats.rows / rows if rows else 0.0
    words = [f"<p>{mark}{repeats.rows:,} rows ({percent(share)}) equal an earlier row in every column.</p>"]
    if repeats.events:
        words.append(
            f"<p>{percent(repeats.again)} of the events are of a user with an item they had before; "
            f"{mark}{repeats.pairs:,} pairs of user and item occur, {percent(repeats.density)} of all "
            "possible.</p>"
        )
    return Section("Repeats", words)


def suspects_section(suspects: Sequence[Suspect], hints: Sequence[str]) -> Section:
    """Columns to be wary of, and what else is worth knowing."""
    more = [f"<p>{escape(hint)}.</p>" for hint in hints]
    if not suspects:
        return Section("Leak suspects", ["<p>None found.</p>", *more])
    rows = [
        (
            badge(one.level, one.level),
            *(escape(part) for part in (one.column or "(no name)", one.why, one.evidence, one.advice)),
        )
        for one in suspects
    ]
    heads = ("", "column", "what it does", "how we know", "what to do")
    return Section("Leak suspects", [str(HtmlTable(heads, rows, ("", "n", "", "", ""))), *more])
