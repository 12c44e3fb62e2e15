from datetime import datetime
from itertools import chain, pairwise

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.errors import ArgumentError, CheckpointError, SchemaError
from shortlist.io import Dataset
from shortlist.loader import Loader, Loading, Table, cut, take
from shortlist.schema import LIST, Column, Domain, Schema

SCHEMA = Schema(
    [
        Column("item", "int64", ("item", "id"), domain=Domain("item", 1000)),
        Column("price", "float32", ("item", "continuous")),
        Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 1000)),
        Column("time", "datetime", ("time",)),
        Column("click", "bool", ("target", "binary")),
    ]
)


def _frame(start, stop):
    rows = range(start, stop)
    return pl.DataFrame(
        {
            "item": list(rows),
            "price": [row / 2 for row in rows],
            "history": [list(range(row % 4)) for row in rows],
            "time": [datetime(1970, 1, 1, 0, 0, 0, row) for row in rows],
            "click": [row % 2 == 0 for row in rows],
        },
        schema={
            "item": pl.Int64,
            "price": pl.Float32,
            "history": pl.List(pl.Int64),
            "time": pl.Datetime("us"),
            "click": pl.Boolean,
        },
    )


def _loader(sizes, **options):
    ends = np.cumsum([0, *sizes])
    frames = [_frame(int(a), int(b)) for a, b in pairwise(ends)]
    return Loader(Dataset.of(frames, SCHEMA), SCHEMA, **{"batch_size": 7, **options})


def _items(loader):
    return [batch["item"].tolist() for batch in loader]


def test_columns_become_tensors_of_their_kind():
    loader = _loader([6], batch_size=6, shuffle=False)
    (batch,) = list(loader)
    assert batch["item"].tolist() == [0, 1, 2, 3, 4, 5]
    assert batch["price"].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert batch["history"].values.tolist() == [0, 0, 1, 0, 1, 2, 0]
    assert batch["history"].offsets.tolist() == [0, 0, 1, 3, 6, 6, 7]
    assert batch["time"].tolist() == [0, 1, 2, 3, 4, 5]
    assert batch["click"].tolist() == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    types = [batch[name].dtype for name in ("item", "price", "time", "click")]
    assert types == [torch.int64, torch.float32, torch.int64, torch.float32]


@pytest.mark.parametrize("memory_bytes", [1, 2000, 2**30])
@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_gives_every_row_once(memory_bytes, shuffle):
    loader = _loader([5, 0, 23, 1, 11], loading=Loading(memory_bytes), shuffle=shuffle)
    for _ in range(2):
        batches = _items(loader)
        assert [len(batch) for batch in batches] == [7, 7, 7, 7, 7, 5]
        rows = list(chain(*batches))
        assert sorted(rows) == list(range(40))
        assert shuffle == (rows != list(range(40)))
    assert len(loader) == 6


@pytest.mark.parametrize("memory_bytes", [1, 2**30])
def test_rows_of_a_list_column_stay_with_their_row(memory_bytes):
    for batch in _loader([9, 30], loading=Loading(memory_bytes)):
        lengths = batch["history"].offsets.diff()
        assert lengths.tolist() == [item % 4 for item in batch["item"].tolist()]


def test_order_depends_on_seed_and_epoch_only():
    first, second = _loader([20, 20], seed=1), _loader([20, 20], seed=1)
    one, two = _items(first), _items(first)
    assert one != two
    assert [_items(second), _items(second)] == [one, two]
    assert _items(_loader([20, 20], seed=2)) != one


@pytest.mark.parametrize("memory_bytes", [1, 1000, 2**30])
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_resumes_at_the_exact_batch(memory_bytes, stop):
    whole = _loader([5, 23, 1, 11], loading=Loading(memory_bytes))
    expected = [*_items(whole), *_items(whole)]
    loader = _loader([5, 23, 1, 11], loading=Loading(memory_bytes))
    rows = iter(loader)
    seen = [next(rows)["item"].tolist() for _ in range(stop)]
    resumed = _loader([5, 23, 1, 11], loading=Loading(memory_bytes))
    resumed.load_state_dict(loader.state_dict())
    assert [*seen, *_items(resumed), *_items(resumed)] == expected
    assert resumed.epoch == 2


def test_a_state_of_other_data_or_options_is_refused():
    state = _loader([20]).state_dict()
    for other, message in ((_loader([21]), "rows 21"), (_loader([20], batch_size=3), "batch_size 3")):
        with pytest.raises(CheckpointError, match=message):
            other.load_state_dict(state)


def test_rows_are_filtered_and_none_is_fine():
    assert _loader([20], where=pl.col("item") >= 15).rows == 5
    empty = _loader([20], where=pl.col("item") < 0)
    assert _items(empty) == []
    assert _items(_loader([0])) == []


def test_tables_come_in_the_order_of_the_data():
    for memory_bytes, count in ((1, 3), (2**30, 1)):
        tables = list(_loader([5, 8, 2], loading=Loading(memory_bytes)).tables())
        assert len(tables) == count
        assert Table.concat(tables)["item"].tolist() == list(range(15))


@pytest.mark.parametrize("memory_bytes", [1, 700])
def test_rows_kept_on_disk_are_those_that_are_made_again(tmp_path, memory_bytes):
    made = []
    parts = [5, 8, 0, 30]
    again, kept = (
        _loader(parts, batch_size=4, loading=Loading(memory_bytes, scratch))
        for scratch in (None, tmp_path / "scratch")
    )
    read = Loader._make

    def counted(self, number):
        made.append(self._loading.scratch is not None)
        return read(self, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "_make", counted)
        for _ in range(3):
            for whole, part in zip(again, kept, strict=True):
                assert torch.equal(whole["item"], part["item"])
                assert torch.equal(whole["price"], part["price"])
                assert torch.equal(whole["history"].values, part["history"].values)
                assert torch.equal(whole["history"].offsets, part["history"].offsets)
        assert Table.concat(list(kept.tables()))["item"].tolist() == list(range(43))
    # Without a scratch folder every epoch makes every partition; with one, once, or twice where the first
    # ones had fitted.
    assert made.count(True) <= 2 * len(parts) < made.count(False)
    assert len(list((tmp_path / "scratch").iterdir())) == 1
    del kept
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_batch_mixes_as_well_as_is_documented():
    parts, rows, together = 60, 16, 10
    whole = _loader([rows] * parts).rows
    nbytes = Table.of(_frame(0, rows), SCHEMA).nbytes
    loader = _loader([rows] * parts, batch_size=rows, loading=Loading(together * nbytes))
    means = [batch["item"].double().mean().item() / rows for _ in range(8) for batch in loader]
    assert len(means) == 8 * whole // rows
    assert np.std(means) == pytest.approx(parts / np.sqrt(12 * together), rel=0.25)


def test_wrong_sizes_of_memory_are_refused():
    with pytest.raises(ArgumentError, match=r"Loading\.memory_bytes"):
        Loading(0)


@pytest.mark.parametrize("memory_bytes", [1, 2**30])
@pytest.mark.parametrize("world", [2, 3, 5])
def test_processes_together_give_every_batch_of_one(memory_bytes, world):
    alone = list(_loader([5, 8, 2], batch_size=4, loading=Loading(memory_bytes)))
    loaders = [_loader([5, 8, 2], batch_size=4, loading=Loading(memory_bytes)) for _ in range(world)]
    for rank, loader in enumerate(loaders):
        loader.shard(rank, world)
    for whole, parts in zip(alone, zip(*loaders, strict=True), strict=True):
        items = [part["item"] for part in parts]
        assert torch.equal(torch.cat(items), whole["item"])
        assert max(map(len, items)) - min(map(len, items)) <= 1
        values = torch.cat([part["history"].values for part in parts])
        assert torch.equal(values, whole["history"].values)


def test_a_process_that_is_not_there_is_refused():
    with pytest.raises(ArgumentError, match="rank 2 of 2"):
        _loader([3]).shard(2, 2)


@pytest.mark.parametrize(("rows", "pieces", "lengths"), [(6, 4, [1, 2, 1, 2]), (2, 3, [1, 1]), (0, 3, [0])])
def test_a_batch_is_cut_into_runs_of_its_rows(rows, pieces, lengths):
    batch = Table.of(_frame(0, rows), SCHEMA).batch()
    parts = cut(batch, pieces)
    assert [len(part) for part in parts] == lengths
    assert torch.equal(torch.cat([part["price"] for part in parts]), batch["price"])
    start = 0
    for part in parts:
        assert part["history"].offsets[0] == 0
        expected = take(batch, ["history"], np.arange(start, start + len(part)))["history"]
        assert torch.equal(part["history"].values, expected.values)
        assert torch.equal(part["history"].offsets, expected.offsets)
        start += len(part)


def test_table_selects_and_takes():
    table = Table.of(_frame(0, 6), SCHEMA)
    small = table.select(["price", "history"]).take(np.array([5, 1]))
    assert small.batch()["price"].tolist() == [2.5, 0.5]
    assert small.lists["history"].to_lists() == [[0], [0]]
    assert "item" not in small
    assert "history" in small
    assert small.nbytes == 2 * 4 + 2 * 4 + 3 * 8
    with pytest.raises(KeyError):
        small["item"]


def test_rows_of_a_batch_of_tensors():
    batch = Table.of(_frame(0, 6), SCHEMA).batch()
    part = take(batch, ["item", "history"], np.array([3, 0, 3]))
    assert part["item"].tolist() == [3, 0, 3]
    assert part["history"].values.tolist() == [0, 1, 2, 0, 1, 2]
    assert part["history"].offsets.tolist() == [0, 3, 3, 6]


def test_lists_may_be_null_empty_or_sliced():
    schema = SCHEMA.select(["history"])
    frame = pl.DataFrame({"history": [[9], [1, 2], None, [], [3]]}).slice(1)
    assert Table.of(frame, schema).lists["history"].to_lists() == [[1, 2], [], [], [3]]
    nothing = pl.DataFrame({"history": [[], []]})
    assert Table.of(nothing, schema).lists["history"].to_lists() == [[], []]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("item", ["a"], "type String"),
        ("item", [1.5], "type Float64"),
        ("item", [None, 1], "1 nulls"),
        ("item", [1000], "codes from 0 to 999"),
        ("item", [-1], "from -1"),
        ("price", [float("nan")], "1 NaN"),
        ("price", [None, 1.0], "FillMissing"),
        ("history", [3], "lists of codes"),
        ("history", [["a"]], "lists of codes"),
        ("history", [[None, 2]], "nulls inside lists"),
        ("history", [[1000]], "codes from 0 to 999"),
    ],
)
def test_wrong_values_are_refused(column, values, message):
    with pytest.raises(SchemaError, match=message):
        Table.of(pl.DataFrame({column: values}), SCHEMA.select([column]))


def test_missing_columns_and_wrong_options_are_refused():
    with pytest.raises(SchemaError, match="price"):
        list(Loader(pl.DataFrame({"item": [1]}), SCHEMA))
    with pytest.raises(ArgumentError, match="batch_size"):
        _loader([3], batch_size=0)
