"""What a running server exposes, and that dashboard, alerts and documents ask for nothing else."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.monitor.conftest import Shop, shop  # noqa: F401 - a fixture
from tests.unit.server.conftest import Client

from shortlist.bundle import Writer
from shortlist.cli import main
from shortlist.monitor import (
    ALERTS,
    METRICS,
    PANELS,
    MonitorOptions,
    alert_rules,
    dashboard,
    parsed,
    write_fingerprint,
)
from shortlist.pipeline import write_pipeline
from shortlist.server import ServerOptions, Traffic, app
from shortlist.testing._bundles import tiny_pipeline

DOCS = Path(__file__).parents[3] / "docs" / "guide" / "monitoring.md"
ENDINGS = ("_bucket", "_sum", "_count")


def series_of(query: str) -> Iterator[tuple[str, set[str]]]:
    """Every metric of a query with the labels that it is asked by."""
    grouped = {
        label.strip()
        for labels in re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", query)
        for label in labels.split(",")
    }
    for name, inside in re.findall(r"(shortlist_\w+)(?:\{([^}]*)\})?", query):
        yield name, grouped | set(re.findall(r"(\w+)(?:=~|!~|!=|=)", inside))


def metric_of(name: str) -> str:
    for ending in ENDINGS:
        if name.endswith(ending) and METRICS.get(name.removesuffix(ending), None) is not None:
            return name.removesuffix(ending)
    return name


@pytest.fixture(scope="module")
def exposed(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:  # noqa: F811
    """Name -> labels of every series of a server after everything has happened to it."""
    folder = tmp_path_factory.mktemp("served")
    other = folder / "other"
    with Writer(other) as writer:
        write_pipeline(tiny_pipeline(), writer, {})
        write_fingerprint(tiny_pipeline(), writer)
    options = ServerOptions(
        clock="log",
        live=folder / "live",
        traffic=Traffic({"bundle": 1.0}, shadows=("other",)),
        monitor=MonitorOptions(sample=1.0, cpu_share=1.0),
    )
    client = Client(app({"bundle": shop.folder, "other": other}, options)).settle()
    try:
        client.ask(users=[1, 2, "stranger", None], k=5)
        client.ask(user="stranger", bundle="other")
        client.post("/events", {"events": [{"user": 1, "item": "i07"}]})
        with Writer(other, {"note": "new"}) as writer:
            write_pipeline(tiny_pipeline(), writer, {})
        done = 'outcome="done"'
        text = ""
        for _ in range(900):
            text = client.get("/metrics").text
            if f'shortlist_swaps_total{{bundle="other",{done}}} 1' in text and "ann_recall_ratio" in text:
                break
            client.run(asyncio.sleep(0.02))
    finally:
        client.close()
    found: dict[str, set[str]] = {}
    for name, labels, _ in parsed(text):
        found.setdefault(name, set()).update(labels)
    return found


def test_every_metric_is_exposed_with_its_labels(exposed: dict[str, set[str]]) -> None:
    told = {metric_of(name): labels - {"le"} for name, labels in exposed.items()}
    elsewhere = "shortlist_store_failures_total"  # of stores that may fail, which these bundles have not
    assert elsewhere in METRICS
    known = {name: set(metric.labels) for name, metric in METRICS.items()}
    assert {name: labels for name, labels in known.items() if name != elsewhere} == told


@pytest.mark.parametrize("query", [query for panel in PANELS for query, _ in panel.queries])
def test_the_dashboard_asks_for_what_is_exposed(query: str, exposed: dict[str, set[str]]) -> None:
    asked = list(series_of(query))
    assert asked
    for name, labels in asked:
        assert name in exposed
        known = exposed[name] | set(METRICS[metric_of(name)].labels)
        assert labels <= known | {"le"}, name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_alerts_ask_for_what_is_exposed(alert: Any, exposed: dict[str, set[str]]) -> None:
    asked = list(series_of(alert.query))
    assert asked
    for name, labels in asked:
        assert name in exposed
        assert labels <= set(METRICS[metric_of(name)].labels) | {"le"}, name
    own = {label for name, _ in asked for label in METRICS[metric_of(name)].labels}
    assert set(re.findall(r"\$labels\.(\w+)", alert.summary)) <= own


def test_the_legends_name_labels_of_their_series() -> None:
    for panel in PANELS:
        for query, legend in panel.queries:
            labels = {label for name, _ in series_of(query) for label in METRICS[metric_of(name)].labels}
            assert set(re.findall(r"{{(\w+)}}", legend)) <= labels, panel.title


def test_the_dashboard_is_whole() -> None:
    plain = json.loads(json.dumps(dashboard()))
    assert len(plain["panels"]) == len(PANELS)
    assert len({panel["id"] for panel in plain["panels"]}) == len(PANELS)
    assert {panel["type"] for panel in plain["panels"]} == {"timeseries", "table"}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in plain["panels"]]
    assert len(set(places)) == len(places)
    assert all(
        target["expr"].count("(") == target["expr"].count(")")
        for p in plain["panels"]
        for target in p["targets"]
    )


def test_the_rules_are_yaml_of_prometheus() -> None:
    text = alert_rules()
    assert text.startswith("groups:\n- name: shortlist\n  rules:\n  - alert: ")
    assert text.count("    expr: '") == len(ALERTS) == text.count("      severity: ")
    assert {alert.severity for alert in ALERTS} == {"page", "ticket"}


def test_every_metric_stands_in_the_guide() -> None:
    rows = re.findall(
        r"^\| `(shortlist_\w+)(?:\{([\w,]*)\})?` \| (\w+) \|", DOCS.read_text(), flags=re.MULTILINE
    )
    told = {name: (tuple(filter(None, labels.split(","))), kind) for name, labels, kind in rows}
    assert told == {name: (metric.labels, metric.kind) for name, metric in METRICS.items()}


def test_the_command_writes_dashboard_and_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, rules = tmp_path / "board.json", tmp_path / "rules.yml"
    assert main(["monitor", "--dashboard", str(board), "--alerts", str(rules)]) == 0
    assert json.loads(board.read_text())["title"] == "Shortlist"
    assert rules.read_text() == alert_rules()
    assert str(board) in capsys.readouterr().out


def test_a_bundle_without_a_fingerprint_is_served_and_says_so(client: Any) -> None:
    client.ask(user="u1")
    text = client.get("/metrics").text
    assert 'why="the bundle was saved without one"} 0' in text
    assert "shortlist_drift_psi" not in text


def test_only_the_newest_versions_are_exposed(bundle: Path, opened: Callable[..., Client]) -> None:
    from shortlist.server._counters import Counters
    from shortlist.server._desk import Desk

    counters = Counters()
    monitor = Desk.open(bundle, ServerOptions()).monitor
    for number in range(7):
        counters.attach("shop", f"v{number}", monitor)
    versions = re.findall(r'fallback_users_total{bundle="shop",version="(v\d)"}', counters.text())
    assert versions == ["v3", "v4", "v5", "v6"]
