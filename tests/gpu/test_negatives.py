"""Every kind of negatives on a CUDA device."""

import polars as pl
import pytest
import torch

from shortlist import losses
from shortlist.models.retrieval import TwoTower
from shortlist.rng import generator
from shortlist.samplers import (
    DeviceSampler,
    Hardest,
    InBatch,
    LogUniform,
    Mined,
    Population,
    Queue,
    Sampler,
    Uniform,
    Unigram,
)
from shortlist.schema import Column, Domain, Schema
from shortlist.train import Contrast, FitOptions, FullSoftmax, Learnable, SampledSoftmax, fit

pytestmark = pytest.mark.gpu

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 103)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 53)),
        Column("price", "float32", ("item", "continuous")),
    ]
)


def rows(count, seed):
    """Users take items of their own parity."""
    rng = generator(seed, "rows")
    user = rng.integers(0, 100, count)
    item = 2 * rng.integers(0, 25, count) + user % 2
    return pl.DataFrame({"user": user + 3, "item": item + 3, "price": (item / 50).astype("float32")})


@pytest.mark.parametrize(
    "objective",
    [
        SampledSoftmax(0.2, InBatch() + Unigram(32) + LogUniform(8)),
        SampledSoftmax(Learnable(0.2), InBatch() + Queue(2)),
        SampledSoftmax(0.2, InBatch() + Queue(2, cached=False)),
        SampledSoftmax(0.2, InBatch() + Hardest(4, Uniform(20), share=0.2)),
        SampledSoftmax(0.2, InBatch() + Mined(4, ranks=(2, 15), share=0.2)),
        FullSoftmax(0.2),
        Contrast(losses.bpr, Uniform(32) + Hardest(2, Uniform(20), share=0.2), temperature=0.2),
    ],
    ids=str,
)
def test_every_kind_learns_on_the_device(objective):
    model = TwoTower(SCHEMA, dim=8).to("cuda")
    report = fit(model, rows(3000, 0), objective, rows(300, 1), FitOptions(epochs=3, batch_size=256, lr=0.02))
    assert report.epochs[-1].loss < report.epochs[0].loss


def test_the_columns_of_a_batch_are_those_of_the_processor():
    frame = rows(500, 0)
    users, items = frame["user"].to_numpy(), frame["item"].to_numpy()
    log = Population.from_log(users, items, users_total=103, items_total=53)
    batch = torch.from_numpy(items[:64].copy()), torch.from_numpy(users[:64].copy())
    here = Sampler(InBatch(), log, seed=0).sample(*batch)
    there = DeviceSampler(InBatch(), log, seed=0, device="cuda").sample(*(part.cuda() for part in batch))
    assert there.codes.is_cuda
    for one, other in zip((*here[:5], *here.exclude), (*there[:5], *there.exclude), strict=True):
        assert torch.allclose(one, other.cpu())
