"""Engines: options, memory, scratch folders, progress, and what a cluster's tasks do."""

import gc
import io
import os
import subprocess
import sys
from threading import Lock
from time import sleep
from unittest import mock

import distributed
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import ArgumentError, DataError, MissingExtraError, SchemaError
from shortlist.features.engine import Dask, Local, MergeTree, _dask, _job, _memory, _scratch, _shuffle, _task
from shortlist.features.engine._progress import Progress

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("800MB", 800_000_000),
        ("1.5GB", 1_500_000_000),
        ("1.5 GiB", 3 * GIB // 2),
        ("2KiB", 2048),
        ("7B", 7),
    ],
)
def test_memory_is_bytes_or_text(text, size):
    assert Local(memory=text).memory == Dask(memory=text).memory == size


@pytest.mark.parametrize("text", [0, -1, "0MB", "much", "1.5", "5 XB", "GB", ""])
def test_memory_that_is_no_amount_is_refused(text):
    with pytest.raises(ArgumentError, match=r"Local\.memory: expected bytes above 0"):
        Local(memory=text)


def test_memory_without_an_option_is_a_quarter_of_what_the_process_may_use(monkeypatch):
    monkeypatch.setattr("shortlist.features.engine._local.machine_memory", lambda: 4000)
    assert Local().memory == 1000


def test_bounds_of_control_groups_hold(tmp_path):
    own = tmp_path / "own"
    (tmp_path / "pod" / "box").mkdir(parents=True)
    (tmp_path / "pod" / "memory.max").write_text(f"{3 * GIB}\n")
    (tmp_path / "pod" / "box" / "memory.max").write_text("max\n")
    (tmp_path / "memory" / "job").mkdir(parents=True)
    (tmp_path / "memory" / "job" / "memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    own.write_text("0::/pod/box\n")
    assert _memory._group_bounds(own, tmp_path) == [3 * GIB]
    own.write_text("4:cpu,memory:/job\n1:cpu:/pod\n")
    assert _memory._group_bounds(own, tmp_path) == [2 * GIB]
    assert _memory._group_bounds(tmp_path / "none", tmp_path) == []


def test_this_machine_has_memory(monkeypatch):
    assert 2**20 < _memory.machine_memory() < 2**50
    monkeypatch.setattr(_memory, "_group_bounds", list)
    monkeypatch.delattr(os, "sysconf")
    assert _memory.machine_memory() == 4 * GIB


def test_local_holds_no_more_parts_than_threads():
    lock, inside, most = Lock(), [0], [0]

    def measure(part):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        sleep(0.005)
        with lock:
            inside[0] -= 1
        return [part]

    assert Local(threads=3).map_reduce(measure, lambda a, b: a + b, range(20)) == list(range(20))
    assert most == [3]
    with pytest.raises(ArgumentError, match=r"Local\.threads"):
        Local(threads=0)


def test_many_partitions_and_buckets_make_few_files(tmp_path):
    parts = [pl.LazyFrame({"u": [n % 7, n], "n": [n, n]}) for n in range(300)]
    buckets = Local(scratch=tmp_path).shuffle(parts, "u", 100)
    assert len(list(tmp_path.rglob("*.arrow"))) == 64
    assert sum(bucket.collect().height for bucket in buckets) == 600


def test_rows_beyond_the_memory_go_to_further_files(tmp_path):
    rows = pl.DataFrame({"u": range(1000)})  # 8000 bytes
    for memory, files in ((16_001, 1), (16_000, 1), (8_000, 2)):
        folder = tmp_path / str(memory)
        folder.mkdir()
        spread = _shuffle.Spread(folder, ("u",), 2, memory)
        made = spread(_shuffle.Run(3, (rows.lazy(), rows.lazy())))
        assert (len(made.files), made.rows) == (files, 2000)
        assert sorted(path.name for path in folder.iterdir()) == [piece.file for piece in made.files]


def test_a_run_spread_twice_leaves_the_same_files(tmp_path):
    spread = _shuffle.Spread(tmp_path, ("u",), 3, GIB)
    run = _shuffle.Run(0, (pl.LazyFrame({"u": ["a", None, "b"]}),))
    first = spread(run)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert spread(run) == first
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_shuffle_keeps_partitions_of_no_rows_and_their_types():
    empty = pl.LazyFrame(schema={"u": pl.String, "v": pl.Array(pl.Float32, 2), "c": pl.Categorical})
    for bucket in Local().shuffle([empty, empty], "u", 2):
        assert bucket.collect().schema == bucket.collect_schema() == empty.collect_schema()


@pytest.mark.parametrize(
    ("key", "count", "error", "message"),
    [
        ("user", 2, SchemaError, "no column 'user'.*did you mean 'users'"),
        ("lists", 2, SchemaError, "column 'lists' of type List"),
        ("users", 0, ArgumentError, "an integer >= 1; received 0"),
    ],
)
def test_shuffle_refuses(key, count, error, message):
    part = pl.LazyFrame({"users": [1], "lists": [[1]]})
    with pytest.raises(error, match=message):
        Local().shuffle([part], key, count)


def test_scratch_must_be_a_folder_that_can_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="a scratch directory that can be written to"):
        Local(scratch=tmp_path / "file").scratch()
    for kind in (Local, Dask):
        with pytest.raises(ArgumentError, match=r"scratch: expected a folder.*Remedy: mount"):
            kind(scratch="s3://bucket/scratch")


def test_scratch_is_removed_by_its_owner_alone(tmp_path):
    mine, other = _scratch.Scratch(tmp_path), _scratch.Scratch(tmp_path)
    _scratch._remove(mine.path, os.getpid() + 1)
    assert mine.path.exists()
    _scratch._remove(mine.path, os.getpid())
    assert not mine.path.exists()
    assert other.path.exists()
    _scratch._remove(other.path, os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_threads_may_make_and_remove_scratch_folders_at_once(tmp_path):
    def measure(part):
        return all(_scratch.Scratch(tmp_path).path is not None for _ in range(50))

    assert Local(threads=6).map_reduce(measure, lambda left, right: left and right, range(6))
    assert list(tmp_path.iterdir()) == []


def test_scratch_goes_at_exit_and_is_known_by_name_after_a_kill(tmp_path):
    code = (
        "import os, sys; from shortlist.features.engine import Local;"
        "engine = Local(scratch=sys.argv[1]); folder = engine.scratch(); (folder / 'x').write_text('');"
        "print(folder.parent.name); sys.stdout.flush(); os.kill(os.getpid(), int(sys.argv[2]))"
    )

    def left(signal):
        command = [sys.executable, "-c", code, tmp_path, signal]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        return run.stdout.strip(), [entry.name for entry in tmp_path.iterdir()]

    name, there = left("0")
    assert name.startswith("shortlist-scratch-")
    assert there == []
    name, there = left("9")
    assert there == [name]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_tells_parts_speed_and_time(monkeypatch):
    clock = iter([0.0, 1.0, 1.05, 4.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(True, 8) as progress:
        progress.step(measured=_shuffle.Pieces(pl.Schema(), rows=100))
        progress.step(measured=_shuffle.Pieces(pl.Schema(), rows=200))  # too soon to be drawn
        progress.step(2, measured=pl.DataFrame())  # tells no rows
    drawn = sys.stderr.getvalue().split("\r")
    # One of eight after a second: seven more. Four of eight after four: four more, and 300 rows in 4 s.
    assert drawn == [
        "",
        "██·················· 1/8  100 rows/s  1 s, 7 s left\x1b[K",
        "██████████·········· 4/8  75 rows/s  4 s, 4 s left\x1b[K",
        "\x1b[K",
    ]


@pytest.mark.parametrize(
    ("progress", "stream", "shown"),
    [
        (False, Terminal, False),
        (None, Terminal, True),
        (None, io.StringIO, False),
        (True, io.StringIO, True),
    ],
)
def test_progress_is_silent_unless_asked_or_on_a_terminal(monkeypatch, progress, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    assert Local(progress=progress).map_reduce(lambda part: part, max, [1, 2, 3]) == 3
    assert ("1/3" in sys.stderr.getvalue()) is shown


def test_progress_clears_its_line_after_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(ZeroDivisionError):
        Local(progress=True).map_reduce(lambda part: 1 // part, max, [1, 0])
    assert sys.stderr.getvalue().endswith("\r\x1b[K")


def test_dask_refuses_options_and_connects_to_nothing_before_its_use(monkeypatch):
    with pytest.raises(ArgumentError, match=r"Dask\.retries"):
        Dask(retries=-1)
    monkeypatch.setattr("shortlist.features.engine._cluster._CONNECT_SECONDS", 0.1)
    nobody = Dask("tcp://127.0.0.1:1")
    with pytest.raises(ArgumentError, match=r"received 'tcp://127\.0\.0\.1:1', where nothing answers"):
        nobody.map_reduce(len, max, ["a"])
    nobody.close()


def test_dask_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match="distributed"):
        Dask().map_reduce(len, max, ["a"])


def test_dask_names_the_worker_that_cannot_reach_the_scratch_folder(tmp_path):
    client = mock.create_autospec(distributed.Client, instance=True)
    client.run.return_value = {"tcp://10.0.0.1:1": True, "tcp://10.0.0.2:1": False}
    with pytest.raises(ArgumentError, match=r"where worker tcp://10\.0\.0\.2:1 cannot write"):
        Dask(client, scratch=tmp_path).scratch()
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_dask_memory_is_a_share_of_the_smallest_worker():
    client = mock.create_autospec(distributed.Client, instance=True)
    client.scheduler_info.return_value = {
        "workers": {"a": {"memory_limit": 8000}, "b": {"memory_limit": 4000}}
    }
    assert Dask(client).memory == 1000


def test_what_travels_is_unpacked_where_versions_are_the_same():
    carried = _task.Carried.of(lambda x: x + 1)
    again, (packed, made_by) = carried.__reduce__()
    assert again(packed, made_by).value(1) == 2
    other = again(packed, {**made_by, "polars": "1.99"})
    here, there = made_by["polars"], "1.99"
    with pytest.raises(ArgumentError, match=rf"workers with .*polars {there}.*a worker with .*polars {here}"):
        _ = other.value


def test_a_part_that_cannot_be_read_is_tried_again(monkeypatch):
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    errors = [OSError("reset"), pl.exceptions.ComputeError("timed out"), DataError("disk", received="full")]

    def measure(part):
        if errors:
            raise errors.pop()
        return part * 2

    work = _task.Carried.of((measure, max))
    work.__dict__["value"] = (measure, max)
    assert _task.measured(work, _task.Carried.of([4, 3]), retries=3).value == 8
    assert waited == [1, 2, 3]
    errors.append(OSError("reset"))
    with pytest.raises(OSError, match="reset"):
        _task.measured(work, _task.Carried.of([4]), retries=0)
    errors.append(SchemaError("here", received="a", expected="b"))
    with pytest.raises(SchemaError):
        _task.measured(work, _task.Carried.of([4]), retries=2)
    assert waited == [1, 2, 3]


def test_a_task_that_kills_its_workers_says_what_to_do():
    state = mock.Mock(address="tcp://10.0.0.1:1")
    said = pytest.raises(ArgumentError, match=r"brought down several workers.*smaller partitions")
    with said, _job.raised_as_here():
        raise distributed.KilledWorker("measured-3", state, 3)


@settings(max_examples=50, deadline=None)
@given(parts=st.integers(1, 200), threads=st.integers(0, 12))
def test_blocks_of_parts_are_branches_of_the_one_tree(parts, threads):
    whole, outer = MergeTree(_joined), MergeTree(_joined)
    blocks = list(_dask._blocks([str(part) for part in range(parts)], threads))
    for block in blocks:
        inner = MergeTree(_joined)
        for part in block:
            inner.add(part)
            whole.add(part)
        outer.add(inner.total())
    assert outer.total() == whole.total()
    assert len(blocks) >= min(parts, 4 * threads)


def _joined(left, right):
    return f"({left} {right})"


def test_a_result_is_as_large_as_its_frames():
    frame = pl.DataFrame({"x": range(1000)})
    small = sys.getsizeof(_task.Result([]))
    assert sys.getsizeof(_task.Result([frame, (frame, frame)])) == small + 24_000
    assert sys.getsizeof(_task.Result("x" * 1000)) >= 1000
