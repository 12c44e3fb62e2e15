"""The report as a page."""

from html import escape
from math import isnan
from pathlib import Path

from shortlist.io import atomic_write
from shortlist.monitor._measured import FeatureState, Measured, cumulative_of
from shortlist.monitor._report import MonitorReport, change, facts, percent
from shortlist.report import HtmlTable, Section, badge, html_page, small_bars, tiles

__all__ = ["report_page", "write_html"]

_KINDS = {"drifted": "leak", "moved": "suspect", "steady": "note", "unclear": "note"}
_LEGEND = (
    '<p class="soft">PSI compares a feature with the fingerprint that was taken when the bundle was saved: '
    "below 0.1 nothing of note, above 0.25 much has changed. It is flagged only where chance alone, with as "
    "few requests, stays below it 999 times in 1,000; &quot;unclear&quot; means that too few were sampled to "
    "tell. KS is the largest difference of the distribution functions.</p>"
)


def write_html(report: MonitorReport, path: Path | str) -> Path:
    """Write a report as one HTML file that stands alone.

    Raises:
        DataError: the file cannot be written.
    """
    target = Path(path)
    atomic_write(target, report_page(report).encode("utf-8"))
    return target


def report_page(report: MonitorReport) -> str:
    """The page."""
    head = f"<h1>Monitoring</h1><p class=soft>{escape(report.source)}</p>"
    sections = [Section("", [head, tiles(report.figures())])]
    sections += [_versions(report)] if len(report.measured) > 1 else []
    for one in report.measured:
        sections += _of(one)
    return html_page("Monitoring", sections)


def _versions(report: MonitorReport) -> Section:
    rows = [
        (
            escape(one.bundle),
            escape(one.version),
            f"{one.users:,.0f}",
            percent(one.one("shortlist_coverage_ratio")),
            percent(one.one("shortlist_popular_share_ratio")),
            f"{len(one.drifted())}",
        )
        for one in report.measured
    ]
    heads = ("bundle", "version", "users", "catalogue shown", "popular share", "features drifted")
    return Section("Versions", [str(HtmlTable(heads, rows, ("n", "", "r", "r", "r", "r")))])


def _of(one: Measured) -> list[Section]:
    rows = [(escape(what), escape(figure)) for what, figure in facts(one)]
    blocks = [str(HtmlTable(("", ""), rows, ("n", "r")))]
    sections = [Section(f"{one.bundle}, version {one.version}", blocks)]
    if one.stages():
        sections.append(Section("Latency by stage", [_stages(one)]))
    counted = [_counts(one, *names) for names in _TABLES if one.by(names[0])]
    if counted:
        sections.append(Section("Where items came from and went", [tuple(counted)]))
    return [*sections, _drift(one)]


_TABLES = (
    ("shortlist_items_total", "shown, by source", ("source",)),
    ("shortlist_dropped_total", "dropped, by stage and reason", ("stage", "reason")),
    ("shortlist_fallbacks_total", "fallbacks, by source and reason", ("stage", "reason")),
)


def _stages(one: Measured) -> str:
    rows = []
    for stage in one.stages():
        ends = cumulative_of(one.series, "shortlist_stage_duration_seconds", stage=stage.name)
        counts = [
            int(now - before) for now, before in zip(_counts_of(ends), [0, *_counts_of(ends)], strict=False)
        ]
        figures = (stage.mean_ms, stage.p50_ms, stage.p95_ms, stage.p99_ms)
        rows.append(
            (
                escape(stage.name),
                f"{stage.runs:,}",
                *(f"{figure:.3f}" for figure in figures),
                small_bars(counts),
                "-" if isnan(stage.candidates) else f"{stage.candidates:,.1f}",
            )
        )
    heads = ("stage", "runs", "mean ms", "p50", "p95", "p99", "by bins of time", "candidates a user")
    return str(HtmlTable(heads, rows, ("n", *"rrrrr", "", "r")))


def _counts_of(ends: list[tuple[float, float]]) -> list[float]:
    return [count for _, count in ends]


def _counts(one: Measured, metric: str, title: str, labels: tuple[str, ...]) -> str:
    counts = sorted(one.by(metric, *labels).items(), key=lambda pair: -pair[1])
    total = sum(count for _, count in counts) or 1.0
    rows = [(escape(", ".join(key)), f"{count:,.0f}", percent(count / total)) for key, count in counts]
    return str(HtmlTable((title, "", ""), rows, ("n", "r", "r")))


def _drift(one: Measured) -> Section:
    if one.fingerprint:
        return Section("Drift", [f"<p>Unavailable: {escape(one.fingerprint)}.</p>"])
    features, requests = one.features(), one.one("shortlist_drift_requests")
    if not features:
        return Section("Drift", ["<p>No request has been sampled yet.</p>"])
    heads = ("", "feature", "of", "PSI", "by chance below", "KS", "null", "unknown", "what changed most")
    table = HtmlTable(heads, [_feature(row) for row in features], ("", "n", "s", *"rrrrr", "s"))
    return Section(f"Drift, by {requests:,.0f} sampled requests", [_LEGEND, str(table)])


def _feature(one: FeatureState) -> tuple[str, ...]:
    most = one.most or ("" if isnan(one.shift) else f"mean moved {one.shift:.2f} deviations")
    return (
        badge(one.verdict, _KINDS[one.verdict]),
        escape(one.name),
        escape(one.kind),
        f"{one.psi:.3f}",
        f"{one.limit:.3f}",
        "" if isnan(one.ks) else f"{one.ks:.3f}",
        change(one.null),
        change(one.unknown),
        escape(most),
    )
