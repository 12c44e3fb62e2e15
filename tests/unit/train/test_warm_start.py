"""Yesterday's rows by value in today's tables."""

import numpy as np
import polars as pl
import pytest
import torch

import shortlist as sl
from shortlist import ops
from shortlist.errors import ArgumentError, CheckpointError
from shortlist.io import Dataset
from shortlist.models.retrieval import TableOptions, TwoTower
from shortlist.rng import generator
from shortlist.schema import Column, Schema
from shortlist.train import Checkpoints, FitOptions, Optimization, fit, load_weights, warm_start

RAW = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "string", ("item", "id")),
        Column("hour", "int64", ("context", "categorical")),
    ]
)


def day(first, last, seed=0):
    """Events of items first..last; the later an item, the more often it is taken."""
    rng = generator(seed, "day")
    items = np.repeat(np.arange(first, last), np.arange(1, last - first + 1))
    users = rng.integers(0, 9, len(items))
    return Dataset.of(
        pl.DataFrame(
            {
                "user": [f"u{one}" for one in users],
                "item": [f"i{one}" for one in items],
                "hour": rng.integers(0, 24, len(items)),
            }
        ),
        RAW,
    )


def flow_of(rows):
    branches = [["user", "item"] >> ops.Categorify(), "hour" >> ops.Categorify()]
    return sl.Workflow(branches).fit(rows)


@pytest.fixture(scope="module")
def days():
    """Items 0 to 29 yesterday and 10 to 39 today, in another order of codes."""
    old, new = day(0, 30), day(10, 40, seed=1)
    return (old, flow_of(old)), (new, flow_of(new))


def rows_by_value(model, flow, column):
    """Value -> its row of the table."""
    tables = model.tables
    start = tables.starts[column]
    known = flow.vocabulary(column)
    return {
        value: tables.weight[start + code].detach().clone()
        for code, value in zip(known["code"].to_list(), known["value"].to_list(), strict=True)
    }


@pytest.mark.parametrize("fresh", ["initial", "unknown", "mean"])
def test_rows_are_kept_by_value_and_new_ones_start_as_told(days, fresh):
    (_, old_flow), (_, flow) = days
    old = TwoTower(old_flow.schema, dim=4, seed=1)
    model, untouched = (TwoTower(flow.schema, dim=4, seed=2) for _ in range(2))
    start = warm_start(model, old, flow, old_flow, fresh=fresh)
    before, after = (rows_by_value(one, of, "item") for one, of in ((old, old_flow), (model, flow)))
    initial = rows_by_value(untouched, flow, "item")
    begin = old.tables.starts["item"]
    unknown = old.tables.weight[begin + 2]
    kept = [f"i{item}" for item in range(10, 30)]
    assert all(torch.equal(after[value], before[value]) for value in kept)
    assert flow.vocabulary("item")["value"].to_list() != old_flow.vocabulary("item")["value"].to_list()
    mean = torch.stack([before[value] for value in flow.vocabulary("item")["value"] if value in before]).mean(
        0
    )
    for value in (f"i{item}" for item in range(30, 40)):
        wanted = {"initial": initial[value], "unknown": unknown, "mean": mean}[fresh]
        torch.testing.assert_close(after[value], wanted)
    assert torch.equal(model.tables.weight[model.tables.starts["item"] + 2], unknown)
    # 3 special rows and 20 items of 30; ten are new, ten are gone.
    assert start.tables["item"] == (23, 10, 10)
    assert "item: 23 rows kept, 10 new, 10 gone" in str(start)
    assert not model.tables.weight[model.tables.starts["item"]].any()


def test_other_parameters_are_kept_and_other_shapes_named(days):
    (_, old_flow), (_, flow) = days
    old, model = (
        TwoTower(old_flow.schema, dim=4, hidden=(8,), seed=1),
        TwoTower(flow.schema, dim=4, hidden=(6,)),
    )
    start = warm_start(model, old, flow, old_flow)
    assert "item.body.2.bias" in start.kept
    assert "item.body.0.weight" in start.fresh
    assert "not carried over: " in str(start)
    assert torch.equal(model.item.body[2].bias, old.item.body[2].bias)


def test_tables_of_another_width_begin_anew(days):
    (_, old_flow), (_, flow) = days
    old = TwoTower(old_flow.schema, dim=4, tables=TableOptions(widths={"user": 2}))
    model = TwoTower(flow.schema, dim=4, tables=TableOptions(widths={"hour": 2}))
    start = warm_start(model, old, flow, old_flow)
    assert set(start.tables) == {"item"}
    assert {"user", "hour"} <= set(start.fresh)


def test_a_warm_start_learns_faster_and_carries_the_optimizer(days, tmp_path):
    (rows, old_flow), (new, flow) = days
    chosen = {"epochs": 3, "batch_size": 128, "lr": 0.05, "precision": "float32"}
    old = TwoTower(old_flow.schema, dim=4)
    options = FitOptions(checkpoint=Checkpoints(tmp_path), **chosen)
    fit(old, old_flow.transform(rows), options=options)
    same = TwoTower(old_flow.schema, dim=4, seed=9)
    load_weights(same, tmp_path)
    assert torch.equal(same.tables.weight, old.tables.weight)

    def first_loss(start_with):
        model = TwoTower(flow.schema, dim=4)
        start = warm_start(model, old, flow, old_flow, optimizer=tmp_path) if start_with else None
        chosen_start = start if start_with == "all" else None
        one = FitOptions(**{**chosen, "epochs": 1}, start=chosen_start)
        return fit(model, flow.transform(new), options=one).epochs[0].loss, start

    (cold, _), (weights, _), (everything, start) = map(first_loss, ("", "weights", "all"))
    assert weights < cold
    assert everything != weights
    steps = start.optimizer["tables.weight:steps"]
    model = TwoTower(flow.schema, dim=4)
    begin = model.tables.starts["item"]
    known = flow.vocabulary("item")
    for code, value in zip(known["code"], known["value"], strict=True):
        assert (steps[begin + code] > 0) == (int(value[1:]) < 30)


def test_what_does_not_belong_is_refused(days, tmp_path):
    (rows, old_flow), (_, flow) = days
    old, model = TwoTower(old_flow.schema, dim=4), TwoTower(flow.schema, dim=4)
    with pytest.raises(ArgumentError, match=r"table 'item'.*codes of the workflows"):
        warm_start(model, old, flow, flow_of(day(0, 20)))
    with pytest.raises(ArgumentError, match="fresh"):
        warm_start(model, old, flow, old_flow, fresh="zero")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_weights(model, tmp_path)
    fit(old, old_flow.transform(rows), options=FitOptions(epochs=1, checkpoint=Checkpoints(tmp_path)))
    start = warm_start(model, old, flow, old_flow, optimizer=tmp_path)
    other = FitOptions(epochs=1, start=start, optimization=Optimization(tables="adagrad"))
    with pytest.raises(CheckpointError, match=r"optimizer state of 'tables\.weight'"):
        fit(model, flow.transform(rows), options=other)


def test_weights_of_an_average_are_loaded_as_they_were_kept(days, tmp_path):
    (rows, flow), _ = days
    model, again = TwoTower(flow.schema, dim=4), TwoTower(flow.schema, dim=4, seed=5)
    chosen = Optimization(ema=0.9)
    options = FitOptions(epochs=2, batch_size=128, optimization=chosen, checkpoint=Checkpoints(tmp_path))
    fit(model, flow.transform(rows), options=options)
    load_weights(again, tmp_path)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
