"""Rules for Prometheus: what somebody should be told of."""

from dataclasses import dataclass

__all__ = ["ALERTS", "Alert", "alert_rules"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule.

    Attributes:
        name: of the alert.
        query: in PromQL, true where something is wrong.
        lasting: how long it must be true.
        severity: ``"page"`` for now, ``"ticket"`` for the working day.
        summary: what is wrong.
        remedy: where to look.
    """

    name: str
    query: str
    lasting: str
    severity: str
    summary: str
    remedy: str


ALERTS = (
    Alert(
        "ShortlistFails",
        'sum(rate(shortlist_requests_total{status=~"5..", path!~".*/health.*"}[5m])) '
        "/ sum(rate(shortlist_requests_total[5m])) > 0.01",
        "5m",
        "page",
        "More than 1 % of the answers are failures",
        "The log of the server names each; 503 means that too many wait, 504 that the time limit is passed.",
    ),
    Alert(
        "ShortlistSlow",
        "histogram_quantile(0.99, sum by (le) "
        '(rate(shortlist_request_duration_seconds_bucket{path="/recommend"}[5m]))) > 0.1',
        "10m",
        "page",
        "One request in a hundred takes longer than 100 ms",
        "Time by stage says where; waiting says whether more workers or replicas are needed.",
    ),
    Alert(
        "ShortlistWaiting",
        "shortlist_queue_depth > 32",
        "2m",
        "page",
        "Requests wait for a thread",
        "Add replicas, or ask for fewer candidates.",
    ),
    Alert(
        "ShortlistFallsBack",
        "sum by (bundle) (rate(shortlist_fallback_users_total[10m])) / "
        "sum by (bundle) (rate(shortlist_users_total[10m])) > 0.2",
        "10m",
        "ticket",
        "More than 20 % of the users of {{ $labels.bundle }} get nothing but the fallback",
        "shortlist_fallbacks_total says which source failed, was late or found nothing.",
    ),
    Alert(
        "ShortlistSourceFails",
        'sum by (bundle, stage) (rate(shortlist_fallbacks_total{reason=~"failed|late"}[10m])) > 0',
        "10m",
        "ticket",
        "The source {{ $labels.stage }} of {{ $labels.bundle }} fails or is late",
        "The log of the server has the error.",
    ),
    Alert(
        "ShortlistRecallLow",
        "shortlist_ann_recall_ratio < 0.9 and shortlist_ann_recall_queries >= 100",
        "30m",
        "ticket",
        "The index of {{ $labels.stage }} finds less than 90 % of the exact nearest items",
        "Queries have moved away from those it was tuned on: rebuild it, or tune it again.",
    ),
    Alert(
        "ShortlistDrift",
        "shortlist_drift_level == 2",
        "1h",
        "ticket",
        "{{ $labels.feature }} has drifted in {{ $labels.bundle }}",
        "shortlist monitor says what changed; where the world has changed, train again.",
    ),
    Alert(
        "ShortlistNulls",
        'shortlist_feature_null_ratio{when="now"} - ignoring (when) '
        'shortlist_feature_null_ratio{when="fingerprint"} > 0.1',
        "30m",
        "ticket",
        "{{ $labels.feature }} is null more often than in training",
        "A feed, or a column that comes with requests, is missing.",
    ),
    Alert(
        "ShortlistCoverageLow",
        "shortlist_coverage_ratio < 0.01 and on (bundle, version) shortlist_drift_requests > 1000",
        "1h",
        "ticket",
        "Less than 1 % of the catalogue of {{ $labels.bundle }} is shown",
        "Look at the popularity share and at what is dropped.",
    ),
    Alert(
        "ShortlistSwapFailed",
        'increase(shortlist_swaps_total{outcome="failed"}[1h]) > 0',
        "0m",
        "ticket",
        "A new version of {{ $labels.bundle }} could not be loaded; the old one answers",
        "The log of the server says why.",
    ),
)
"""What the rules watch; thresholds are to be set to your own service."""


def alert_rules() -> str:
    """The rules as YAML, for ``rule_files`` of Prometheus."""
    return "\n".join(["groups:", "- name: shortlist", "  rules:", *map(_rule, ALERTS)]) + "\n"


def _rule(alert: Alert) -> str:
    lines = [
        f"  - alert: {alert.name}",
        f"    expr: {_quoted(alert.query)}",
        f"    for: {alert.lasting}",
        "    labels:",
        f"      severity: {alert.severity}",
        "    annotations:",
        f"      summary: {_quoted(alert.summary)}",
        f"      description: {_quoted(alert.remedy)}",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Text as a scalar in single quotes.

    >>> _quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
