"""Lists keep their rows, their order and their meaning: from events to groups to tensors and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset, read_parquet
from shortlist.loader import Loader
from shortlist.models.retrieval import TwoTower
from shortlist.rng import generator
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import Column, Schema, Tags
from shortlist.train import FitOptions, SampledSoftmax, fit

SCHEMA = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("price", "float64", ("continuous",)),
        Column("kind", "string", ("event",)),
        Column("time", "int64", ("time",)),
    ]
)


def events(rows: int, parts: int) -> Dataset:
    """Views and sales of a dozen users in no order, every user in every partition."""
    rng = generator(3, "events")
    frame = pl.DataFrame(
        {
            "user": [f"u{user}" for user in rng.integers(0, 12, rows)],
            "item": rng.integers(0, 30, rows),
            "price": rng.integers(1, 9, rows).astype(float),
            "kind": np.array(["view", "view", "sale"])[rng.integers(0, 3, rows)].tolist(),
            "time": rng.permutation(rows),
        }
    )
    return Dataset.of([frame[part::parts] for part in range(parts)], SCHEMA)


def histories(rows: Sequence[Mapping[str, object]]) -> dict[object, list[object]]:
    """The items of each user in the order of time, one row after the other."""
    found: dict[object, list[object]] = {}
    for row in sorted(rows, key=lambda row: row["time"]):  # type: ignore[arg-type,return-value]
        found.setdefault(row["user"], []).append(row["item"])
    return found


@pytest.mark.parametrize(("where", "parts"), [("view", 1), ("sale", 5), ("neither", 2)])
def test_groups_of_filtered_rows_hold_what_the_filter_left_and_nothing_else(where: str, parts: int) -> None:
    """NVTabular#1886, #1767: Groupby after Filter gave lists of NaN, and the lists of other groups."""
    data = events(400, parts)
    flow = Workflow([
        ops.Groupby("user", lists=["item"], aggregates={"price": ("count", "sum")}),
        ops.Filter(pl.col("kind") == where),
        "user",
        "item_list" >> ops.ListSlice(1000),
        "price_count",
        "price_sum",
    ]).fit(data)  # fmt: skip
    out = flow.transform(data).collect()
    kept = [row for row in data.collect().to_dicts() if row["kind"] == where]
    assert dict(out.select("user", "item_list").iter_rows()) == histories(kept)
    assert out["item_list"].null_count() == out["item_list"].explode(empty_as_null=False).null_count() == 0
    assert out["price_count"].to_list() == out["item_list"].list.len().to_list()
    assert out["price_sum"].sum() == sum(row["price"] for row in kept)


def test_a_list_made_of_events_says_that_it_is_one_how_long_and_of_what(tmp_path: Path) -> None:
    """NVTabular#1556, #1763: Groupby set neither the tag nor the shape of the lists that it made."""
    data = events(200, 3)
    head = ops.Groupby("user", lists=["item", "price"], last=["item"], max_length=7)
    made = head.schema(data.schema)
    assert {name: made[name].shape.dims for name in ("user", "item_list", "price_list", "item_last")} == {
        "user": (-1,),
        "item_list": (-1, -1),
        "price_list": (-1, -1),
        "item_last": (-1,),
    }
    flow = Workflow([head, [["item_list", "item_last"]] >> ops.Categorify(), "user", "price_list"]).fit(data)
    for schema in (flow.schema, flow.write(data, tmp_path / "out").dataset.schema):
        codes, numbers = schema["item_list"], schema["price_list"]
        assert codes.has(Tags.SEQUENCE, Tags.CATEGORICAL, Tags.USER)
        assert numbers.has(Tags.SEQUENCE, Tags.CONTINUOUS, Tags.USER)
        assert codes.shape.kind == numbers.shape.kind == "list"
        assert codes.shape.size == numbers.shape.size == 7
        assert codes.domain == schema["item_last"].domain
        assert codes.dtype == "int64"
    assert flow.transform(data).collect()["item_list"].list.len().max() == 7


def test_lists_go_from_events_into_a_torch_model_under_their_own_names(tmp_path: Path) -> None:
    """Merlin#1077: the shipped PyTorch example failed on ``<name>__values`` and ``<name>__offsets``."""
    data = events(300, 2)
    flow = Workflow([
        ops.Groupby("user", lists=["item"], last=["item"], max_length=5),
        [["item_list", "item_last"]] >> ops.Categorify(),
        "user" >> ops.Categorify(),
    ]).fit(data)  # fmt: skip
    flow.write(data, tmp_path / "out")
    rows = read_parquet(tmp_path / "out")
    batch = next(iter(Loader(rows, flow.schema, batch_size=100, shuffle=False)))
    assert set(batch) == set(rows.schema.names) == {"user", "item_list", "item_last"}
    assert isinstance(batch["item_list"], Ragged)
    assert batch["item_list"].values.numel() == batch["item_list"].offsets[-1] == 12 * 5
    model = TwoTower(flow.schema, dim=8)
    objective = SampledSoftmax(negatives=InBatch() + Uniform(20))
    report = fit(model, rows, objective, options=FitOptions(epochs=30, batch_size=12, lr=0.05))
    assert report.epochs[-1].loss < 0.8 * report.epochs[0].loss
    assert model.encode_query(batch).shape == (12, 8)


def test_lists_come_back_as_lists_from_every_path_without_being_rebuilt_by_hand() -> None:
    """NVTabular#500: values and offsets had to be put together to lists by hand."""
    raw = [["b", "a", "b"], [], ["c"], [None, "a"]]
    data = Dataset.of(pl.DataFrame({"topics": raw}))
    flow = Workflow(["topics" >> ops.Categorify()]).fit(data)
    # Codes by count, ties by value: a and b twice, c once.
    codes = [[4, 3, 4], [], [5], [1, 3]]
    assert flow.transform(data).collect()["topics"].to_list() == codes
    batch = flow.transform_batch(Batch({"topics": Ragged.of(raw, dtype=object)}))
    assert batch["topics"].to_lists() == codes
    assert flow.decode("topics", batch["topics"]) == flow.decode("topics", codes) == raw
    assert flow.decode(flow.transform(data)).collect()["topics"].to_list() == raw


def test_rows_of_vectors_keep_every_dimension_and_lists_within_lists_are_refused(tmp_path: Path) -> None:
    """dataloader#104: nested lists lost their structure."""
    cube = np.arange(3 * 2 * 4, dtype=np.float32).reshape(3, 2, 4)
    data = Dataset.of(pl.DataFrame({"cube": cube, "flat": cube[:, 0], "user": ["a", "b", "a"]}))
    assert data.schema["cube"].shape.dims == (-1, 2, 4)
    flow = Workflow(["cube", "flat", "user" >> ops.Categorify()]).fit(data)
    batch = flow.transform_batch(Batch({"cube": cube, "flat": cube[:, 0]}))
    assert np.array_equal(batch["cube"], cube)
    for rows in (flow.transform(data), flow.write(data, tmp_path / "out").dataset):
        assert rows.schema["cube"].shape.dims == (-1, 2, 4)
        assert np.array_equal(rows.collect()["cube"].to_numpy(), cube)
        assert np.array_equal(rows.collect()["flat"].to_numpy(), cube[:, 0])
    with pytest.raises(SchemaError, match=r"shape \[B, 2, 4\]; received .*shape \(3, 8\)"):
        flow.transform_batch(Batch({"cube": cube.reshape(3, 8)}))
    with pytest.raises(SchemaError, match=r"column 'deep': expected numbers.*List"):
        Dataset.of(pl.DataFrame({"deep": [[[1, 2], [3]], [[4]]]}))


def test_padding_cuts_long_rows_and_takes_nothing_from_the_next_one() -> None:
    """Padding in Merlin's dataloader: rows longer than the size ran into the row after them."""
    rows = [[1, 2, 3, 4, 5], [6], []]
    assert Ragged.of(rows).padded(3).tolist() == [[3, 4, 5], [6, 0, 0], [0, 0, 0]]
    assert Ragged.of(rows).first_padded(3).tolist() == [[1, 2, 3], [6, 0, 0], [0, 0, 0]]
    data = Dataset.of(pl.DataFrame({"seen": rows}))
    for start, expected in ((3, [[1, 2, 3], [6, 0, 0], [0, 0, 0]]), (-3, [[3, 4, 5], [6, 0, 0], [0, 0, 0]])):
        flow = Workflow(["seen" >> ops.ListSlice(start, pad=True)]).fit(data)
        assert flow.transform(data).collect()["seen"].to_list() == expected
        assert flow.transform_batch(Batch({"seen": Ragged.of(rows)}))["seen"].to_lists() == expected
