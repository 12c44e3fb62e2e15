"""A dashboard for Grafana over the metrics of the server."""

import json
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["PANELS", "Panel", "dashboard", "dashboard_json"]

_ONLY = 'bundle=~"$bundle"'
_RATE = "[$__rate_interval]"
_WIDE, _HIGH = 12, 8


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        unit: in Grafana's notation.
        queries: query in PromQL and how its series are called.
        kind: how it is drawn.
        about: what to look for.
    """

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: Literal["timeseries", "table"] = "timeseries"
    about: str = ""


def _quantiles(metric: str, by: str, only: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{{{only}}}{_RATE})))",
            f"p{100 * share:g} {{{{{by}}}}}",
        )
        for share in (0.5, 0.95, 0.99)
    )


PANELS = (
    Panel(
        "Requests a second",
        "reqps",
        ((f"sum by (path, status) (rate(shortlist_requests_total{_RATE}))", "{{path}} {{status}}"),),
    ),
    Panel(
        "Time of a request",
        "s",
        _quantiles("shortlist_request_duration_seconds", "path", 'path="/recommend"'),
    ),
    Panel(
        "Time of a list, by version",
        "s",
        _quantiles("shortlist_recommend_duration_seconds", "version", _ONLY),
        about="Waiting for a thread included.",
    ),
    Panel(
        "Time by stage, 95th percentile",
        "s",
        (
            (
                (
                    "histogram_quantile(0.95, sum by (bundle, stage, le) "
                    f"(rate(shortlist_stage_duration_seconds_bucket{{{_ONLY}}}{_RATE})))"
                ),
                "{{bundle}} {{stage}}",
            ),
        ),
        about="Of a batch of requests that are run together.",
    ),
    Panel(
        "Waiting",
        "short",
        (
            ("shortlist_queue_depth", "waiting for a thread"),
            ("shortlist_in_flight", "at work or waiting"),
            (
                f"rate(shortlist_batch_users_sum{_RATE}) / rate(shortlist_batch_users_count{_RATE})",
                "users run together",
            ),
        ),
    ),
    Panel(
        "Waiting time",
        "s",
        (
            (
                (
                    "histogram_quantile(0.99, "
                    f"sum by (le) (rate(shortlist_queue_duration_seconds_bucket{_RATE})))"
                ),
                "p99",
            ),
        ),
    ),
    Panel(
        "Fallbacks, users a second",
        "short",
        (
            (
                f"sum by (bundle, stage, reason) (rate(shortlist_fallbacks_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} {{stage}} {{reason}}",
            ),
            (
                f"sum by (bundle) (rate(shortlist_fallback_users_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} nothing but the fallback",
            ),
        ),
    ),
    Panel(
        "Dropped, candidates a second",
        "short",
        (
            (
                f"sum by (bundle, stage, reason) (rate(shortlist_dropped_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} {{stage}}: {{reason}}",
            ),
        ),
    ),
    Panel(
        "Candidates a user, by stage",
        "short",
        (
            (
                (
                    f"sum by (bundle, stage) (rate(shortlist_stage_candidates_total{{{_ONLY}}}{_RATE})) / "
                    f"sum by (bundle, stage) (rate(shortlist_stage_requests_total{{{_ONLY}}}{_RATE}))"
                ),
                "{{bundle}} {{stage}}",
            ),
        ),
    ),
    Panel(
        "Users, by what is known of them",
        "short",
        (
            (
                f"sum by (bundle, user) (rate(shortlist_users_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} {{user}}",
            ),
            (
                f"sum by (bundle) (rate(shortlist_short_lists_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} lists too short",
            ),
        ),
    ),
    Panel(
        "Items shown, by source",
        "short",
        (
            (
                f"sum by (bundle, source) (rate(shortlist_items_total{{{_ONLY}}}{_RATE}))",
                "{{bundle}} {{source}}",
            ),
        ),
    ),
    Panel(
        "Coverage and popularity",
        "percentunit",
        (
            (f"shortlist_coverage_ratio{{{_ONLY}}}", "{{bundle}} {{version}} catalogue shown"),
            (f"shortlist_popular_share_ratio{{{_ONLY}}}", "{{bundle}} {{version}} places of the top 1 %"),
        ),
    ),
    Panel(
        "Recall of the index against exact",
        "percentunit",
        ((f"shortlist_ann_recall_ratio{{{_ONLY}}}", "{{bundle}} {{version}} {{stage}}"),),
        about="Of sampled requests; shortlist_ann_recall_queries says how many.",
    ),
    Panel(
        "Drift: PSI, the ten largest",
        "short",
        ((f"topk(10, shortlist_drift_psi{{{_ONLY}}})", "{{bundle}} {{version}} {{feature}}"),),
        about="0.1 is worth a look, 0.25 has drifted, where it is above what chance alone gives.",
    ),
    Panel(
        "What has drifted now",
        "short",
        (
            (
                (
                    f"shortlist_drift_psi{{{_ONLY}}} and on (bundle, version, feature, kind) "
                    "shortlist_drift_level == 2"
                ),
                "",
            ),
        ),
        "table",
    ),
    Panel(
        "Null and unknown values",
        "percentunit",
        (
            (f'topk(10, shortlist_feature_null_ratio{{{_ONLY}, when="now"}} > 0)', "{{feature}} null"),
            (
                f'topk(10, shortlist_feature_unknown_ratio{{{_ONLY}, when="now"}} > 0)',
                "{{feature}} unknown",
            ),
        ),
    ),
    Panel(
        "Events and items that arrive, a second",
        "short",
        (
            (f"sum by (item) (rate(shortlist_events_total{_RATE}))", "events of {{item}} items"),
            (f"sum by (kind) (rate(shortlist_items_edited_total{_RATE}))", "items {{kind}}"),
        ),
    ),
    Panel(
        "Versions: changes, and shadows",
        "short",
        (
            (f"sum by (bundle, outcome) (increase(shortlist_swaps_total{_RATE}))", "{{bundle}} {{outcome}}"),
            (
                (
                    f"sum by (bundle) (rate(shortlist_shadow_overlap_total{_RATE})) / "
                    f'sum by (bundle) (rate(shortlist_shadows_total{{outcome="asked"}}{_RATE}))'
                ),
                "{{bundle}} overlap of the shadow",
            ),
        ),
    ),
    Panel(
        "Monitoring itself",
        "short",
        (
            (f"rate(shortlist_probe_seconds_total{_RATE})", "share of a core"),
            (
                f"sum by (outcome) (rate(shortlist_samples_total{{{_ONLY}}}{_RATE}))",
                "samples {{outcome}}",
            ),
        ),
    ),
)
"""What the dashboard shows."""


def dashboard() -> dict[str, Any]:
    """The dashboard as plain data, to be imported into Grafana; it asks for a Prometheus data source."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    chosen = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "bundle",
            "type": "query",
            "datasource": source,
            "query": "label_values(shortlist_users_total, bundle)",
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]
    return {
        "title": "Shortlist",
        "uid": "shortlist",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "tags": ["shortlist"],
        "templating": {"list": chosen},
        "panels": [_drawn(number, panel, source) for number, panel in enumerate(PANELS)],
    }


def dashboard_json() -> str:
    """The same as text."""
    return json.dumps(dashboard(), indent=1) + "\n"


def _drawn(number: int, panel: Panel, source: dict[str, str]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + place),
            "datasource": source,
            "expr": query,
            "legendFormat": legend,
            **({"format": "table", "instant": True} if panel.kind == "table" else {}),
        }
        for place, (query, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number + 1,
        "title": panel.title,
        "description": panel.about,
        "type": panel.kind,
        "datasource": source,
        "gridPos": {"x": _WIDE * (number % 2), "y": _HIGH * (number // 2), "w": _WIDE, "h": _HIGH},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}}
        if panel.kind != "table"
        else {},
        "targets": targets,
    }
