"""Training on a CUDA device, with nothing but the model moved there."""

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.models.ranking import DCN
from shortlist.models.retrieval import TwoTower
from shortlist.rng import generator
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.train import Checkpoints, FitOptions, Optimization, SampledSoftmax, fit

pytestmark = pytest.mark.gpu

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 103)),
        Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 53)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 53)),
        Column("price", "float32", ("item", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
TOWERS = SCHEMA.without("click")


def rows(count, seed):
    """Users take items of their own parity, and click on most of the cheap ones."""
    rng = generator(seed, "rows")
    user = rng.integers(0, 100, count)
    item = 2 * rng.integers(0, 25, count) + user % 2
    return pl.DataFrame(
        {
            "user": user + 3,
            "history": pl.Series([[3 + int(one) % 2] for one in user], dtype=pl.List(pl.Int64)),
            "item": item + 3,
            "price": (item / 50).astype("float32"),
            "click": (item / 50 + rng.normal(0, 0.1, count) < 0.5).astype("float32"),
        }
    )


def options(**more):
    chosen = Optimization(clip=1.0, clip_rows=1.0, ema=0.9, accumulate=2, schedule="cosine")
    return FitOptions(epochs=4, batch_size=512, lr=0.02, optimization=chosen, **more)


def test_towers_learn_and_agree_with_the_processor():
    reports = []
    for device in ("cpu", "cuda"):
        model = TwoTower(TOWERS, dim=8, hidden=(16,)).to(device)
        objective = SampledSoftmax(temperature=0.2, negatives=InBatch() + Uniform(32))
        chosen = options(precision="float32")
        data, valid = rows(4000, 0).drop("click"), rows(500, 1).drop("click")
        reports.append(fit(model, data, objective, valid, chosen))
    for one, other in zip(*(report.epochs for report in reports), strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-2)
    assert reports[1].epochs[-1].loss < reports[1].epochs[0].loss


def test_the_ranker_learns_in_bfloat16():
    model = DCN(SCHEMA, dim=8, hidden=(16,)).to("cuda")
    report = fit(model, rows(4000, 0), valid=rows(500, 1), options=options(precision="bfloat16"))
    assert report.best_metric > 0.9


def test_a_run_on_the_device_resumes(tmp_path):
    states = []
    for epochs in ((4,), (2, 4)):
        folder = tmp_path / str(len(epochs))
        for last in epochs:
            model = TwoTower(TOWERS, dim=8).to("cuda")
            chosen = FitOptions(epochs=last, batch_size=512, checkpoint=Checkpoints(folder))
            fit(model, rows(4000, 0).drop("click"), options=chosen)
        states.append(model.tables.weight.detach().cpu().numpy())
    np.testing.assert_allclose(states[0], states[1], atol=1e-5)


def test_a_loss_that_is_not_finite_is_found():
    model = DCN(SCHEMA, dim=8, hidden=(16,)).to("cuda")
    with torch.no_grad():
        model.cross.layers[0].weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="a loss of nan"):
        fit(model, rows(4000, 0), options=options())
