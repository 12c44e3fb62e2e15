"""What a server, or its logs, tell: in words, as data."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, final

from shortlist.monitor._histogram import quantile
from shortlist.monitor._measured import FeatureState, Measured, Series, cumulative_of
from shortlist.report import Table

__all__ = ["MonitorReport", "change", "facts", "feature_table", "percent", "stage_table"]

_FEW = 15


@final
@dataclass(frozen=True)
class MonitorReport:
    """A report; printing it gives the text, `shortlist.monitor.write_html` the page.

    Attributes:
        source: where it was read.
        series: metrics that are of no bundle.
        measured: one entry a version, those that answered most first.
    """

    source: str
    series: tuple[Series, ...]
    measured: tuple[Measured, ...]

    @classmethod
    def of(cls, source: str, series: Iterable[Series]) -> "MonitorReport":
        """From the lines of an exposition."""
        plain, versions = list[Series](), dict[tuple[str, str], list[Series]]()
        for name, labels, value in series:
            if "version" not in labels:
                plain.append((name, labels, value))
            else:
                versions.setdefault((labels["bundle"], labels["version"]), []).append((name, labels, value))
        found = [Measured(*key, tuple(rows)) for key, rows in versions.items()]
        return cls(source, tuple(plain), tuple(sorted(found, key=lambda one: -one.users)))

    def drifted(self) -> list[FeatureState]:
        """Features that have drifted, of any version."""
        return [feature for one in self.measured for feature in one.drifted()]

    def figures(self) -> list[tuple[str, str]]:
        """What stands on top: figure and what it is."""
        ends = cumulative_of(self.series, "shortlist_request_duration_seconds", path="/recommend")
        found = [(f"{sum(one.users for one in self.measured):,.0f}", "users asked for")]
        if ends:
            found += [
                (f"{quantile(ends, share) * 1e3:.2f} ms", f"p{100 * share:.0f} of /recommend")
                for share in (0.5, 0.99)
            ]
            found.append((percent(self._failures()), "answers of status 5xx"))
        drifted = len(self.drifted())
        return [*found, (f"{drifted}", "feature drifted" if drifted == 1 else "features drifted")]

    def _failures(self) -> float:
        """Share of the answers that are failures of the server; probes of its health left out."""
        counts = [
            (have["status"], value)
            for name, have, value in self.series
            if name == "shortlist_requests_total" and "/health" not in have["path"]
        ]
        failed = sum(value for status, value in counts if status.startswith("5"))
        return failed / max(sum(value for _, value in counts), 1.0)

    def __str__(self) -> str:
        head = ", ".join(f"{what} {figure}" for figure, what in self.figures())
        return "\n\n".join([f"{self.source}\n{head}", *(_text(one) for one in self.measured)])

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "source": self.source,
            "figures": {what: figure for figure, what in self.figures()},
            "versions": [
                {
                    "bundle": one.bundle,
                    "version": one.version,
                    "facts": dict(facts(one)),
                    "fingerprint": one.fingerprint or "there is one",
                    "stages": [_finite(asdict(stage)) for stage in one.stages()],
                    "features": [_finite(asdict(feature)) for feature in one.features()],
                    "dropped": _nested(one, "shortlist_dropped_total"),
                    "fallbacks": _nested(one, "shortlist_fallbacks_total"),
                }
                for one in self.measured
            ],
        }


def facts(one: Measured) -> list[tuple[str, str]]:
    """What there is to say of a version, and its figure."""
    users = max(one.users, 1.0)
    found = [("users asked for", f"{one.users:,.0f}")]
    found += [
        (f"users {kind}", percent(one.one("shortlist_users_total", user=kind) / users))
        for kind in ("unknown", "anonymous")
    ]
    for metric, words in (
        ("shortlist_fallback_users_total", "users answered by the fallback alone"),
        ("shortlist_short_lists_total", "users with fewer items than asked for"),
    ):
        found.append((words, percent(one.one(metric) / users)))
    found.append(("catalogue shown lately", percent(one.one("shortlist_coverage_ratio"))))
    words = "places of the most popular hundredth of the items"
    found.append((words, percent(one.one("shortlist_popular_share_ratio"))))
    for (stage,), recall in one.by("shortlist_ann_recall_ratio", "stage").items():
        count = one.one("shortlist_ann_recall_queries", stage=stage)
        found.append((f"recall of {stage} against exact, {count:,.0f} sampled requests", f"{recall:.4f}"))
    samples = [
        f"{count:,.0f} {what}" for (what,), count in one.by("shortlist_samples_total", "outcome").items()
    ]
    return [*found, ("sampled requests", ", ".join(samples))] if samples else found


def stage_table(one: Measured) -> Table:
    """Times and candidates by stage."""
    rows = [
        (stage.name, stage.runs, stage.mean_ms, stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.candidates)
        for stage in one.stages()
    ]
    return Table(("stage", "runs", "mean ms", "p50", "p95", "p99", "candidates a user"), rows, digits=3)


def feature_table(features: Iterable[FeatureState]) -> Table:
    """Drift by feature."""
    rows = [
        (
            one.verdict,
            one.name,
            one.kind,
            one.psi,
            one.limit,
            one.ks,
            change(one.null),
            change(one.unknown),
            one.most or ("" if isnan(one.shift) else f"mean moved {one.shift:.2f} deviations"),
        )
        for one in features
    ]
    heads = ("", "feature", "of", "PSI", "by chance <", "KS", "null", "unknown", "what changed most")
    return Table(heads, rows, digits=3)


def change(shares: tuple[float, float]) -> str:
    """A share before and now; empty where both are none."""
    before, now = shares
    if not (before or now) or isnan(before):
        return ""
    return f"{percent(before)} -> {percent(now)}"


def percent(share: float) -> str:
    """A share in words.

    >>> percent(0.1234), percent(float("nan"))
    ('12.3 %', '-')
    """
    return "-" if isnan(share) else f"{100 * share:.1f} %"


def _text(one: Measured) -> str:
    parts = [f"{one.bundle}, version {one.version}", "\n".join(f"  {what}: {n}" for what, n in facts(one))]
    if one.stages():
        parts.append(str(stage_table(one)))
    for metric, words in (
        ("shortlist_dropped_total", "dropped"),
        ("shortlist_fallbacks_total", "fallbacks"),
        ("shortlist_items_total", "items by source"),
    ):
        counts = one.by(metric, *(("stage", "reason") if metric != "shortlist_items_total" else ("source",)))
        if counts:
            parts.append(f"{words}: " + "; ".join(f"{', '.join(key)} {n:,.0f}" for key, n in counts.items()))
    return "\n".join([*parts, *_drift_text(one)])


def _drift_text(one: Measured) -> list[str]:
    if one.fingerprint:
        return [f"drift: unavailable, {one.fingerprint}"]
    features, requests = one.features(), one.one("shortlist_drift_requests")
    if not features:
        return ["drift: no request has been sampled yet"]
    more = len(features) - _FEW
    note = [f"and {more} more, steadier ones"] if more > 0 else []
    return [f"drift, by {requests:,.0f} sampled requests", str(feature_table(features[:_FEW])), *note]


def _nested(one: Measured, metric: str) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for (stage, reason), count in one.by(metric, "stage", "reason").items():
        out.setdefault(stage, {})[reason] = count
    return out


def _finite(plain: dict[str, Any]) -> dict[str, Any]:
    """NaN as None, which JSON has."""
    return {
        name: None if isinstance(value, float) and isnan(value) else value for name, value in plain.items()
    }
