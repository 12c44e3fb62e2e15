"""Every kind of tower exports, and what was exported gives what the live one gives."""

import numpy as np
import pytest

from shortlist.data import Ragged
from shortlist.export import export_encoder
from shortlist.export._parity import random_batch
from shortlist.models.retrieval import MF, TableOptions, TowerOptions, TwoTower, YouTubeDNN
from shortlist.nn import (
    MLP,
    AttentionPooling,
    HSTUEncoder,
    LiGREncoder,
    RecencyPooling,
    RecurrentEncoder,
    SumPooling,
    TransformerEncoder,
)
from shortlist.runtime import load_encoder
from shortlist.schema import LIST, Column, Domain, Schema, Shape

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 40)),
        Column("age", "float32", ("user", "continuous")),
        Column("taste", "float32", ("user", "embedding"), Shape("vector", 3)),
        Column("history", "int64", ("user", "sequence"), Shape("list", 13), Domain("item", 90)),
        Column("wished", "int64", ("user", "sequence"), Shape("list", 13), Domain("item", 90)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 90)),
        Column("parts", "int64", ("item", "sequence"), Shape("list", 13), Domain("item", 90)),
        Column("genres", "int64", ("item", "categorical"), LIST, Domain("genre", 7)),
        Column("price", "float32", ("item", "continuous")),
        Column("example_age", "float32", ("training", "continuous")),
    ]
)
DIM = 8


def encoded(*encoders):
    history, wished, parts = encoders
    query = TowerOptions(history={"history": history, "wished": wished})
    return TwoTower(SCHEMA, dim=DIM, query=query, item=TowerOptions(history={"parts": parts}))


MODELS = {
    "sum, recency, attention": lambda: encoded(
        SumPooling(), RecencyPooling(5), AttentionPooling(DIM, hidden=5)
    ),
    "gru, transformer, lstm": lambda: encoded(
        RecurrentEncoder(DIM),
        TransformerEncoder(DIM, max_length=9, blocks=1),
        RecurrentEncoder(DIM, cell="lstm"),
    ),
    "ligr, hstu": lambda: encoded(
        LiGREncoder(DIM, max_length=9, blocks=1), HSTUEncoder(DIM, max_length=9, blocks=1), SumPooling()
    ),
    "residual, cross, widths": lambda: TwoTower(
        SCHEMA,
        dim=DIM,
        query=TowerOptions(hidden=(16,), residual=True, id_dropout=0.5),
        item=TowerOptions(hidden=(12,), cross=2, id_dropout=0.5),
        tables=TableOptions(widths={"user": 3, "genre": 2}, own_histories=True),
    ),
    "body": lambda: TwoTower(
        SCHEMA,
        dim=DIM,
        normalize=False,
        item=TowerOptions(body=MLP(25, (9, DIM)), history={"genres": AttentionPooling(DIM)}),
        tables=TableOptions(widths="by size"),
    ),
    "mf": lambda: MF(SCHEMA, factors=DIM - 2),
    "youtube": lambda: YouTubeDNN(SCHEMA, dim=DIM, hidden=(16,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_towers_are_equal_at_every_size(tmp_path, name):
    live = MODELS[name]()
    part = export_encoder(live, tmp_path / "part")
    assert part.parity <= 1e-5
    served = load_encoder(tmp_path / "part")
    for rows, length in ((0, 0), (1, 0), (5, 1), (5, 13)):
        batch = random_batch(SCHEMA, rows, np.random.default_rng(rows))
        lists = Ragged.of([range(2, 2 + length)] * rows, np.int64)
        batch = batch.with_columns(dict.fromkeys(("history", "wished", "parts"), lists))
        for side in ("encode_query", "encode_item"):
            expected = getattr(live, side)(batch)
            assert expected.shape == (rows, DIM)
            np.testing.assert_allclose(getattr(served, side)(batch), expected, rtol=0, atol=1e-5)
