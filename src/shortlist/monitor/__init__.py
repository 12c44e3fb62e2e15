"""Monitoring: fingerprints and drift, live recall, counts by stage, coverage; dashboard, alerts, report."""

from shortlist.monitor._alerts import ALERTS, Alert, alert_rules
from shortlist.monitor._bins import Bins
from shortlist.monitor._dashboard import PANELS, Panel, dashboard, dashboard_json
from shortlist.monitor._distance import ks, psi, psi_by_chance
from shortlist.monitor._drift import Drift, DriftOptions, drifts
from shortlist.monitor._embedding import Embedding
from shortlist.monitor._exposition import Row, exposition, parsed
from shortlist.monitor._fingerprint import Feature, Fingerprint, FingerprintOptions
from shortlist.monitor._from_logs import read_logs
from shortlist.monitor._histogram import BATCHES, Histogram, quantile
from shortlist.monitor._measured import FeatureState, Measured, StageState
from shortlist.monitor._metrics import METRICS, Metric
from shortlist.monitor._monitor import Monitor
from shortlist.monitor._observe import Observed, Observer, Seen
from shortlist.monitor._options import MonitorOptions
from shortlist.monitor._page import write_html
from shortlist.monitor._probe import Probe
from shortlist.monitor._read import read_server
from shortlist.monitor._recall import live_recall
from shortlist.monitor._report import MonitorReport
from shortlist.monitor._take import fingerprint, known_fingerprint, read_fingerprint, write_fingerprint
from shortlist.monitor._tally import Tally

__all__ = [
    "ALERTS",
    "BATCHES",
    "METRICS",
    "PANELS",
    "Alert",
    "Bins",
    "Drift",
    "DriftOptions",
    "Embedding",
    "Feature",
    "FeatureState",
    "Fingerprint",
    "FingerprintOptions",
    "Histogram",
    "Measured",
    "Metric",
    "Monitor",
    "MonitorOptions",
    "MonitorReport",
    "Observed",
    "Observer",
    "Panel",
    "Probe",
    "Row",
    "Seen",
    "StageState",
    "Tally",
    "alert_rules",
    "dashboard",
    "dashboard_json",
    "drifts",
    "exposition",
    "fingerprint",
    "known_fingerprint",
    "ks",
    "live_recall",
    "parsed",
    "psi",
    "psi_by_chance",
    "quantile",
    "read_fingerprint",
    "read_logs",
    "read_server",
    "write_fingerprint",
    "write_html",
]
