"""A workflow fitted by two worker processes is that of one machine, whatever happens to the workers."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from shortlist import ops, tags
from shortlist.datasets import planted
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow
from shortlist.features.engine import Dask, Local
from shortlist.io import Dataset
from shortlist.testing._engines import worker_processes

# It bounds the size of files, so it is the same for all.
MEMORY = "1GB"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with worker_processes(2) as connected:
        yield connected


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A log in twenty files."""
    log = planted(users=60, items=50, events=2_000, groups=5, seed=3)
    joined = log.events.join_tables(log.items, log.users)
    rows, folder = joined.collect(), tmp_path_factory.mktemp("log")
    for part in range(20):
        rows[part * 100 : part * 100 + 100].write_parquet(folder / f"{part:02}.parquet")
    return Dataset.of([pl.scan_parquet(file) for file in sorted(folder.iterdir())], joined.schema)


def workflow() -> Workflow:
    return Workflow([
        tags.any("id", "categorical") >> ops.Categorify(min_count=2),
        [["segment", "category"]] >> ops.Categorify(group="combo", name="both"),
        tags.any("continuous") >> ops.FillMissing(0.0) >> ops.LogOp() >> ops.Normalize(),
        ops.History("item_id", max_length=20) >> ops.Categorify(like="item_id"),
        ops.AsOf("user") >> ops.LogOp() >> ops.Normalize(),
    ])  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def by_local(events: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], ...]:
    """What one machine makes of the log: the saved workflow, and the encoded log."""
    return made_by(Local(memory=MEMORY), events, tmp_path_factory.mktemp("local"))


def made_by(engine: Any, events: Dataset, folder: Path) -> tuple[dict[str, bytes], ...]:
    flow = workflow().fit(events, engine=engine)
    flow.save(folder / "flow")
    flow.write(events, folder / "out", engine=engine)
    return contents(folder / "flow"), contents(folder / "out")


def test_a_cluster_makes_the_same_files(
    client: Any, events: Dataset, by_local: tuple[dict[str, bytes], ...], tmp_path: Path
) -> None:
    assert len(by_local[1]) > 20
    assert made_by(Dask(client, memory=MEMORY), events, tmp_path) == by_local


def killing(events: Dataset, part: int, marks: Path) -> Dataset:
    """The same data; a partition ends the worker that reads it, as many times as there are marks."""
    here = os.getpid()

    def read(rows: pl.DataFrame) -> pl.DataFrame:
        mark = next(marks.iterdir(), None)
        if mark is not None and os.getpid() != here:
            mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return rows

    parts = list(events.partitions)
    parts[part] = parts[part].map_batches(read)
    return Dataset.of(parts, events.schema)


def test_workers_killed_in_mid_fit_and_in_mid_write_change_nothing(
    client: Any, events: Dataset, by_local: tuple[dict[str, bytes], ...], tmp_path: Path
) -> None:
    before = set(client.run(os.getpid).values())
    marks = tmp_path / "marks"
    marks.mkdir()
    deadly = killing(events, 11, marks)
    (marks / "fit").touch()
    engine = Dask(client, memory=MEMORY)
    flow = workflow().fit(deadly, engine=engine)
    assert list(marks.iterdir()) == []
    (marks / "write").touch()
    flow.write(deadly, tmp_path / "out", engine=engine)
    assert list(marks.iterdir()) == []
    flow.save(tmp_path / "flow")
    assert (contents(tmp_path / "flow"), contents(tmp_path / "out")) == by_local
    client.wait_for_workers(2, timeout=30)
    assert set(client.run(os.getpid).values()) != before


def test_a_partition_that_kills_every_worker_ends_the_job_with_its_name(
    client: Any, events: Dataset, tmp_path: Path
) -> None:
    for mark in range(9):
        (tmp_path / f"{mark}").touch()
    with pytest.raises(ArgumentError, match="brought down several workers"):
        Workflow(["price" >> ops.Normalize()]).fit(killing(events, 3, tmp_path), engine=Dask(client))
    client.wait_for_workers(2, timeout=30)


def test_an_error_on_a_worker_is_that_of_one_machine(client: Any, events: Dataset, tmp_path: Path) -> None:
    flow = Workflow(["price" >> ops.Normalize()]).fit(events)
    for engine in (Local(), Dask(client)):
        with pytest.raises(SchemaError, match="data without column 'price'"):
            flow.write(events.select(["user_id", "time"]), tmp_path / "out", engine=engine)
        assert not (tmp_path / "out").exists()


def test_an_interrupted_job_leaves_no_task_and_no_file(client: Any, tmp_path: Path) -> None:
    def slow(rows: pl.DataFrame) -> pl.DataFrame:
        time.sleep(0.2)
        return rows

    parts = [pl.LazyFrame({"user": [part]}).map_batches(slow) for part in range(64)]
    ended = threading.Event()

    def press() -> None:
        patience = 1.0
        while not ended.wait(patience):
            os.kill(os.getpid(), signal.SIGINT)
            patience = 4.0  # pressed again if it came while a finaliser ran, which passes no exception on

    pressed = threading.Thread(target=press)
    pressed.start()
    with pytest.raises(KeyboardInterrupt):
        Dask(client, scratch=tmp_path).shuffle(parts, "user", 4)
    ended.set()
    pressed.join()
    gc.collect()
    waited_for(lambda: client.run_on_scheduler(_tasks) == 0)
    waited_for(lambda: list(tmp_path.iterdir()) == [])


def _tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def waited_for(state: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not state():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_cluster_of_this_machine_is_started_at_first_use_and_heard_by_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Dask() as engine:
        assert engine.map_reduce(lambda part: part, max, [1, 3, 2]) == 3
        own = [psutil.Process(), *psutil.Process().children(recursive=True)]
        ears = [at.laddr for p in own for at in p.net_connections("inet") if at.status == psutil.CONN_LISTEN]
        address = engine.client.scheduler.address
        assert len(ears) > 2
        assert {ear.ip for ear in ears} == {"127.0.0.1"}
    monkeypatch.setattr("shortlist.features.engine._cluster._CONNECT_SECONDS", 0.2)
    with pytest.raises(ArgumentError, match="where nothing answers"):
        _ = Dask(address).client
