"""The report of a server and of its logs."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tests.unit.monitor.conftest import Shop

from shortlist.cli import main
from shortlist.data import Requests
from shortlist.errors import ArgumentError, BundleError, DataError, ServerError
from shortlist.monitor import (
    Histogram,
    Monitor,
    MonitorReport,
    Row,
    exposition,
    parsed,
    quantile,
    read_logs,
    read_server,
    write_html,
)
from shortlist.pipeline import AnswerLog
from shortlist.testing._bundles import tiny_pipeline

OF = {"bundle": "shop", "version": "v1"}


def metrics() -> str:
    """What a server with one drifted feature exposes."""
    pipe = tiny_pipeline()
    monitor = Monitor(pipe, "none")
    requests = Requests(["u1", "stranger"])
    found = pipe.watched(monitor.stages).run(requests)
    monitor.answered(requests, found)
    rows = [Row(row.name, {**OF, **row.labels}, row.value) for row in monitor.rows()]
    rows = [
        row for row in rows if row.name not in ("shortlist_fingerprint_available", "shortlist_drift_requests")
    ]
    age = {**OF, "feature": "age<b>", "kind": "query"}
    times = Histogram()
    times.add(0.004)
    more = [
        Row("shortlist_fingerprint_available", {**OF, "why": ""}, 1),
        Row("shortlist_drift_requests", OF, 500),
        Row("shortlist_drift_psi", age, 0.5),
        Row("shortlist_drift_psi_chance", age, 0.05),
        Row("shortlist_drift_ks", age, 0.3),
        Row("shortlist_drift_level", age, 2),
        Row("shortlist_feature_null_ratio", {**OF, "feature": "age<b>", "when": "now"}, 0.25),
        Row("shortlist_feature_null_ratio", {**OF, "feature": "age<b>", "when": "fingerprint"}, 0.0),
        Row("shortlist_ann_recall_ratio", {**OF, "stage": "retrieve"}, 0.97),
        Row("shortlist_samples_total", {**OF, "outcome": "done"}, 5),
        Row("shortlist_samples_total", {**OF, "outcome": "skipped"}, 7),
        Row("shortlist_ann_recall_queries", {**OF, "stage": "retrieve"}, 40),
        Row("shortlist_request_duration_seconds", {"path": "/recommend"}, times),
        Row("shortlist_requests_total", {"path": "/recommend", "status": "200"}, 3),
        Row("shortlist_requests_total", {"path": "/recommend", "status": "504"}, 1),
        Row("shortlist_requests_total", {"path": "/health/ready", "status": "503"}, 9),
    ]
    return exposition([*rows, *more])


@pytest.fixture
def served() -> str:
    """The address of a server that answers with these metrics, with 401 and with other things."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/keyed/metrics" and self.headers.get("X-Api-Key") != "secret":
                self.send_response(401)
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            pages = {"/other/metrics": b"up 1\n", "/odd/metrics": b"<html>\n"}
            self.wfile.write(pages.get(self.path, metrics().encode()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_lines_written_are_read_again() -> None:
    text = exposition([Row("shortlist_items_total", {**OF, "source": 'a "b"\\\n'}, 2)])
    assert parsed(text) == [("shortlist_items_total", {**OF, "source": 'a "b"\\\n'}, 2.0)]
    with pytest.raises(DataError, match="metrics, line 2: expected a line of the text form"):
        parsed("a 1\n<html>")


def test_quantiles_are_interpolated_as_prometheus_does() -> None:
    assert quantile([(1.0, 0), (2.0, 10), (inf, 10)], 0.5) == 1.5
    assert quantile([(1.0, 5), (inf, 10)], 0.99) == 1.0
    assert np.isnan(quantile([], 0.5))


def test_a_report_of_a_server(served: str, tmp_path: Path) -> None:
    report = read_server(served)
    (one,) = report.measured
    assert (one.bundle, one.version, one.users) == ("shop", "v1", 2)
    assert [stage.name for stage in one.stages()] == ["repeats", "drop", "take"]
    assert [feature.name for feature in report.drifted()] == ["age<b>"]
    text = str(report)
    assert "answers of status 5xx 25.0 %" in text
    assert "users unknown: 50.0 %" in text
    assert "sampled requests: 5 done, 7 skipped" in text
    assert "recall of retrieve against exact, 40 sampled requests: 0.9700" in text
    assert "0.0 % -> 25.0 %" in text
    assert "fallbacks: popular, empty 1" in text
    page = write_html(report, tmp_path / "report.html").read_text()
    assert "age&lt;b&gt;" in page
    assert "age<b>" not in page
    for word in ("drifted", "Latency by stage", "repeats", "popular, empty", "by chance below"):
        assert word in page
    assert "http://www" not in page.replace("http://www.w3.org", "")
    assert json.loads(json.dumps(report.to_json()))["versions"][0]["features"][0]["ks"] == 0.3


def test_the_command_fails_on_drift_if_told_to(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--url", served]) == 0
    assert main(["monitor", "--url", f"{served}/metrics", "--fail-on-drift", "--json"]) == 3
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["versions"][0]["version"] == "v1"


def test_who_does_not_answer_or_refuses_is_named(served: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="expected a running server"):
        read_server("http://127.0.0.1:9")
    with pytest.raises(ServerError, match=r"received status 401. Remedy: give a key"):
        read_server(f"{served}/keyed")
    assert read_server(f"{served}/keyed", api_key="secret").measured
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    assert main(["monitor", "--url", f"{served}/keyed", "--api-keys", str(keys)]) == 0
    with pytest.raises(ServerError, match="expected those of shortlist serve; received metrics of something"):
        read_server(f"{served}/other")
    with pytest.raises(DataError, match="give the address of a shortlist server"):
        read_server(f"{served}/odd")
    with pytest.raises(ArgumentError, match="monitor url: expected an address such as"):
        read_server("file:///etc/passwd")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing to read"),
        (["--url", "http://x", "--bundle", "b"], "both --url and logs"),
        (["--bundle", "b"], "--bundle alone"),
        (["--answers", "a"], "--answers alone"),
    ],
)
def test_what_to_read_must_be_said(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *words]) == 2
    assert told in capsys.readouterr().err


@pytest.fixture(scope="module")
def answers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a server that answered strangers only, and a little of another version."""
    from shortlist.bundle import Reader

    folder = tmp_path_factory.mktemp("logs") / "answers"
    version = Reader(shop.folder).open().version
    until = shop.pipe.state.store.until
    for name, users, age in ((version, 400, 0), ("old", 20, 5)):
        log = AnswerLog(folder, bundle=name)
        times = np.full(users, until - age * 86_400_000_000) + np.arange(users)
        requests = Requests([f"stranger {number}" for number in range(users)], 10, times)
        log.add(requests, shop.pipe.run(requests), shop.pipe.state)
        log.close()
    return folder


def test_a_report_of_logs_names_what_drifted(shop: Shop, answers: Path, tmp_path: Path) -> None:
    report = read_logs(shop.folder, answers)
    now, old = report.measured
    assert (now.users, old.users, old.version) == (400, 20, "old")
    assert now.one("shortlist_users_total", user="unknown") == 400
    drifted = {feature.name: feature for feature in report.drifted()}
    assert "item_id_history (length)" in drifted
    assert drifted["item_id_history (length)"].most.startswith("up to 0")
    assert "another version" in old.fingerprint
    assert not read_logs(shop.folder, answers, since="1d").measured[1:]
    assert read_logs(shop.folder, answers, requests=30).measured[0].one("shortlist_drift_requests") == 30
    page = tmp_path / "report.html"
    words = ["monitor", "--bundle", str(shop.folder), "--answers", str(answers), "--html", str(page)]
    assert main([*words, "--fail-on-drift"]) == 3
    assert main([*words, "--fail-on-drift", "--psi", "1000"]) == 0
    assert "item_id_history (length)" in page.read_text()


def test_missing_and_damaged_logs_are_named(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected"):
        read_logs(tmp_path / "nothing", tmp_path)
    with pytest.raises(DataError, match="expected answers that were logged; received no answer"):
        read_logs(shop.folder, tmp_path / "nothing")
    (tmp_path / "answers-1.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="expected the Parquet files of serve --log-answers"):
        read_logs(shop.folder, tmp_path)
    with pytest.raises(ArgumentError, match=r"read_logs.requests: expected an integer >= 1"):
        read_logs(shop.folder, tmp_path, requests=0)


def test_an_empty_report_prints() -> None:
    assert "users asked for 0" in str(MonitorReport.of("nowhere", []))
