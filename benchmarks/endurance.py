"""Does the server hold while versions are swapped, events arrive, items come and go, and clients misbehave?

    python benchmarks/endurance.py             # 10 minutes; writes benchmarks/results/
    python benchmarks/endurance.py --small     # half a minute, no file

Two versions of a two-tower pipeline over a planted log are published to a shelf in turn, one every five
seconds. The most that the server answers is found first, by connections that ask once they are answered;
then requests come at 70 % of it, at times of their own, not when the last was answered. Meanwhile events are
posted, malformed requests sent, and items added, changed and deleted. Every answer is compared with what its
version says in this process, but for the added items: these must be found by the first request after they
were acknowledged, and no answer to a request that was sent after a deletion was acknowledged may hold them.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

import shortlist as sl
from shortlist import ops, tags
from shortlist.bundle import Reader
from shortlist.io import publish
from shortlist.server import free_port

CONNECTIONS = 8
IDLE_S = 30.0
ASKED = 64  # users whose lists are known; events come from others
ADDED = 50  # ids of items that come and go; at most NOW of them at a time
NOW = 5
DEAR = 1e6  # the price of the cheapest of them
MALFORMED = (
    b"{",
    b'{"user": 1, "k": 0}',
    b'{"users": "all"}',
    b'{"user": 1, "filters": [{"column": "nothing", "op": "<", "value": 1}]}',
    b'{"usr": 1}',
    b"\xff\xfe",
)
Lists = dict[str, dict[int, list[str]]]


@dataclass
class Seen:
    """What clients saw."""

    answers: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


@dataclass
class Edits:
    """Items that came and went, and what was wrong about it.

    ``gone`` holds the added items that may not be shown: those whose deletion was acknowledged.
    """

    upserts: int = 0
    deletes: int = 0
    gone: frozenset[str] = frozenset()
    wrong: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)


class Connection:
    """HTTP/1.1 on one connection, one request after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.used = 0.0

    async def post(self, path: str, body: bytes, method: str = "POST") -> tuple[int, bytes]:
        """Status and body of the answer; a connection that has idled is made anew, as servers close these."""
        if self.streams is not None and perf_counter() - self.used > IDLE_S:
            self.streams[1].close()
            self.streams = None
        self.used = perf_counter()
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        head = f"{method} {path} HTTP/1.1\r\nHost: s\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(re.findall(r"content-length: (\d+)", told)[0])
        content = await reader.readexactly(size)
        if "connection: close" in told:
            writer.close()
            self.streams = None
        return int(told.split()[1]), content


def made(folder: Path, log: sl.datasets.Planted, seed: int) -> Path:
    """A version of the pipeline."""
    flow = sl.Workflow([
        tags.any("id") >> ops.Categorify(),
        ops.History("item_id", max_length=20) >> ops.Categorify(like="item_id"),
    ]).fit(log.events)  # fmt: skip
    model = sl.TwoTower(flow.schema, dim=32, seed=seed)
    sl.fit(model, flow.transform(log.events), options=sl.FitOptions(epochs=1, batch_size=1024, seed=seed))
    state = sl.State(log.events, items=log.items, users=log.users)
    retrieve = sl.Retrieve(model, sl.build_index(model, flow, state), flow=flow, k=100)
    sl.save(sl.Pipeline([retrieve, sl.Drop(seen=True), sl.Take(10)], state=state), folder)
    return folder


def lists_of(bundle: Path) -> tuple[str, dict[int, list[str]]]:
    """The version of a bundle and what it says to the users that are asked for."""
    frame = sl.load(bundle).recommend(list(range(1, ASKED + 1)), k=10)
    rows = frame.group_by("user", maintain_order=True).agg("item")
    lists = {int(user): items for user, items in zip(rows["user"], rows["item"].to_list(), strict=True)}
    return Reader(bundle).open(verify=False).version, lists


async def ask(connection: Connection, user: int, known: Lists, seen: Seen, edits: Edits) -> None:
    """One valid request, its answer compared."""
    start, gone = perf_counter(), edits.gone
    status, body = await connection.post("/recommend", json.dumps({"user": user, "k": 10}).encode())
    seen.milliseconds.append((perf_counter() - start) * 1e3)
    seen.answers += 1
    if status != 200:
        seen.failed.append(f"{status}: {body[:200].decode()}")
        return
    answer = json.loads(body)
    seen.versions[answer["bundle"]] += 1
    items = [one["item"] for one in answer["results"][0]["items"]]
    own = [item for item in items if not item.startswith("new")]
    right = known.get(answer["bundle"], {}).get(user, [])
    if own != right[: len(own)] or len(items) != 10 or gone & {*items} & edits.gone:
        seen.wrong.append(f"user {user} of {answer['bundle']}: {items}")


async def edit(port: int, seconds: float, edits: Edits) -> None:
    """Add items and delete them again, and look after each whether the next answers know."""
    connection, end, turn, there = Connection(port), perf_counter() + seconds, 0, list[str]()
    dear = {"column": "price", "op": ">=", "value": DEAR}

    async def send(method: str, path: str, body: object) -> dict[str, object] | None:
        start = perf_counter()
        status, content = await connection.post(path, json.dumps(body).encode(), method)
        edits.milliseconds.append((perf_counter() - start) * 1e3)
        if status != 200:
            edits.wrong.append(f"{method} {path}: {status} {content[:200].decode()}")
            return None
        return dict(json.loads(content))

    async def look(name: str) -> None:
        like = await send("POST", "/similar", {"item": name, "k": 4 * NOW})
        list_ = await send("POST", "/recommend", {"user": None, "filters": [dear]})
        if like is None or list_ is None:
            return
        (near,), (shown,) = like["results"], list_["results"]  # type: ignore[misc]
        found = [{one["item"] for one in answer["items"]} for answer in (near, shown)]
        if not near["known"] or found[1] != {*there} or not {*there} - {name} <= found[0]:
            edits.wrong.append(f"{name} came: {near['known']}, {found} of {there}")

    while perf_counter() < end:
        name, turn = f"new{turn % ADDED}", turn + 1
        edits.gone -= {name}
        new = {"item": name, "columns": {"price": DEAR + turn}}
        if await send("POST", "/items", {"items": [new]}) is not None:
            edits.upserts += 1
            there += [] if name in there else [name]
            await look(name)
        if len(there) > NOW and await send("DELETE", "/items", {"items": there[:1]}) is not None:
            edits.deletes += 1
            edits.gone |= {there.pop(0)}
        await asyncio.sleep(0.1)


async def most(port: int, seconds: float, known: Lists) -> float:
    """Requests a second when every connection asks as soon as it was answered."""
    seen, end = Seen(), perf_counter() + seconds

    async def worker(number: int) -> None:
        connection, rng = Connection(port), np.random.default_rng(number)
        while perf_counter() < end:
            await ask(connection, int(rng.integers(1, ASKED + 1)), known, seen, Edits())

    await asyncio.gather(*(worker(number) for number in range(CONNECTIONS)))
    return seen.answers / seconds


async def load(port: int, rate: float, seconds: float, known: Lists, edits: Edits) -> Seen:
    """Requests at random times, a rate on the mean, however long answers take."""
    seen, rng, tasks = Seen(), np.random.default_rng(0), set[asyncio.Task[None]]()
    free = [Connection(port) for _ in range(4 * CONNECTIONS)]
    start = at = perf_counter()

    async def one(connection: Connection, user: int) -> None:
        try:
            await ask(connection, user, known, seen, edits)
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.failed.append(repr(error))
            connection = Connection(port)
        free.append(connection)

    while at < start + seconds:
        at += float(rng.exponential(1 / rate))
        await asyncio.sleep(max(0.0, at - perf_counter()))
        connection = free.pop() if free else Connection(port)
        task = asyncio.create_task(one(connection, int(rng.integers(1, ASKED + 1))))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return seen


async def disturb(port: int, seconds: float, statuses: Counter[int]) -> int:
    """Events of other users, and malformed requests; how many events were kept."""
    connection, end, kept, turn = Connection(port), perf_counter() + seconds, 0, 0
    while perf_counter() < end:
        events = [{"user": 100_000 + turn % 500, "item": f"i{turn % 50:02d}"}]
        status, body = await connection.post("/events", json.dumps({"events": events}).encode())
        kept += json.loads(body)["kept"] if status == 200 else 0
        status, _ = await connection.post("/recommend", MALFORMED[turn % len(MALFORMED)])
        statuses[status] += 1
        turn += 1
        await asyncio.sleep(0.05)
    return kept


async def swap(bundles: list[Path], shelf: Path, every: float, seconds: float) -> int:
    """Publish the versions in turn; how often."""
    end, times = perf_counter() + seconds - every / 2, 0
    while perf_counter() + every < end:
        await asyncio.sleep(every)
        times += 1
        await asyncio.to_thread(publish, bundles[times % 2], shelf, keep=3)
    return times


def memory_mb(process: int) -> float:
    """Private memory of a process."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"RssAnon:\s+(\d+)", text)[0]) / 1024


def run(room: Path, seconds: float, every: float) -> str:
    """The whole of it, as a page."""
    log = sl.datasets.planted(users=2_000, items=1_000, events=60_000, groups=20)
    bundles = [made(room / name, log, seed) for seed, name in enumerate(("one", "two"))]
    known: Lists = dict(map(lists_of, bundles))
    shelf, port = room / "shelf", free_port()
    publish(bundles[0], shelf)
    command = [sys.executable, "-m", "shortlist", "serve", str(shelf), "--port", str(port)]
    command += ["--watch", "0.5", "--clock", "log"]
    server = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    try:
        return asyncio.run(_measured(server.pid, port, bundles, shelf, (seconds, every), known))
    finally:
        server.terminate()
        server.wait(30)


async def _measured(
    process: int, port: int, bundles: list[Path], shelf: Path, times: tuple[float, float], known: Lists
) -> str:
    seconds, every = times
    for _ in range(600):
        with suppress(OSError):
            if (await Connection(port).post("/recommend", b'{"user": 1}'))[0] == 200:
                break
        await asyncio.sleep(0.1)
    limit = await most(port, min(5.0, seconds / 4), known)
    rate, statuses, samples, edits = 0.7 * limit, Counter[int](), list[float](), Edits()

    async def watch() -> None:
        for _ in range(20):
            samples.append(memory_mb(process))
            await asyncio.sleep(seconds / 20)

    seen, kept, swaps, *_ = await asyncio.gather(
        load(port, rate, seconds, known, edits),
        disturb(port, seconds, statuses),
        swap(bundles, shelf, every, seconds),
        watch(),
        edit(port, seconds, edits),
    )
    return _page(seen, (limit, rate, seconds), (kept, swaps), statuses, samples, edits)


def _page(
    seen: Seen,
    load_: tuple[float, float, float],
    counts: tuple[int, int],
    statuses: Counter[int],
    samples: list[float],
    edits: Edits,
) -> str:
    limit, rate, seconds = load_
    half, times = np.array(samples[len(samples) // 2 :]), np.array(seen.milliseconds)
    growth = float(np.polyfit(np.arange(len(half)), half, 1)[0]) * len(samples) / seconds * 600
    rows = {
        "the most it answers, requests a second": f"{limit:,.0f}",
        "asked for, requests a second": f"{rate:,.0f}",
        "seconds": f"{seconds:,.0f}",
        "valid requests": f"{seen.answers:,}",
        "of them failed": f"{len(seen.failed):,}",
        "lists that are not those of their version": f"{len(seen.wrong):,}",
        "versions published while asked": f"{counts[1]:,}",
        "answers of each version": ", ".join(f"{n:,}" for n in seen.versions.values()),
        "events kept": f"{counts[0]:,}",
        "items added or changed, deleted": f"{edits.upserts:,}, {edits.deletes:,}",
        "answers that did not honour it": f"{len(edits.wrong):,}",
        "median, 99th percentile ms of these requests": f"{np.median(edits.milliseconds):.1f}, "
        f"{np.percentile(edits.milliseconds, 99):.1f}",
        "malformed requests, by status": ", ".join(f"{s}: {n:,}" for s, n in sorted(statuses.items())),
        "median, 99th percentile ms": f"{np.median(times):.1f}, {np.percentile(times, 99):.1f}",
        "private memory MB, least and most": f"{min(samples):,.0f}, {max(samples):,.0f}",
        "growth over the second half, MB in 10 minutes": f"{growth:+.1f}",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    failures = "\n".join([*seen.failed[:5], *seen.wrong[:5], *edits.wrong[:5]])
    if seen.failed or seen.wrong or edits.wrong or any(status >= 500 for status in statuses):
        raise SystemExit(f"{table}\n\n{failures}")
    return f"| | |\n|---|---|\n{table}\n"


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="20 seconds, a swap every 2, no file")
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes under load (%(default)s)")
    given = parser.parse_args()
    with TemporaryDirectory() as room:
        seconds, every = (20.0, 2.0) if given.small else (60 * given.minutes, 5.0)
        page = run(Path(room), seconds, every)
    print(page)
    if not given.small:
        cores = os.cpu_count()
        head = "# A server under load while versions are swapped\n\n`python benchmarks/endurance.py`, "
        head += f"{date.today()}, {platform.machine()}, {cores} cores that clients and server share; "
        head += "two threads in the server.\n\n"
        place = (
            Path(__file__).parent
            / "results"
            / f"endurance_{platform.machine()}-{cores}-cores_{date.today()}.md"
        )
        place.write_text(head + page, encoding="utf-8")


if __name__ == "__main__":
    main()
