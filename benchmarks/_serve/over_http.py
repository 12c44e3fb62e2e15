"""The server on one core, its clients on another: latency, requests a second, start and memory."""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from _serve.measure import K, Times
from shortlist.server import free_port

TURN, TURNS = 25, 4

FRESH = """
import json, re, sys, time
start = time.perf_counter()
from shortlist.pipeline import load
ready = time.perf_counter() - start
pipe = load(sys.argv[1], verify=sys.argv[2] == "verify")
loaded = time.perf_counter() - start
pipe.run(__import__("shortlist").Requests([None]))
first = time.perf_counter() - start
status = open("/proc/self/status").read()
held = [int(re.search(rf"{name}:[^0-9]+([0-9]+)", status)[1]) / 1024 for name in ("RssAnon", "RssFile")]
assert "torch" not in sys.modules
print(json.dumps([ready, loaded, first, *held, time.process_time()]))
"""


@dataclass
class OverHttp:
    """What clients saw.

    Attributes:
        start: seconds from the start of the process until it was ready.
        inside: milliseconds of the same requests in this process, by turns with those over HTTP and on the
            server's core: on a shared machine a core's speed changes from second to second.
        alone: milliseconds of requests over HTTP, one at a time.
        rates: connections -> requests a second and processor milliseconds of the server for each, and of
            requests in this process, by turns with them, the medians by the clock and of the processor.
        bare: MiB of the server's own memory, and of files mapped into it, before a bundle is loaded.
        memory: the same after all of it.
    """

    start: float
    inside: list[float]
    alone: list[float]
    rates: dict[int, tuple[float, float, float, float]]
    bare: tuple[float, float]
    memory: tuple[float, float]


class Connection:
    """HTTP/1.1 on a socket, one request after the other."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, user: int) -> None:
        self.post("/recommend", json.dumps({"user": user, "k": K}).encode())

    def recommended(self, user: int) -> bytes:
        self.send(user)
        return self.receive()

    def post(self, path: str, body: bytes) -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: s\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)

    def get(self, path: str) -> None:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: s\r\n\r\n".encode())

    def receive(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        size = int(re.search(rb"content-length: (\d+)", head.lower())[1])
        while len(body) < size:
            body += self.socket.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), body
        return body


@contextmanager
def server(bundle: Path, core: int, *options: str) -> Iterator[tuple[int, int, float, tuple[float, float]]]:
    """A running server: its port, its process, the seconds it took to be ready, its memory before loading."""
    port = free_port()
    command = [sys.executable, "-m", "shortlist", "serve", str(bundle), "--port", str(port), *options]
    start = perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    os.sched_setaffinity(process.pid, {core})
    try:
        bare = (0.0, 0.0)
        while process.poll() is None and not _answers(port, "ready"):
            if bare == (0.0, 0.0) and _answers(port, "live"):
                bare = memory(process.pid)
            sleep(0.02)
        yield port, process.pid, perf_counter() - start, bare
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # a machine that is busy with other things
            process.kill()
            process.wait()


def _answers(port: int, health: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
        probe.sendall(f"GET /health/{health} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in probe.recv(64)
    return False


def over_http(
    bundle: Path, users: list[int], seconds: float, cores: tuple[int, int], ask: Callable[[int], object]
) -> OverHttp:
    """Ask one at a time, then as many as there are connections; ``ask`` does the same in this process."""
    with server(bundle, cores[0]) as (port, process, start, bare):
        asked, inside, alone = Connection(port).recommended, list[float](), list[float]()
        timed(ask, users, cores[0])  # what is kept by row is there after the first time, on both sides
        timed(asked, users, cores[1])
        for begin in range(0, len(users), TURN):
            turn = users[begin : begin + TURN]
            inside += timed(ask, turn, cores[0]).wall
            alone += timed(asked, turn, cores[1]).wall
        rates = {}
        for count in (1, 4, 16):
            done, spent, took, within = 0, processor(process), 0.0, Times()
            for turn in range(TURNS):
                timed(ask, users[turn * TURN : (turn + 1) * TURN], cores[0], within)
                on_core(cores[1])
                began = perf_counter()
                done += throughput(port, count, users, seconds / TURNS)
                took += perf_counter() - began
            spent = processor(process) - spent
            medians = float(np.median(within.wall)), float(np.median(within.cpu))
            rates[count] = done / took, 1e3 * spent / done, *medians
        return OverHttp(start, inside, alone, rates, bare, memory(process))


def timed(work: Callable[[int], object], users: list[int], core: int, times: Times | None = None) -> Times:
    """Times of some requests, asked from a core."""
    on_core(core)
    times = Times() if times is None else times
    for user in users:
        times.timed(work, user)
    return times


def on_core(core: int) -> None:
    """Keep this thread to a core, where the system can."""
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {core})


def throughput(port: int, count: int, users: list[int], seconds: float) -> int:
    """Requests of connections that ask as soon as they were answered, for so many seconds."""
    waiting, asked = selectors.DefaultSelector(), 0
    for number in range(count):
        connection = Connection(port)
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(users[number % len(users)])
    start = perf_counter()
    while perf_counter() - start < seconds:
        for key, _ in waiting.select(1.0):
            key.data.receive()
            asked += 1
            key.data.send(users[(asked + count) % len(users)])
    for key in list(waiting.get_map().values()):
        key.data.receive()
        asked += 1
    return asked


def processor(process: int) -> float:
    """Processor seconds of a process until now."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int | str) -> tuple[float, float]:
    """MiB of a process's own memory, and of files mapped into it."""
    text = Path(f"/proc/{process}/status").read_text()
    anonymous, mapped = (int(re.search(rf"{name}:\s+(\d+)", text)[1]) for name in ("RssAnon", "RssFile"))
    return anonymous / 1024, mapped / 1024


def fresh(bundle: Path, *, verify: bool) -> dict[str, float]:
    """Seconds and MiB of a new process until it has answered."""
    command = [sys.executable, "-c", FRESH, str(bundle), "verify" if verify else "trust"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    names = ("imported", "loaded", "answered", "own memory", "mapped files", "processor seconds")
    return dict(zip(names, told, strict=True))


def percentiles(values: list[float]) -> str:
    """Median and 99th percentile."""
    return " / ".join(f"{value:.3f}" for value in np.percentile(values, [50, 99]))
