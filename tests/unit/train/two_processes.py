"""Runs of training, by one process or several: what each process saw is written to a folder.

Run by test_ranks.py: python two_processes.py FOLDER CASE..., or CASE:EPOCH to die after an epoch.
"""

import json
import os
import sys
from pathlib import Path

import polars as pl
import torch
import torch.distributed as dist
from safetensors.torch import save_file

from shortlist.io import Dataset
from shortlist.models.ranking import DCN
from shortlist.models.retrieval import TableOptions, TwoTower
from shortlist.rng import generator
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.train import Checkpoints, FitOptions, Optimization, SampledSoftmax, fit

USERS, ITEMS = 60, 40
COLUMNS = [
    Column("user", "int64", ("user", "id"), domain=Domain("user", 3 + USERS)),
    Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 3 + ITEMS)),
    Column("item", "int64", ("item", "id"), domain=Domain("item", 3 + ITEMS)),
    Column("price", "float32", ("item", "continuous")),
    Column("weight", "float32", ("weight",)),
    Column("click", "float32", ("target", "binary")),
]


def rows_of(count, seed):
    rng = generator(seed, "rows")
    user, item = rng.integers(0, USERS, count), rng.integers(0, ITEMS, count)
    taken = [rng.integers(3, 3 + ITEMS, row % 3).tolist() for row in range(count)]
    return pl.DataFrame(
        {
            "user": user + 3,
            "history": pl.Series(taken, dtype=pl.List(pl.Int64)),
            "item": item + 3,
            "price": (item % 5 / 5).astype("float32"),
            "weight": rng.integers(1, 4, count).astype("float32"),
            "click": ((user + item) % 2).astype("float32"),
        }
    )


def run(folder, case, stop=0):
    """Three epochs of 6 steps, the last of 41 rows."""
    schema = Schema(column for column in COLUMNS if case == "ranking" or column.name != "click")
    names = list(schema.names)
    train = Dataset.of(rows_of(1001, 0).select(names), schema)
    valid = Dataset.of(rows_of(200, 1).select(names), schema)
    optimization = Optimization(
        schedule="plateau",
        clip=0.5,
        clip_rows=0.1,
        ema=0.9 if case == "average" else None,
        accumulate=3 if case in ("pieces", "ranking") else 1,
    )
    stopping = (lambda row: os._exit(9) if row.epoch == stop else None,) if stop > 0 else ()
    options = FitOptions(
        epochs=3,
        batch_size=192,
        lr=0.02,
        precision="float32",
        optimization=optimization,
        checkpoint=Checkpoints(folder / "run", every=2),
        callbacks=stopping,
    )
    if case == "ranking":
        model, objective = DCN(schema, dim=4, hidden=(8,)), None
    else:
        model = TwoTower(schema, dim=4, hidden=(8,), tables=TableOptions(sparse=case != "dense"))
        objective = SampledSoftmax(temperature=0.2, negatives=InBatch() + Uniform(17))
    return model, fit(model, train, objective, valid, options)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[2:]:
        name, _, stop = case.partition(":")
        place = Path(sys.argv[1]) / name
        model, report = run(place, name, int(stop or 0))
        rank = dist.get_rank() if dist.is_initialized() else 0
        tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(tensors, place / f"{rank}.weights")
        course = [(row.step, row.rows, row.loss, row.metric) for row in report.epochs]
        (place / f"{rank}.json").write_text(json.dumps(course))
