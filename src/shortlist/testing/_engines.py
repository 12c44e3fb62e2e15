"""Conformance of engines: whoever does the work, the results are the same."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shortlist.errors import ArgumentError, SchemaError
from shortlist.extras import need
from shortlist.features.engine import Engine, Local, MergeTree

__all__ = [
    "KEYS",
    "check_errors",
    "check_map",
    "check_map_reduce",
    "check_scratch",
    "check_shuffle",
    "check_tree",
    "partitions",
    "worker_processes",
]

# Key columns of `partitions`, alone and together.
KEYS: tuple[str | tuple[str, ...], ...] = ("user", "code", "day", "price", "pair", ("user", "code"))

_TYPES = {
    "row": pl.Int64(),
    "user": pl.String(),
    "code": pl.Int64(),
    "day": pl.Date(),
    "price": pl.Float64(),
    "pair": pl.Struct({"a": pl.Int64(), "b": pl.String()}),
    "items": pl.List(pl.Int64()),
    "kind": pl.Enum(["x", "y"]),
}
_few = st.integers(0, 3)
_CELLS: dict[str, st.SearchStrategy[Any]] = {
    "user": st.sampled_from(["a", "b", "", "Ä", "a string longer than sixteen bytes"]),
    "code": st.sampled_from([0, 1, -1, 2**62]),
    "day": st.dates(),
    "price": st.sampled_from([0.0, -0.0, 0.1, 0.2, 1e300, float("nan")]),
    "pair": st.fixed_dictionaries({"a": _few, "b": st.sampled_from(["p", None])}),
    "items": st.lists(st.one_of(st.none(), _few), max_size=3),
    "kind": st.sampled_from(["x", "y"]),
}


def partitions() -> st.SearchStrategy[list[pl.DataFrame]]:
    """One to five partitions with numbered rows, nulls in every other column, and partitions without rows."""
    cells = [st.one_of(st.none(), cell) for cell in _CELLS.values()]
    parts = st.lists(st.lists(st.tuples(*cells), max_size=6), min_size=1, max_size=5)
    return parts.map(_numbered)


def check_map(engine: Engine, parts: Sequence[pl.DataFrame]) -> None:
    """Every partition is changed by itself, in its place, and not before it is collected."""
    read: list[int] = []

    def note(rows: pl.DataFrame) -> pl.DataFrame:
        read.append(len(rows))
        return rows

    lazy = [part.lazy().map_batches(note) for part in parts]
    changed = engine.map(lambda part: part.with_columns(pl.col("row") * 2), lazy)
    assert read == []
    assert len(changed) == len(parts)
    for part, found in zip(parts, changed, strict=True):
        assert_frame_equal(found.collect(), part.with_columns(pl.col("row") * 2))


def check_map_reduce(engine: Engine, parts: Sequence[pl.DataFrame]) -> None:
    """What floats add up to depends on the order: it is that of `MergeTree`, so the total is, bit by bit."""
    lazy = [part.lazy() for part in parts]
    tree = MergeTree[float](lambda left, right: left + right)
    for part in lazy:
        tree.add(_thirds(part))
    total = engine.map_reduce(_thirds, lambda left, right: left + right, lazy)
    assert total.hex() == tree.total().hex()


def check_tree(engine: Engine, count: int) -> None:
    """So many parts, of whatever kind, are measured once each and merged by the tree of `MergeTree`."""
    parts = [(number, ["some", {"kind": None}]) for number in range(count)]
    tree = MergeTree[str](lambda left, right: f"({left} {right})")
    for number, _ in parts:
        tree.add(f"{number}")
    told = engine.map_reduce(lambda part: f"{part[0]}", lambda left, right: f"({left} {right})", parts)
    assert told == tree.total()


def check_shuffle(
    engine: Engine, parts: Sequence[pl.DataFrame], key: str | tuple[str, ...], count: int
) -> None:
    """No row is lost or changed, rows of one key are together in their old order, as `Local` has them."""
    lazy = [part.lazy() for part in parts]
    buckets = engine.shuffle(lazy, key, count)
    assert len(buckets) == count
    frames = [bucket.collect() for bucket in buckets]
    whole = pl.concat(parts)
    assert_frame_equal(pl.concat(frames).sort("row"), whole)
    homes: dict[str, int] = {}
    for place, frame in enumerate(frames):
        assert frame.schema == whole.schema
        assert frame["row"].is_sorted()
        for row in frame.select(key if isinstance(key, str) else list(key)).rows():
            told = str([None if value is None else value + 0.0 if value == 0 else value for value in row])
            assert homes.setdefault(told, place) == place
    for frame, expected in zip(frames, Local().shuffle(lazy, key, count), strict=True):
        assert_frame_equal(frame, expected.collect())
    for frame, bucket in zip(frames, buckets, strict=True):
        some = bucket.filter(pl.col("row") > 1).select("items").head(2)
        assert_frame_equal(some.collect(), frame.filter(pl.col("row") > 1).select("items").head(2))
    rows = engine.map_reduce(_count, lambda left, right: left + right, buckets)
    assert rows == len(whole)


def check_errors(engine: Engine) -> None:
    """What a task raises is raised by the engine, word by word; what cannot work is refused."""
    part = pl.LazyFrame({"x": [1]})

    def refuse(rows: pl.LazyFrame) -> int:
        raise SchemaError("column 'x'", received="int64", expected="strings", remedy=f"cast {rows.collect()}")

    error = _raised(SchemaError, lambda: engine.map_reduce(refuse, max, [part] * 9))
    expected = _raised(SchemaError, lambda: refuse(part))
    assert (str(error), vars(error)) == (str(expected), vars(expected))
    _raised(
        ZeroDivisionError, lambda: engine.map_reduce(lambda rows: 1 // (_count(rows) - 1), max, [part] * 3)
    )
    _raised(ZeroDivisionError, lambda: engine.map_reduce(_count, lambda x, y: x // (y - 1), [part] * 3))
    _raised(ArgumentError, lambda: engine.map_reduce(_count, max, []))
    _raised(ArgumentError, lambda: engine.shuffle([part], "x", 0))
    _raised(SchemaError, lambda: engine.shuffle([part], "y", 2))
    assert engine.map_reduce(_count, max, [part] * 3) == 1


def check_scratch(make: Callable[[Path], Engine], root: Path) -> None:
    """Temporary files lie in the declared directory, and go with the last that needs them.

    Args:
        make: an engine whose scratch directory is this one.
        root: an empty folder.
    """
    engine = make(root)
    part = pl.LazyFrame({"x": [1, 2, 3], "y": [4, 5, 6]})
    buckets = engine.shuffle([part], "x", 2)
    derived = buckets[0].select("y")
    folder = engine.scratch()
    assert root in folder.parents
    assert engine.scratch() != folder
    (folder / "spilled").write_text("")
    assert engine.memory > 0
    del engine, buckets
    gc.collect()
    assert not folder.exists()
    assert [entry.name[:18] for entry in root.iterdir()] == ["shortlist-scratch-"]
    assert derived.collect()["y"].is_in([4, 5, 6]).all()
    del derived
    gc.collect()
    assert list(root.iterdir()) == []


@contextmanager
def worker_processes(count: int = 2) -> Iterator[Any]:
    """A client of a Dask cluster of processes on this machine, which hear nobody else."""
    distributed = need("distributed", use="the conformance suite of engines")
    with (
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _numbered(parts: list[list[tuple[Any, ...]]]) -> list[pl.DataFrame]:
    firsts = accumulate((len(rows) for rows in parts), initial=0)
    return [
        pl.DataFrame([(first + n, *row) for n, row in enumerate(rows)], schema=_TYPES, orient="row")
        for first, rows in zip(firsts, parts, strict=False)
    ]


def _thirds(part: pl.LazyFrame) -> float:
    """A number whose sum depends on the order of the additions."""
    rows: list[int] = part.collect()["row"].to_list()
    return sum(row / 3 for row in rows) + 0.1


def _count(part: pl.LazyFrame) -> int:
    return part.collect().height


def _raised(kind: type[Exception], work: Callable[[], object]) -> Exception:
    """The error that the work ends with."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")
