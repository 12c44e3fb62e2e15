"""Memory does not grow with the rows, data may be far away, and the work may be done by other processes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.features import Workflow, ops
from shortlist.features.engine import Dask, Engine, Local
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Column, Schema
from shortlist.testing._engines import worker_processes

MIB = 2**20

# Prints how many bytes of its own memory a process has asked for while it did something, beyond those before.
MEASURED = """
import sys, threading
import polars as pl
from shortlist.features import Workflow, ops
from shortlist.features.engine import Local
from shortlist.io import Dataset

def held():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

def most(work):
    done, peaks = threading.Event(), [held()]
    def watch():
        while not done.wait(0.002):
            peaks.append(held())
    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return max(peaks) - peaks[0]

folder, memory, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = Local(threads=1, memory=memory)
data = Dataset.of([pl.scan_parquet(f"{folder}/{n}.parquet") for n in range(files)])
few = Dataset.of([pl.scan_parquet(f"{folder}/0.parquet").head(100)])
"""


def grown(code: str, folder: Path, memory: str, files: int) -> int:
    """Bytes that the work on so many files takes."""
    command = [sys.executable, "-c", MEASURED + code, str(folder), memory, str(files)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_counting_more_values_than_fit_keeps_to_the_memory_it_was_given(tmp_path: Path) -> None:
    """NVTabular#857: Categorify ignored its cache option and ran out of memory on a card of 40 GB."""
    for part in range(16):
        keys = generator(part, "keys").integers(0, 2**62, 200_000)
        keys[:100] = np.arange(100)
        pl.DataFrame({"key": keys}).write_parquet(tmp_path / f"{part}.parquet")
    code = """
flow = Workflow(["key" >> ops.Categorify(min_count=16)])
flow.fit(few, engine=engine)
print(most(lambda: flow.fit(data, engine=engine)))
assert len(flow.vocabulary("key")) == (100 if files == 16 else 0)
"""
    little, much, roomy = (
        grown(code, tmp_path, memory, files) for memory, files in (("4MB", 4), ("4MB", 16), ("4GB", 16))
    )
    assert much < 1.6 * little
    assert much < roomy / 2


def test_two_hundred_columns_take_little_more_memory_for_four_times_the_rows(tmp_path: Path) -> None:
    """NVTabular#1683: workers died at 200 columns of 200 million rows."""
    rows = 10_000
    for part in range(16):
        rng = generator(part, "wide")
        columns = {f"c{n}": rng.integers(0, 50, rows) for n in range(100)}
        columns |= {f"x{n}": rng.random(rows) for n in range(100)}
        pl.DataFrame(columns).write_parquet(tmp_path / f"{part}.parquet")
    code = """
codes, numbers = ([f"{kind}{n}" for n in range(100)] for kind in "cx")
flow = Workflow([codes >> ops.Categorify(), numbers >> ops.FillMissing(0.0) >> ops.Normalize()])
print(most(lambda: flow.fit(data, engine=engine).write(data, f"{folder}/out", engine=engine)))
"""
    little, much = (grown(code, tmp_path, "200MB", files) for files in (4, 16))
    more = 12 * rows * 200 * 8
    assert much - little < more / 2


def test_a_fit_over_the_web_is_that_of_the_same_file_here_and_fetches_its_columns_only(
    tmp_path: Path,
) -> None:
    """NVTabular#1235: Criteo could not be fitted from remote storage."""
    rng = generator(1, "remote")
    frame = pl.DataFrame(
        {
            "user": [f"u{user}" for user in rng.integers(0, 300, 20_000)],
            "price": rng.random(20_000),
            "unused": [rng.bytes(40).hex() for _ in range(20_000)],
        }
    )
    path = tmp_path / "log.parquet"
    frame.write_parquet(path, row_group_size=4_000)
    flows = []
    with served(path) as (url, sent):
        for source in (path, url):
            data = Dataset.read(str(source), partition_rows=6_000)
            flow = Workflow(["user" >> ops.Categorify(min_count=60), "price" >> ops.Normalize()]).fit(data)
            flows.append((flow.vocabulary("user"), flow.transform(data).collect(), len(data.partitions)))
    assert flows[0][0].equals(flows[1][0])
    assert flows[0][1].equals(flows[1][1])
    assert min(flows[0][2], flows[1][2]) > 1
    assert 0 < sum(sent) < path.stat().st_size


class served:
    """A web server of one file; tells its URL, and the lengths of what it has sent."""

    def __init__(self, path: Path) -> None:
        self.sent: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, path.read_bytes(), self.sent))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> tuple[str, list[int]]:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/log.parquet", self.sent

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Ranges(BaseHTTPRequestHandler):
    """Sends parts of a file."""

    protocol_version = "HTTP/1.1"

    def __init__(self, content: bytes, sent: list[int], *given: Any) -> None:
        self.content, self.sent = content, sent
        super().__init__(*given)

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, *, body: bool = True) -> None:
        low, _, high = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        size = len(self.content)
        start = int(low) if low else size - int(high)
        stop = min(int(high) + 1, size) if low and high else size
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.end_headers()
        if body:
            self.sent.append(stop - start)
            self.wfile.write(self.content[start:stop])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Nothing is logged."""


def test_twenty_six_large_vocabularies_in_little_memory_are_those_of_much(tmp_path: Path) -> None:
    """NVTabular#1887: Categorify failed on the 26 columns of Criteo-1TB."""
    rng = generator(2, "criteo")
    names = [f"C{n}" for n in range(1, 27)]
    drawn = {name: (rng.pareto(0.4, 6_000) * 10).astype(np.int64) for name in names}
    frame = pl.DataFrame(drawn).with_columns(pl.all().replace(0, None))
    frame = frame.with_columns(pl.col("C1", "C2").cast(pl.String))
    data = Dataset.of([frame[start : start + 1_500] for start in range(0, 6_000, 1_500)])
    flow = [names >> ops.Categorify(min_count=dict.fromkeys(names[:13], 2), max_size=3_000)]
    roomy = Workflow(flow).fit(data, engine=Local(memory="4GB"))
    scarce, tiny = Local(memory=50_000, scratch=tmp_path), Workflow(flow)
    tiny.fit(data, engine=scarce)
    assert len({file.parent for file in tmp_path.rglob("*") if file.is_file()}) > 26
    for name in names:
        assert tiny.vocabulary(name).equals(roomy.vocabulary(name))
        counts = frame[name].drop_nulls().value_counts().filter(pl.col("count") >= (1 + (name in names[:13])))
        assert len(roomy.vocabulary(name)) == min(len(counts), 2_997)
    assert tiny.transform(data).collect().equals(roomy.transform(data).collect())


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with worker_processes(2) as connected:
        yield connected


def test_functions_and_vocabularies_that_grew_go_to_worker_processes(client: Any, tmp_path: Path) -> None:
    """NVTabular#1626: LambdaOp failed where several workers shared the work."""
    days = [
        Dataset.of([pl.DataFrame({"item": items[n::4], "price": [1.0, 2.0, 4.0]}) for n in range(4)])
        for items in (["a", "b", "a", "c"] * 3, ["b", "e", "e", "d"] * 3)
    ]
    base = 2.0
    flows = []
    for engine, name in ((Local(), "local"), (Dask(client), "dask")):
        flow = Workflow([
            "item" >> ops.Categorify(),
            "price" >> ops.LambdaOp(lambda price: np.log(price) / np.log(base)) >> ops.Normalize(),
        ]).fit(days[0], engine=engine)  # fmt: skip
        flow.extend(days[1], engine=engine)
        written = flow.write(days[1], tmp_path / name, engine=engine).dataset.collect()
        flows.append((flow.vocabulary("item"), written))
    (vocabulary, written), others = flows[0], flows[1]
    assert vocabulary["value"].to_list() == ["a", "b", "c", "e", "d"]
    assert vocabulary["count"].to_list() == [6, 6, 3, 6, 3]
    assert vocabulary.equals(others[0])
    assert written.equals(others[1])
    # Base-2 logarithms of 1, 2, 4 are 0, 1, 2: mean 1, and n - 1 of the n squared deviations of 1, 0, 1.
    assert written["price"].unique().sort().to_list() == pytest.approx(
        [-((11 / 8) ** 0.5), 0, (11 / 8) ** 0.5]
    )


@pytest.mark.parametrize("where", ["one bucket", "many buckets", "workers"])
def test_rows_in_any_order_are_grouped_without_being_shuffled_by_hand(
    where: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groupby in NVTabular gave several rows for a key unless the data had been shuffled globally by it."""
    rng = generator(4, "groups")
    frame = pl.DataFrame(
        {"user": rng.integers(0, 40, 600), "item": rng.integers(0, 90, 600), "time": rng.permutation(600)}
    )
    schema = Schema([Column(name, "int64", tags) for name, tags in
                     (("user", ("user", "id")), ("item", ("item", "id")), ("time", ("time",)))])  # fmt: skip
    data = Dataset.of([frame[part::7] for part in range(7)], schema)
    engine: Engine = Local()
    if where != "one bucket":
        monkeypatch.setattr("shortlist.features.ops._groupby._BUCKET", 50)
    if where == "workers":
        engine = Dask(request.getfixturevalue("client"))
    flow = Workflow([ops.Groupby("user", lists=["item"]), "user", "item_list" >> ops.Categorify()])
    out = flow.fit(data, engine=engine).decode(flow.transform(data, engine=engine))
    assert len(out.partitions) == (1 if where == "one bucket" else 13)
    expected: dict[int, list[int]] = {}
    for user, item, _ in sorted(frame.iter_rows(), key=lambda row: row[2]):
        expected.setdefault(user, []).append(item)
    rows = out.collect()
    assert rows["user"].is_unique().all()
    assert dict(rows.select("user", "item_list").iter_rows()) == expected
