from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
import torch

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models.retrieval import TableOptions, YouTubeDNN
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.testing._models import RETRIEVAL_CHECKS, random_batch, tensors

USER = Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12))
SEEN = Column("seen", "int64", ("user", "sequence"), LIST, Domain("item", 20))
HOUR = Column("hour", "int64", ("context", "categorical"), domain=Domain("hour", 27))
AGE = Column("example_age", "float32", ("training", "continuous"))
ITEM = Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20))
SCHEMA = Schema([USER, SEEN, HOUR, AGE, ITEM])
DENSE = TableOptions(own_histories=True, sparse=False)
# Without a column of ages, which the suite does not give in training.
PLAIN = SCHEMA.without("example_age")


@pytest.mark.parametrize("check", RETRIEVAL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("normalize", [False, True])
def test_conformance(check, normalize):
    check(lambda seed: YouTubeDNN(PLAIN, dim=6, hidden=(8,), tables=DENSE, normalize=normalize, seed=seed))


def test_the_age_is_read_in_training_and_zero_when_serving():
    model = YouTubeDNN(SCHEMA, dim=6, hidden=(8,))
    rows = tensors(random_batch(model.query_schema, 5))
    aged = [rows.with_columns({"example_age": torch.full((5,), age)}) for age in (0.0, 0.49)]
    model.train()
    new, old = (model.encode_query(batch) for batch in aged)
    assert not torch.allclose(new, old)
    with pytest.raises(SchemaError, match="example_age"):
        model.encode_query(rows)
    model.eval()
    served = model.encode_query(rows)
    torch.testing.assert_close(served, new)
    torch.testing.assert_close(model.encode_query(aged[1]), new)
    np.testing.assert_allclose(
        model.encode_query(random_batch(model.query_schema, 5)), new.detach(), atol=1e-6
    )
    assert model.query.inputs.names == ("seen", "hour")


def test_the_age_enters_as_itself_its_square_and_its_root():
    model = YouTubeDNN(Schema([SEEN, AGE, ITEM]), dim=1, hidden=())
    with torch.no_grad():
        model.query.tower.body[0].weight.copy_(torch.tensor([[0.0, 1.0, 10.0, 100.0]]))
    batch = Batch({"seen": Ragged.of([[3]]), "example_age": np.array([0.25], dtype=np.float32)})
    model.train()
    assert model.encode_query(tensors(batch)).item() == pytest.approx(0.25 + 10 * 0.0625 + 100 * 0.5)


def test_users_are_no_input_and_histories_have_their_own_table():
    model = YouTubeDNN(SCHEMA, dim=6)
    assert model.query_schema.names == ("seen", "hour")
    assert model.tables.rows == {"hour": 27, "item": 20, "item_history": 20}
    shared = YouTubeDNN(SCHEMA, dim=6, tables=TableOptions())
    assert shared.tables.rows == {"item": 20, "hour": 27}


def test_what_cannot_be_built():
    with pytest.raises(ArgumentError, match=r"YouTubeDNN\.dim"):
        YouTubeDNN(SCHEMA, dim=0)
    with pytest.raises(SchemaError, match="at least one USER"):
        YouTubeDNN(Schema([USER, ITEM]))


def watched() -> sl.Dataset:
    start = datetime(2024, 1, 1)
    rows = [
        (user, (user + step) % 30, start + timedelta(hours=step))
        for user in range(40)
        for step in range(5 + user % 8)
    ]
    frame = pl.DataFrame(rows, schema=["user", "item", "time"], orient="row")
    return sl.scan(frame, roles={"user": "user", "item": "item", "time": "time"})


def test_it_learns_from_as_many_examples_of_every_user_with_histories_of_the_whole_log():
    log = watched()
    flow = sl.Workflow(
        [
            tags.any("id") >> ops.Categorify(),
            ops.History("item", max_length=20) >> ops.Categorify(like="item"),
            "time" >> ops.ExampleAge(),
        ]
    ).fit(log)
    rows = sl.split.examples_per_user(flow.transform(log), 5, seed=1)
    taken = rows.collect()
    assert taken.group_by("user").len()["len"].to_list() == [5] * 40
    # Targets come after their inputs: the list holds what was before the row, so never the row's own item.
    assert not any(item in seen for item, seen in taken.select("item", "item_history").iter_rows())
    assert taken["item_history"].list.len().max() == 4 + 7
    model = sl.YouTubeDNN(flow.schema, dim=8, hidden=(16,))
    report = sl.fit(
        model,
        rows,
        sl.SampledSoftmax(temperature=1.0),
        options=sl.FitOptions(epochs=30, batch_size=100, lr=0.03),
    )
    assert report.epochs[-1].loss < report.epochs[0].loss - 1.0
    newest = Batch({"item_history": Ragged.of([[5, 6]])})
    assert model.encode_query(newest).shape == (1, 8)
