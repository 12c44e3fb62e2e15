"""``shortlist monitor``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from shortlist.cli._keys import keys_of
from shortlist.cli._values import count, positive, span
from shortlist.errors import ArgumentError

if TYPE_CHECKING:
    from shortlist.monitor import MonitorReport

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "monitor"
HELP = "what a running server, or its logs, tell: latency, recall, drift, coverage"
ABOUT = """Read a running server, or the answers that one logged beside their bundle, and say how long each
stage takes, how well the index recalls, what has drifted since the bundle was saved, how much of
the catalogue is shown, and why fallbacks answered. Writes a dashboard for Grafana and alert rules
for Prometheus as well.

With --fail-on-drift the exit code is 3 where a feature has drifted, for jobs that run by the clock."""
EXAMPLES = """examples:
  shortlist monitor --url http://localhost:8000 --html report.html
  shortlist monitor --bundle my-bundle --answers answers --since 1d --fail-on-drift
  shortlist monitor --dashboard grafana.json --alerts rules.yml"""
_DRIFTED = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    read = parser.add_argument_group("what is read")
    read.add_argument("--url", metavar="URL", help="a running server, such as http://localhost:8000")
    read.add_argument("--api-keys", type=Path, metavar="FILE", help="file whose first key the server knows")
    read.add_argument("--bundle", type=Path, metavar="DIR", help="the bundle that answered, with --answers")
    read.add_argument("--answers", type=Path, metavar="DIR", help="folder of serve --log-answers")
    read.add_argument("--since", type=span, metavar="SPAN", help="look back so long from the newest answer")
    read.add_argument(
        "--requests",
        type=count,
        default=2000,
        metavar="N",
        help="logged requests that drift is told by (%(default)s)",
    )
    parser.add_argument(
        "--psi",
        type=positive,
        default=0.25,
        metavar="PSI",
        help="from which a feature has drifted, with --answers (%(default)s)",
    )
    parser.add_argument("--fail-on-drift", action="store_true", help="exit with code 3 where one has")
    shown = parser.add_argument_group("what is written")
    shown.add_argument("--html", type=Path, metavar="FILE", help="the report as one HTML file as well")
    shown.add_argument("--json", action="store_true", help="print the report as JSON")
    shown.add_argument("--dashboard", type=Path, metavar="FILE", help="a dashboard to import into Grafana")
    shown.add_argument("--alerts", type=Path, metavar="FILE", help="alert rules for Prometheus")


def run(options: argparse.Namespace) -> int:
    """Carry the command out.

    Returns:
        The exit code.

    Raises:
        ArgumentError: there is nothing to read and nothing to write, or too much of it.
    """
    from shortlist.cli._show import plain_json
    from shortlist.io import atomic_write
    from shortlist.monitor import alert_rules, dashboard_json, write_html

    asked = _check(options)
    for path, text in ((options.dashboard, dashboard_json), (options.alerts, alert_rules)):
        if path is not None:
            atomic_write(path, text().encode("utf-8"))
            print(f"Written: {path}")
    if not asked:
        return 0
    report = _read(options)
    print(plain_json(report.to_json()) if options.json else report)
    if options.html is not None:
        write_html(report, options.html)
        if not options.json:
            print(f"\nWritten: {options.html}")
    return _DRIFTED if options.fail_on_drift and report.drifted() else 0


def _check(options: argparse.Namespace) -> bool:
    """Whether a report is asked for."""
    logs = options.bundle is not None or options.answers is not None
    if options.url is not None and logs:
        raise ArgumentError("monitor", received="both --url and logs", expected="one of them")
    if logs and (options.bundle is None or options.answers is None):
        raise ArgumentError(
            "monitor",
            received="--answers alone" if options.bundle is None else "--bundle alone",
            expected="both: the logged answers, and the bundle that they are compared with",
        )
    if options.url is None and not logs and options.dashboard is None and options.alerts is None:
        raise ArgumentError(
            "monitor",
            received="nothing to read",
            expected="--url of a running server, or --bundle and --answers",
        )
    return options.url is not None or logs


def _read(options: argparse.Namespace) -> "MonitorReport":
    from shortlist.monitor import DriftOptions, MonitorOptions, read_logs, read_server

    if options.url is not None:
        key = None if options.api_keys is None else keys_of(options.api_keys)[0]
        return read_server(options.url, api_key=key)
    drift = DriftOptions(moved=min(0.1, options.psi), drifted=options.psi)
    return read_logs(
        options.bundle,
        options.answers,
        since=options.since,
        requests=options.requests,
        options=MonitorOptions(drift=drift),
    )
