"""The server and the command line as processes of their own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from shortlist.testing._bundles import tiny_bundle

SHORTLIST = [sys.executable, "-m", "shortlist"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "SHORTLIST_DEBUG"}


class Server:
    """A running ``shortlist serve``."""

    def __init__(self, bundle: Path, *options: str) -> None:
        command = [*SHORTLIST, "serve", str(bundle), "--port", "0", *options]
        self.start = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        assert self.process.stderr is not None
        found = re.search(r"http://[\d.:]+", self.process.stderr.readline())
        assert found is not None
        self.http = httpx.Client(base_url=found[0], timeout=10)
        self.stopped = False

    def settle(self) -> float:
        while self.http.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        return time.perf_counter() - self.start

    def items(self, **body: Any) -> list[list[str]]:
        answer = self.http.post("/recommend", json=body)
        assert answer.status_code == 200, answer.text
        return [[item["item"] for item in one["items"]] for one in answer.json()["results"]]

    def stop(self, how: signal.Signals) -> tuple[int, str]:
        self.http.close()
        self.stopped = True
        self.process.send_signal(how)
        assert self.process.stderr is not None
        with closing(self.process.stderr) as stderr:
            told = stderr.read()
        return self.process.wait(10), told


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture
def serve(bundle: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*options: str) -> Server:
        servers.append(Server(bundle, *options))
        servers[-1].settle()
        return servers[-1]

    yield start
    for server in servers:
        if not server.stopped:
            server.stop(signal.SIGKILL)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*SHORTLIST, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)


def test_a_server_from_start_to_end(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("--log-answers", str(tmp_path / "answers"))
    assert time.perf_counter() - server.start < 5
    assert server.http.get("/health/live").json() == {"status": "live"}
    assert server.items(users=["u1", "new"], k=5) == [["i1", "i2"], ["i2", "i1"]]
    assert server.http.post("/recommend", content=b"{").status_code == 400
    code, told = server.stop(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in told
    assert len(list((tmp_path / "answers").glob("*.parquet"))) == 1


def test_acknowledged_events_survive_a_kill(serve: Callable[..., Server]) -> None:
    server = serve()
    answer = server.http.post("/events", json={"events": [{"user": "new", "item": "i4"}]})
    assert answer.json() == {"kept": 1, "known_items": 1}
    server.stop(signal.SIGKILL)
    assert serve().items(user="new") == [["i4"]]


def test_a_request_in_flight_is_finished(serve: Callable[..., Server]) -> None:
    server = serve()
    body = json.dumps({"users": ["u1"] * 1000}).encode()
    head = f"POST /recommend HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    url = server.http.base_url
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(head.encode() + body[:-5])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.sendall(body[-5:])
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert server.stop(signal.SIGTERM)[0] == -signal.SIGTERM


def test_serving_never_imports_torch(bundle: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom shortlist.cli import main\n"
        "import shortlist.server\n"
        f"assert main(['recommend', {str(bundle)!r}, '--users', 'u1', '--json']) == 0\n"
        f"assert main(['inspect', {str(bundle)!r}, '--json']) == 0\n"
        "assert 'torch' not in sys.modules and 'shortlist.train' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_port_in_use(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", bundle, "--port", port)
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_servers_do_not_share_live_events(serve: Callable[..., Server], bundle: Path) -> None:
    serve()
    done = run("serve", bundle, "--port", "0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "event log" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "{missing}", "--port", "0"], "manifest.json"),
        (["serve", "{damaged}", "--port", "0"], "stages.json"),
        (["serve", "{bundle}", "--host", "203.0.113.7"], "203.0.113.7:8000"),
        (["recommend", "{damaged}", "--users", "u1"], "stages.json"),
        (["inspect", "{missing}"], "manifest.json"),
        (["inspekt", "{bundle}"], "did you mean 'inspect'?"),
        (["inspect", "{bundle}", "--jsn"], "did you mean '--json'?"),
        (["recommend", "{bundle}", "--users-file", "{missing}"], "missing"),
    ],
)
def test_what_is_wrong_is_told(bundle: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    damaged = tiny_bundle(tmp_path / "damaged")
    (damaged / "stages.json").write_text("{}")
    places = {"bundle": bundle, "missing": tmp_path / "missing", "damaged": damaged}
    done = run(*(each.format(**places) for each in arguments))
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_reader_that_leaves_early_is_no_error(bundle: Path) -> None:
    users = [f"u{n}" for n in range(3000)]
    command = [*SHORTLIST, "recommend", str(bundle), "--users", *users, "--csv"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    with closing(process.stderr) as stderr:
        assert stderr.read() == ""
    assert process.wait(30) == 0
