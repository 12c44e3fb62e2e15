"""Every metric that the server exposes: one list, which the server writes by and documents are checked by."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "Metric"]

_OF = ("bundle", "version")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: in the notation of Prometheus: base units, ``_total`` for counters.
        kind: what Prometheus calls its type.
        labels: names of its labels.
        about: what it is.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    about: str


def _named(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


METRICS = _named(
    Metric("shortlist_requests_total", "counter", ("path", "status"), "Answers by path and status"),
    Metric("shortlist_errors_total", "counter", (), "Answers with a status of 400 or more"),
    Metric(
        "shortlist_request_duration_seconds", "histogram", ("path",), "From a request read to its answer made"
    ),
    Metric(
        "shortlist_recommend_duration_seconds",
        "histogram",
        _OF,
        "From a list wanted to the list, waiting included",
    ),
    Metric("shortlist_queue_duration_seconds", "histogram", (), "How long requests waited for a thread"),
    Metric("shortlist_queue_depth", "gauge", (), "Requests that wait for a thread now"),
    Metric("shortlist_in_flight", "gauge", (), "Requests at work or waiting now"),
    Metric("shortlist_batch_requests", "histogram", (), "Requests that were run together"),
    Metric("shortlist_batch_users", "histogram", (), "Users of the requests that were run together"),
    Metric(
        "shortlist_stage_duration_seconds",
        "histogram",
        (*_OF, "stage"),
        "Time of a stage, or of a source within one (merge/retrieve), a batch at a time",
    ),
    Metric("shortlist_stage_requests_total", "counter", (*_OF, "stage"), "Users that a stage worked for"),
    Metric("shortlist_stage_candidates_total", "counter", (*_OF, "stage"), "Candidates after a stage"),
    Metric(
        "shortlist_dropped_total", "counter", (*_OF, "stage", "reason"), "Candidates that a stage took out"
    ),
    Metric(
        "shortlist_fallbacks_total",
        "counter",
        (*_OF, "stage", "reason"),
        "Users for whom a source failed or was late, or a fallback answered since there was nothing (empty)",
    ),
    Metric("shortlist_users_total", "counter", (*_OF, "user"), "Users asked for: known, unknown, anonymous"),
    Metric("shortlist_fallback_users_total", "counter", _OF, "Users answered by the fallback alone"),
    Metric("shortlist_short_lists_total", "counter", _OF, "Users who got fewer items than they asked for"),
    Metric("shortlist_items_total", "counter", (*_OF, "source"), "Items recommended by source"),
    Metric("shortlist_events_total", "counter", ("item",), "Events kept, of known and of unknown items"),
    Metric(
        "shortlist_items_edited_total", "counter", ("kind",), "Items that came or went: upserted, deleted"
    ),
    Metric("shortlist_catalogue_items", "gauge", _OF, "Items that may be shown"),
    Metric(
        "shortlist_coverage_ratio", "gauge", _OF, "Share of the catalogue that was shown within the window"
    ),
    Metric(
        "shortlist_popular_share_ratio",
        "gauge",
        _OF,
        "Share of the shown places within the window that the most popular hundredth of the items has",
    ),
    Metric(
        "shortlist_ann_recall_ratio",
        "gauge",
        (*_OF, "stage"),
        "Share of the exact nearest items that the index found, over the last sampled requests",
    ),
    Metric("shortlist_ann_recall_queries", "gauge", (*_OF, "stage"), "Sampled requests in this recall"),
    Metric(
        "shortlist_samples_total",
        "counter",
        (*_OF, "outcome"),
        "Sampled requests: done, failed, or skipped for lack of time",
    ),
    Metric("shortlist_probe_seconds_total", "counter", (), "Work off the request path on sampled requests"),
    Metric(
        "shortlist_fingerprint_available", "gauge", (*_OF, "why"), "1 where the bundle holds a fingerprint"
    ),
    Metric("shortlist_drift_requests", "gauge", _OF, "Sampled requests within the window"),
    Metric(
        "shortlist_drift_psi",
        "gauge",
        (*_OF, "feature", "kind"),
        "Population stability index of a feature or of vectors against the fingerprint",
    ),
    Metric(
        "shortlist_drift_psi_chance",
        "gauge",
        (*_OF, "feature", "kind"),
        "What chance alone keeps this index below, 999 times in 1,000",
    ),
    Metric(
        "shortlist_drift_ks",
        "gauge",
        (*_OF, "feature", "kind"),
        "Largest difference of the distribution functions of a number",
    ),
    Metric(
        "shortlist_drift_level",
        "gauge",
        (*_OF, "feature", "kind"),
        "0 steady, 1 moved, 2 drifted, -1 too few requests to tell",
    ),
    Metric(
        "shortlist_drift_shift", "gauge", (*_OF, "feature"), "How far the mean vector moved, in deviations"
    ),
    Metric(
        "shortlist_feature_null_ratio",
        "gauge",
        (*_OF, "feature", "when"),
        "Share of null within the window (now) and in the fingerprint",
    ),
    Metric(
        "shortlist_feature_unknown_ratio",
        "gauge",
        (*_OF, "feature", "when"),
        "Share of values in no vocabulary, likewise",
    ),
    Metric("shortlist_swaps_total", "counter", ("bundle", "outcome"), "Changes of version: done, failed"),
    Metric("shortlist_shadows_total", "counter", ("bundle", "outcome"), "Answers of shadow bundles"),
    Metric(
        "shortlist_shadow_overlap_total",
        "counter",
        ("bundle",),
        "Sum over these answers of the share of the shown items that they hold",
    ),
    Metric(
        "shortlist_store_failures_total",
        "counter",
        ("version", "reason"),
        "Reads that the bundle's own tables answered, by why the store did not",
    ),
)
