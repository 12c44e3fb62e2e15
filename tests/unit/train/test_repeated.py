"""Queries that repeat in a batch are encoded once, and nothing else changes."""

import numpy as np
import pytest
import torch

from shortlist.data import Batch, Ragged
from shortlist.models.retrieval import TowerOptions, TwoTower
from shortlist.nn import MLP, MeanPooling
from shortlist.train import FitOptions, SampledSoftmax, _binding, fit
from shortlist.train._repeated import repeats

USERS = torch.tensor([4, 5, 4, 4]).repeat(100)


def test_rows_of_a_user_must_agree_in_every_column():
    ages, hours = torch.tensor([30.0, 20.0, 30.0, 30.0]).repeat(100), torch.tensor([1, 2, 1, 3]).repeat(100)
    batch = Batch({"user": USERS, "age": ages, "hour": hours})
    found = repeats(batch, ["user", "age"], USERS)
    assert found is not None
    assert USERS[found[0]][found[1]].tolist() == USERS.tolist()
    assert repeats(batch, ["user", "hour"], USERS) is None


def test_few_repeats_and_lists_are_left_alone():
    assert repeats(Batch({"user": torch.arange(200)}), ["user"], torch.arange(200)) is None
    lists = Ragged.trusted(torch.zeros(0, dtype=torch.int64), torch.zeros(401, dtype=torch.int64))
    assert repeats(Batch({"history": lists}), ["history"], USERS) is None


def test_training_goes_as_if_every_row_were_encoded(schema, train, monkeypatch):
    known = schema.without("history")
    rows = []

    def losses():
        model = TwoTower(known, dim=8, hidden=(8,))
        encode = model.encode_query
        monkeypatch.setattr(model, "encode_query", lambda batch: rows.append(len(batch)) or encode(batch))
        options = FitOptions(epochs=4, batch_size=1500, precision="float32")
        report = fit(model, train, SampledSoftmax(temperature=0.2), options=options)
        return [epoch.loss for epoch in report.epochs], model.encode_query(Batch({"user": np.arange(3, 83)}))

    once, vectors = losses()
    assert set(rows[:4]) == {128}  # 80 users in every batch, filled up
    monkeypatch.setattr(_binding, "repeats", lambda *_: None)
    rows.clear()
    every, expected = losses()
    assert set(rows[:4]) == {1500}
    assert once[0] == pytest.approx(every[0], rel=1e-6)
    # Adam takes a step of its own length where a gradient is nothing but rounding.
    assert once == pytest.approx(every, rel=1e-3)
    np.testing.assert_allclose(vectors, expected, atol=0.02)


def test_towers_that_drop_at_random_encode_every_row(schema):
    known = schema.without("history")
    alike = [
        TwoTower(known, dim=8, hidden=(8,), query=options).query.repeats_alike
        for options in (
            TowerOptions(),
            TowerOptions(id_dropout=1.0),
            TowerOptions(id_dropout=0.1),
            TowerOptions(dropout=0.1),
            TowerOptions(body=MLP(8, (8,))),
        )
    ]
    assert alike == [True, True, False, False, False]
    model = TwoTower(schema, dim=8, query=TowerOptions(history=MeanPooling()))
    assert not model.query.repeats_alike
