from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset
from shortlist.models.ranking import DCN, CrossOptions, RankerOptions
from shortlist.rng import generator
from shortlist.schema import Column, Domain, Schema
from shortlist.train import BinaryCrossEntropy, Checkpoints, FitOptions, Optimization, fit

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 23)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 23)),
        Column("x", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
GOLDEN = Path(__file__).parents[2] / "golden" / "dcn_loss.txt"
OPTIONS = FitOptions(epochs=8, batch_size=256, lr=0.05, optimization=Optimization(dense_lr=0.01))


def _rows(count, seed):
    """A click happens where the parities agree; x says nothing."""
    rng = generator(seed, "clicks")
    user, item = rng.integers(3, 23, count), rng.integers(3, 23, count)
    click = (user + item) % 2 == 0
    x = rng.normal(size=count).astype(np.float32)
    return pl.DataFrame({"user": user, "item": item, "x": x, "click": click.astype(np.float32)})


@pytest.mark.parametrize("structure", ["parallel", "stacked"])
@pytest.mark.parametrize("sparse", [True, False])
def test_the_ranker_finds_the_planted_cross(structure, sparse):
    model = DCN(
        SCHEMA,
        dim=4,
        hidden=(16,),
        layers=2,
        cross=CrossOptions(structure=structure),
        options=RankerOptions(sparse=sparse),
    )
    report = fit(model, _rows(3000, 0), valid=_rows(500, 1), options=OPTIONS)
    assert report.best_metric > 0.95
    assert report.metric == "auc"
    assert report.protocol == "500 labelled rows, target 'click'"


def test_loss_curve_is_the_golden_one_and_resume_equals_its_tail(tmp_path):
    golden = [line.split() for line in GOLDEN.read_text().splitlines()]

    def run(epochs):
        model = DCN(SCHEMA, dim=4, hidden=(16,), dropout=0.2)
        chosen = Optimization(dense_lr=0.01, clip=1.0)
        options = FitOptions(
            epochs=epochs,
            batch_size=256,
            lr=0.02,
            precision="float32",
            optimization=chosen,
            checkpoint=Checkpoints(tmp_path),
        )
        return fit(model, _rows(3000, 0), valid=_rows(500, 1), options=options)

    run(2)
    for row, (epoch, loss, metric) in zip(run(4).epochs, golden, strict=True):
        assert row.epoch == int(epoch)
        assert row.loss == pytest.approx(float(loss), abs=2e-4)
        assert row.metric == pytest.approx(float(metric), abs=5e-3)


def test_lower_logloss_is_better():
    report = fit(
        DCN(SCHEMA, dim=4, hidden=(16,)),
        _rows(3000, 0),
        BinaryCrossEntropy(),
        _rows(500, 1),
        FitOptions(epochs=4, batch_size=256, lr=0.05, metric="logloss"),
    )
    assert report.best_metric == min(row.metric for row in report.epochs)


def test_several_targets_add_up_and_weights_scale():
    both = SCHEMA.merge(
        [Column("buy", "float32", ("target", "binary")), Column("weight", "float32", ("weight",))]
    )
    rows = _rows(400, 0).with_columns(buy=pl.col("click"), weight=pl.lit(1.0, pl.Float32))
    options = FitOptions(epochs=1, batch_size=400)
    model = DCN(both, hidden=(8,))
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
    report = fit(model, Dataset.of(rows, both), options=options)
    # Logits of zero lose ln 2 a target.
    assert report.epochs[0].loss == pytest.approx(2 * np.log(2), rel=1e-5)
    uneven = rows.with_columns(weight=pl.when(pl.col("user") < 9).then(-3.0).otherwise(0.5).cast(pl.Float32))
    losses = [
        fit(DCN(both, hidden=(8,)), Dataset.of(data, both), options=options).epochs[0].loss
        for data in (rows, uneven)
    ]
    assert losses[0] != losses[1]


def test_bad_data_and_options_are_refused():
    model = DCN(SCHEMA, hidden=(8,))
    with pytest.raises(DataError, match=r"fit\.train"):
        fit(model, _rows(0, 0))
    with pytest.raises(DataError, match=r"fit\.valid"):
        fit(model, _rows(10, 0), valid=_rows(0, 0))
    with pytest.raises(ArgumentError, match="auc"):
        fit(model, _rows(10, 0), options=FitOptions(metric="ndcg@10"))
    endless = _rows(10, 1).with_columns(x=pl.lit(float("inf"), pl.Float32))
    with pytest.raises(DataError, match="not finite"):
        fit(model, _rows(10, 0), valid=endless, options=FitOptions(epochs=1))
